"""Routing ids that libzmq gives to those who bring none: a zero byte and a counter, which begins at random.

A peer may bring an id of that form too. libzmq 4.3.5 does not look whether the next number of its counter is taken: it
aborts the process (an assertion in socket_base.cpp). Numbers ahead of the counter are therefore shut out as soon as
they are seen, and a stranger can hold one unseen only for as long as it may be silent. Decision record 0015.
"""

import zmq

from openoutcry.node.zmq_io.options import set_inner

_BYTES = 5


class RoutingIds:
    """Tells ids that a ROUTER has given from those that only look so."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], router: zmq.Socket[bytes]) -> None:
        """Learn where the counter stands by a first link inside the process; before the ROUTER is bound elsewhere."""
        address = "inproc://first-routing-id"
        router.bind(address)
        first = context.socket(zmq.DEALER)
        set_inner(first, 1)
        first.connect(address)
        first.send(b"")
        self._first = int.from_bytes(router.recv()[1:], "big")
        router.recv()
        first.close()
        router.unbind(address)

    def is_given(self, routing_id: bytes, links: int) -> bool:
        """Tell whether an id may be in use. links: how many have come so far; each moves the counter by 1 at most.

        An id without the zero byte was brought by its peer, which is allowed and harms nobody.
        """
        if routing_id[:1] != b"\0":
            return True
        number = int.from_bytes(routing_id[1:], "big")
        return len(routing_id) == _BYTES and 1 <= (number - self._first) % 2**32 <= links
