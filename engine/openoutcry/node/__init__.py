"""The node: what runs roles behind sockets and a journal. Imports role, wire and host; meets roles only through host."""
