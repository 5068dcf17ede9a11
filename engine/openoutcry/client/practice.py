"""A venue of one's own for practice and for tests of bots: a real node on this machine, in a process of its own.

It needs the plugin `discovery`. Its keys are protected by a passphrase that lies beside them, and with the least work
that a keystore can ask for, so it is nothing to trade real things on.
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from openoutcry.client.access import Access, read_profile
from openoutcry.client.admin import instrument_number
from openoutcry.client.errors import NotConnected, OperatorRefused
from openoutcry.client.venue import Venue
from openoutcry.domain import Pair
from openoutcry.node.keys.keystore import create
from openoutcry.node.keys.layout import CHEAPEST, Public
from openoutcry.venue.messages import OperatorFault

START_S: Final = 60.0
"""How long a venue may take to start: two seconds, and half a minute where its machine code is not compiled yet."""

TRY_S: Final = 2.0
"""How long one try to reach it takes: then it is seen whether it still runs."""

STOP_S: Final = 20.0
ACCOUNTS: Final = 2
COMMANDS_PER_S: Final = 1_000_000
OPERATOR: Final = "operator"
PHRASE: Final = "phrase"
PRICE_TICKS_MAX: Final = 65_535

CODES: Final = 6
"""Letters of a pair that is written as two codes of three."""


class Practice:
    """A venue in a folder: its keys and journal, and a profile and keystore for each member and for the operator.

    Entering starts it and, the first time, adds members and lists pairs; leaving stops it. A folder that was used
    before goes on where it was.

        with Practice(Path("practice"), members=("ann", "bob")) as practice:
            with Venue.open(practice.profile("ann")) as ann: ...
    """

    def __init__(
        self,
        folder: Path,
        *,
        members: Sequence[str] = ("ann", "bob"),
        pairs: Sequence[str] = ("EURUSD",),
        tick: str = "0.0001",
        lot: str = "1",
        is_apart: bool = False,
    ) -> None:
        """Make the folder. tick, lot: how members write prices and quantities of each pair. is_apart: Ctrl-C in the
        terminal does not reach the venue, for programs that end it in order themselves.
        """
        self.folder = folder
        self.members = tuple(members)
        self.pairs = tuple(pairs)
        self._process: subprocess.Popen[bytes] | None = None
        self._scale = tick, lot
        self._is_apart = is_apart
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / PHRASE).exists():
            self._furnish()

    def profile(self, member: str) -> Path:
        """Return the profile of a member, or of "operator": what `Venue.open` and `outcry --venue` take."""
        return self.folder / f"{member}.toml"

    def access(self, member: str) -> Access:
        """Return how a member reaches the venue."""
        return read_profile(self.profile(member)).open()

    def start(self) -> None:
        """Run the venue, and wait until it answers. Raises NotConnected, with the last line of its log."""
        command = [sys.executable, "-m", "openoutcry.cli.main", "run", str(self.folder / "venue.toml")]
        with open(self.folder / "venue.log", "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=self._is_apart
            )
        atexit.register(self.kill)  # a program that fails must not leave a venue behind
        try:
            self._open(self._process)
        except NotConnected as error:
            self.kill()
            lines = (self.folder / "venue.log").read_text(encoding="utf-8", errors="replace").splitlines()
            said = f"; it said: {lines[-1][:200]}" if lines else ""
            raise NotConnected(f"the practice venue does not start: {error}{said}") from error

    def kill(self) -> None:
        """End it at once, as a power cut would; `start` goes on with what it had acknowledged."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in order; twice is once."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.kill)
        process.send_signal(how)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _open(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait until the venue answers its operator. Raises NotConnected where it ends instead, or takes too long."""
        end = time.monotonic() + START_S
        while True:
            try:
                with Venue(self.access(OPERATOR), trades=False, timeout_s=TRY_S) as operator:
                    operator.timeout_s = START_S
                    self._prepare(operator)
                    return
            except NotConnected:
                if process.poll() is not None or time.monotonic() > end:
                    raise

    def _prepare(self, operator: Venue) -> None:
        """Do what an operator does on the first day; what is done already stays."""
        listed = {pair.name for pair in operator.pairs()}
        for number, name in enumerate(self.pairs):
            if name not in listed:
                base, quote = (sha256(f"practice|{part}".encode()).digest() for part in _parts(name))
                numbers = instrument_number(base), instrument_number(quote)
                pair = Pair(number, base=numbers[0], quote=numbers[1], price_ticks_max=PRICE_TICKS_MAX)
                operator.administration.list_pair(pair, base=base, quote=quote, name=name)
        for digits in (self.folder / "members").read_text(encoding="utf-8").split():
            key = bytes.fromhex(digits)
            try:
                operator.administration.add_member(key, accounts=ACCOUNTS, commands_per_s=COMMANDS_PER_S)
            except OperatorRefused as error:
                if error.code != OperatorFault.KNOWN_MEMBER:
                    raise

    def _furnish(self) -> None:
        """Write keys, the venue's configuration and the profiles."""
        phrase = os.urandom(16).hex()
        (self.folder / "data").mkdir(mode=0o700)
        keys = {name: self._keys(name, phrase) for name in ("venue", OPERATOR, *self.members)}
        ports = _free_ports(2)
        self._write("venue.toml", VENUE.format(*ports, operator=keys[OPERATOR].identity.hex()))
        tick, lot = self._scale
        pairs = "".join(f'\n[pairs."{name}"]\ntick = "{tick}"\nlot = "{lot}"\n' for name in self.pairs)
        venue = keys["venue"]
        for name in (OPERATOR, *self.members):
            reach = PROFILE.format(*ports, key=venue.identity.hex(), curve=venue.curve.hex(), name=name)
            self._write(f"{name}.toml", reach + pairs)
        self._write("members", "\n".join(keys[name].identity.hex() for name in self.members))
        self._write(PHRASE, phrase + "\n")

    def _keys(self, name: str, phrase: str) -> Public:
        return create(self.folder / f"{name}.keys", phrase.encode(), CHEAPEST)

    def _write(self, name: str, text: str) -> None:
        with os.fdopen(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)


VENUE: Final = """\
[node]
name = "venue"
keystore = "venue.keys"
unlock = "file:phrase"

[links]
listen = "tcp://127.0.0.1:{0}"
publish = "tcp://127.0.0.1:{1}"
open_to = "anyone"
messages_per_s = 1000000
bytes_per_s = 1073741824

[plugins.discovery]
trusted = true

[roles.discovery]
operators = ["{operator}"]
"""

PROFILE: Final = """\
[venue]
address = "tcp://127.0.0.1:{0}"
topics_address = "tcp://127.0.0.1:{1}"
key = "{key}"
curve_key = "{curve}"

[member]
keystore = "{name}.keys"
unlock = "file:phrase"
"""


def _parts(name: str) -> tuple[str, str]:
    """Return what names an instrument for base and quote of a pair's name: EUR and USD of EURUSD or EUR/USD."""
    base, slash, quote = name.partition("/")
    if not slash and len(name) == CODES:
        base, quote = name[:3], name[3:]
    return base, quote or f"price of {base}"


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
