"""The echo: every request is a record, and its reply leaves once that record is durable.

What it knows is how much each sender has sent. Where the node gives it a view (`Ports.store`), the same counts are
there in SQL, written once per group; where it does not, they are in memory alone. The view is filled from what is in
memory and never read but when the role is made, so both give the same snapshots.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, BinaryIO, Final

import msgspec
from msgspec import Meta

from openoutcry.host.kinds import Settings
from openoutcry.role import FRAME_TAG, Effects, Input, Ports, Record, Send
from openoutcry.wire.fields import KeyId
from openoutcry_echo.messages import REQUEST_TAG, EchoReply, EchoRequest

SENDERS_MAX: Final = 65_536
"""The most senders that a configuration can ask for: 16 MiB."""

TABLES: Final = """
CREATE TABLE echo_senders (
    sender BLOB PRIMARY KEY,    -- key of the node that has sent something
    requests INTEGER NOT NULL,  -- messages and record frames together
    bytes INTEGER NOT NULL,     -- of both
    seen INTEGER NOT NULL       -- how many requests, of all senders, there were at its last one
) WITHOUT ROWID;
"""

_READ: Final = "SELECT sender, requests, bytes, seen FROM echo_senders ORDER BY seen"
_WRITE: Final = "INSERT OR REPLACE INTO echo_senders (sender, requests, bytes, seen) VALUES (?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM echo_senders WHERE sender = ?"


class EchoSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """journaled: whether a request is kept, and counted, before it is answered; False for the bare way through a node.
    senders_max: senders that are counted; for one more, the one that was silent for longest is forgotten.
    """

    journaled: bool = True
    senders_max: Annotated[int, Meta(ge=1, le=SENDERS_MAX)] = 1_024


class Tally(msgspec.Struct, array_like=True, gc=False):
    """What one sender has sent. seen: how many requests, of all senders, there were at its last one."""

    sender: KeyId
    requests: int
    bytes: int
    seen: int


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    total: int
    tallies: list[Tally]


_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(_State)
_request_decoder: Final = msgspec.msgpack.Decoder(EchoRequest)


class Echo:
    """The role. total: requests so far."""

    name = "echo"
    version = 1

    def __init__(self, settings: EchoSettings, ports: Ports, name: str = "echo") -> None:
        """Make one. Where the ports have a view that holds something, go on from there."""
        self.name = name
        self._number = ports.number
        self._journaled = settings.journaled
        self._senders_max = settings.senders_max
        self._store = ports.store
        self.total = 0
        self._tallies: dict[KeyId, Tally] = {}
        """By sender; the one that was silent for longest comes first."""
        if self._store is not None:
            rows = [msgspec.convert(row, Tally, strict=False) for row in self._store.execute(_READ)]
            self._take_over(rows[-1].seen if rows else 0, rows)

    def tally(self, sender: KeyId) -> Tally | None:
        """Return what a sender has sent, as far as it is remembered."""
        return self._tallies.get(sender)

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Keep every request, or answer it at once. Cost: 0.2 microseconds each."""
        number = self._number
        if self._journaled:
            return [Record(number, tag, now_ns, sender, raw) for sender, tag, _, raw in inputs if _is_request(tag)], []
        return [], [_answer(sender, tag, raw) for sender, tag, _, raw in inputs if _is_request(tag)]

    def apply(self, records: Sequence[Record]) -> Effects:
        """Count and answer. Cost: 1 microsecond each; with a view 3 more for each sender of the group."""
        sends: list[Send] = []
        tallies = self._tallies
        touched: dict[KeyId, None] = {}
        for _, tag, _, sender, raw in records:
            try:
                sends.append(_answer(sender, tag, raw))
            except msgspec.DecodeError:
                continue  # no request at all: not one of ours
            self.total += 1
            tally = tallies.pop(sender, None)
            if tally is None:
                tally = Tally(sender, 0, 0, 0)
            tally.requests += 1
            tally.bytes += len(raw)
            tally.seen = self.total
            tallies[sender] = tally
            touched[sender] = None
        forgotten = self._forget()
        if self._store is not None and touched:
            gone = set(forgotten)
            self._store.execute_many(_WRITE, [_row(tallies[sender]) for sender in touched if sender not in gone])
            if forgotten:
                self._store.execute_many(_DELETE, [(sender,) for sender in forgotten])
        return Effects(sends, [])

    def resume(self) -> Effects:
        """Nothing: who has not got its reply asks again."""
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        """Write all counts, the sender that was silent for longest first."""
        out.write(_encoder.encode(_State(self.total, list(self._tallies.values()))))

    def restore(self, source: BinaryIO) -> None:
        """Take counts over. Of more senders than this configuration has room for, the last ones."""
        try:
            state = _state_decoder.decode(source.read())
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of an echo: {error}") from error
        self._take_over(state.total, state.tallies)
        if self._store is not None:
            self._store.execute_many(_WRITE, map(_row, self._tallies.values()))

    def check(self) -> list[str]:
        """Return what cannot be: counts out of order, more requests than there were, too many senders, another view."""
        tallies = list(self._tallies.values())
        broken = []
        seen = [tally.seen for tally in tallies]
        if any(later <= earlier for earlier, later in pairwise(seen)) or seen[-1:] > [self.total]:
            broken.append("senders are not in the order in which they were heard")
        if sum(tally.requests for tally in tallies) > self.total or any(tally.requests < 1 for tally in tallies):
            broken.append(f"the senders' requests do not fit the {self.total} there were")
        if len(tallies) > self._senders_max:
            broken.append(f"{len(tallies)} senders, at most {self._senders_max} are kept")
        if self._store is not None and list(self._store.execute(_READ)) != [_row(tally) for tally in tallies]:
            broken.append("the view holds other counts than the role")
        return broken

    def _take_over(self, total: int, tallies: Sequence[Tally]) -> None:
        self.total = total
        self._tallies = {tally.sender: tally for tally in tallies}
        self._forget()

    def _forget(self) -> list[KeyId]:
        """Drop the senders that were silent for longest until the others fit, and return them."""
        excess = len(self._tallies) - self._senders_max
        forgotten = [sender for sender, _ in zip(self._tallies, range(excess), strict=False)]
        for sender in forgotten:
            del self._tallies[sender]
        return forgotten


def _is_request(tag: int) -> bool:
    return tag in (REQUEST_TAG, FRAME_TAG)


def _answer(sender: KeyId, tag: int, raw: bytes | memoryview) -> Send:
    if tag == FRAME_TAG:
        return Send(sender, memoryview(bytes(raw)))  # a copy: what arrived is valid only until we return
    request = _request_decoder.decode(raw)
    return Send(sender, EchoReply(request.number, request.body))


def _row(tally: Tally) -> tuple[bytes, int, int, int]:
    return tally.sender, tally.requests, tally.bytes, tally.seen
