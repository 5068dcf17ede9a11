"""A small venue for tests of clients, and what serves it over real sockets."""
