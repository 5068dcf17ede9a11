"""The node: what runs roles behind sockets and a journal.

Imports domain, wire, role and host, and meets roles only through host.
"""
