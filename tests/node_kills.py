"""A whole node killed with SIGKILL at random moments under load, and what it has acknowledged held against its journal.

The node is the one of `outcry run`, with the echo role, CURVE, its keystore and its configuration. Requests carry
numbers that are used once; a number that was answered has to be in the journal after every restart, and none twice.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import zmq

from openoutcry.node.core.core import NODE_ROLE
from openoutcry.node.journal import FileLog, RoleVersion
from openoutcry.wire.codec import encode
from openoutcry_echo.messages import REQUEST_TAG, EchoReply, EchoRequest
from tests.keystores import make, passphrase_file
from tests.links.strangers import Stranger
from tests.running import run_node

ROLES: Final = (NODE_ROLE, RoleVersion(1, "echo", 1))
WINDOW: Final = 32
PATIENCE_S: Final = 30.0
SEGMENT_BYTES: Final = 16 << 20
"""A small segment, so that some kills come while one is begun."""


@dataclass
class NodeKills:
    """One node with its folder; kills are drawn from the seed."""

    folder: Path
    seed: int
    kills: int = 0
    acknowledged: set[int] = field(default_factory=set)
    recovery_s: list[float] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        passphrase = passphrase_file(self.folder)
        outcry = [sys.executable, "-m", "openoutcry.cli.main"]
        subprocess.run([*outcry, "init", "echo", "--dir", str(self.folder / "node")], check=True, capture_output=True)
        self.curve = make(self.folder / "node" / "keystore").curve
        self.file = self.folder / "node" / "node.toml"
        text = self.file.read_text(encoding="utf-8")
        for old, new in (
            ('unlock = "prompt"', f'unlock = "file:{passphrase}"'),
            ('listen = "tcp://127.0.0.1:7401"', 'listen = "tcp://127.0.0.1:0"'),
            ('open_to = "listed"', 'open_to = "anyone"'),
            ("messages_per_s = 5000", "messages_per_s = 10000000"),
            ("segment_bytes = 67108864", f"segment_bytes = {SEGMENT_BYTES}"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        self.file.write_text(text, encoding="utf-8")

    def kill(self) -> None:
        """Start the node, load it, kill it at a moment that the seed gives, and look into its journal."""
        process, address = self.start()
        try:
            self.load(address, time.monotonic() + 0.05 + self._random.expovariate(4))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=PATIENCE_S)
        self.kills += 1
        self.look()

    def start(self) -> tuple["subprocess.Popen[bytes]", str]:
        """Start the node and wait until it listens."""
        process, address, seconds = run_node(self.file, self.folder / "log", PATIENCE_S)
        self.recovery_s.append(seconds)
        return process, address

    def load(self, address: str, until: float) -> None:
        """Ask, with so many requests on their way, until then; remember what was answered."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            peer = Stranger(context, address, self.curve, "client")
            while not peer.is_connected():
                assert time.monotonic() < until + PATIENCE_S, (self.folder / "log").read_text(encoding="utf-8")
                peer.events()  # a handshake that took too long is tried again
                time.sleep(0.001)
            peer.greet()
            waiting = 0
            while time.monotonic() < until:
                while waiting < WINDOW:
                    self.sent += 1
                    waiting += 1
                    assert peer.send(encode(EchoRequest(self.sent, os.urandom(self._random.randrange(200)))))
                peer.socket.poll(5)
                for frame in peer.heard():
                    if frame[1:4] == encode(EchoReply(0, b""))[1:4]:
                        self.acknowledged.add(msgspec.msgpack.decode(frame, type=EchoReply).number)
                        waiting -= 1
        finally:
            context.destroy(linger=0)

    def look(self) -> None:
        """Hold the journal against what was acknowledged. Fails for a number that is lost, or there twice."""
        log = FileLog.open(self.file.parent / "data" / "journal", ROLES)
        try:
            kept = Counter(
                msgspec.msgpack.decode(record.raw, type=EchoRequest).number
                for batch in log.read()
                for record in batch.records
                if record.tag == REQUEST_TAG
            )
        finally:
            log.close()
        lost = self.acknowledged - kept.keys()
        twice = [number for number, count in kept.items() if count > 1]
        assert not lost and not twice, f"seed {self.seed}, kill {self.kills}: lost {lost}, twice {twice}"
