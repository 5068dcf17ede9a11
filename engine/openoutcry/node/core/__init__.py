"""A node without sockets, clock and threads: groups of arrivals go in, frames to send come out. See `core`."""
