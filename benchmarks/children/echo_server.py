"""An echo in a process of its own: a bare ROUTER, or a node; with or without CURVE; see `benchmarks.nodes.echo`.

python -m benchmarks.children.echo_server '{"server": "node", "curve": true, "durability": "sync", "folder": ...}'

Prints one line of JSON with its address and keys, and ends when its standard input does.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import zmq
from msgspec.structs import replace
from nacl.bindings import crypto_scalarmult_base

from benchmarks.nodes.costs import NoLog
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import FileLog, Log, RoleVersion, Settings
from openoutcry.node.runner import Duty, Runner
from openoutcry.node.zmq_io import LinkIdentity, Links, LinkSettings, OpenTo
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry_echo.kinds import ECHO
from openoutcry_echo.role import EchoSettings
from tests.small_roles import NoAnswers

SEED: Final = b"echo server of the benchmarks...".ljust(32, b".")[:32]
CURVE_SECRET: Final = b"links of the benchmarks.........".ljust(32, b".")[:32]
CURVE_PUBLIC: Final = crypto_scalarmult_base(CURVE_SECRET)
RETAIN_NS: Final = 5 * 10**9
UNBOUNDED: Final = 10**8
"""Messages a second that a peer may send here: what is measured is the node, not its limits."""


class PlainLinks:
    """Links that trust everybody, for measuring what CURVE and sessions cost. A peer's key is its routing id."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"

    def receive(self, wait_s: float, arrivals_max: int) -> list[Arrival]:
        """Return what has arrived."""
        arrivals: list[Arrival] = []
        if not self._socket.poll(int(wait_s * 1000)):
            return arrivals
        try:
            while len(arrivals) < arrivals_max:
                peer, frame = self._socket.recv_multipart(zmq.NOBLOCK)
                arrivals.append(Arrival(peer.ljust(32, b"\0"), frame))
        except zmq.Again:
            pass
        return arrivals

    def send(self, frames: Sequence[Outgoing]) -> None:
        """Send everything."""
        for to, frame in frames:
            assert isinstance(to, bytes)
            self._socket.send_multipart((to[:5], frame), zmq.NOBLOCK, copy=True)

    def fault(self, peer: bytes, count: int) -> None:
        """Nobody is held to account."""

    def wake(self) -> None:
        """The runner looks again by itself."""

    def close(self) -> None:
        """Let go."""
        self._socket.close()
        self._context.term()


def serve_bare(curve: bool) -> None:
    """Echo with a bare ROUTER, message by message, until standard input ends."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        if curve:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
            socket.setsockopt(zmq.CURVE_SECRETKEY, CURVE_SECRET)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        tell(f"tcp://127.0.0.1:{port}")
        ended = threading.Event()
        when_input_ends(ended.set)
        while not ended.is_set():
            if socket.poll(100):
                socket.send_multipart(socket.recv_multipart())


def serve_node(curve: bool, durability: str, folder: Path, *, limited: bool, retain: bool) -> None:
    """Echo with a node until standard input ends."""
    signer = Ed25519Signer(SEED)
    links: Any = PlainLinks()
    if curve:
        links.close()
        settings = LinkSettings(open_to=OpenTo.ANYONE)
        if not limited:
            settings = replace(
                settings, messages_per_s=UNBOUNDED, bytes_per_s=1 << 40, burst_ms=60_000, flood_ms=600_000
            )
        identity = LinkIdentity(signer, CURVE_PUBLIC, CURVE_SECRET)
        links = Links(settings, identity, ("echo",), (), time.time_ns, lambda key: False)
    versions = [NODE_ROLE, RoleVersion(1, "echo", 1)]
    log: Log = NoLog() if durability == "none" else FileLog.create(folder, versions, Settings(archives_max=0))
    part = Part(1, ECHO, EchoSettings(journaled=durability != "none"))
    core = Core(
        [part], log, Identity(signer, Ed25519Verifier(), lambda path: SEED), NoAnswers(), sync=durability == "sync"
    )

    def keep_small(now_ns: int) -> None:
        core.save_snapshot()
        assert isinstance(log, FileLog)
        log.retain()

    duties = [Duty(RETAIN_NS, keep_small)] if retain else []
    runner = Runner(core, links, log, time.time_ns, duties=duties, snapshot_at_stop=False)
    when_input_ends(runner.stop)
    tell(links.address)
    runner.run()
    links.close()
    log.close()


def tell(address: str) -> None:
    """Say where it is."""
    print(json.dumps({"address": address, "curve_public": CURVE_PUBLIC.hex()}), flush=True)


def when_input_ends(do: Callable[[], None]) -> None:
    """Do something when the parent closes our standard input."""

    def watch() -> None:
        sys.stdin.read()
        do()

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Serve as the argument says."""
    wanted = json.loads(sys.argv[1])
    if wanted["core"] is not None:
        os.sched_setaffinity(0, {wanted["core"]})
    if wanted["server"] == "bare":
        serve_bare(wanted["curve"])
    else:
        limited, retain = wanted["limited"], wanted["retain"]
        serve_node(wanted["curve"], wanted["durability"], Path(wanted["folder"]), limited=limited, retain=retain)


if __name__ == "__main__":
    main()
