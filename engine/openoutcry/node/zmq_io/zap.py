"""ZAP (RFC 27): libzmq asks here, in the process, whether a CURVE key may enter. Answered in the node's loop."""

from collections.abc import Callable
from typing import Final

import zmq

from openoutcry.node.sessions.gate import Entry, Gate
from openoutcry.node.zmq_io.counters import Counters
from openoutcry.node.zmq_io.options import ZAP_ADDRESS, ZAP_WAITING_MAX, set_inner

_VERSION: Final = b"1.0"
_PARTS: Final = 7
"""Version, request id, domain, address, identity, mechanism, and for CURVE one credential: the key."""

_COUNTERS: Final = {
    Entry.UNLISTED: "denied_unlisted",
    Entry.CLOSED: "denied_closed",
    Entry.REVOKED: "denied_revoked",
    Entry.BUSY: "denied_busy",
}


class Zap:
    """Answers for every bound socket of one context. Bind it before them: libzmq lets nobody in without an answer."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate, counters: Counters, now_ns: Callable[[], int]
    ) -> None:
        self.socket = context.socket(zmq.REP)
        set_inner(self.socket, ZAP_WAITING_MAX)
        self.socket.bind(ZAP_ADDRESS)
        self._gate = gate
        self._counters = counters
        self._now_ns = now_ns

    def answer(self) -> None:
        """Answer whatever waits. 20 microseconds a request; connections that may wait bound their number."""
        while True:
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            # libzmq itself is the only one that can send here: the context is the links' own.
            assert len(parts) >= _PARTS - 1 and parts[0] == _VERSION, len(parts)
            curve_key = parts[6] if len(parts) == _PARTS and parts[5] == b"CURVE" else None
            if curve_key is None:
                self._counters.denied_mechanism += 1
                self._reply(parts[1], b"400", b"CURVE only", b"")
                continue
            entry = self._gate.decide(curve_key, self._now_ns())
            if entry is Entry.OPEN:
                self._reply(parts[1], b"200", b"OK", curve_key.hex().encode("ascii"))
                continue
            name = _COUNTERS[entry]
            setattr(self._counters, name, getattr(self._counters, name) + 1)
            # 300 asks to come again, 400 says no; libzmq's client comes again after either.
            self._reply(parts[1], b"300" if entry is Entry.BUSY else b"400", entry.name.encode("ascii"), b"")

    def _reply(self, request: bytes, status: bytes, text: bytes, user_id: bytes) -> None:
        self.socket.send_multipart((_VERSION, request, status, text, user_id, b""))
