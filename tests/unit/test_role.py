"""What a role is, on the smallest one there can be: the same records give the same effects and the same bytes."""

import io
from collections.abc import Sequence
from typing import BinaryIO

import pytest

from openoutcry.role import NOBODY, Effects, Input, Record, Role, Send, Timer
from openoutcry.wire.fields import KeyId

ADD = 1
ASK = 2
SENDER: KeyId = bytes(range(32))


class Tally:
    """Adds what it is sent, tells the sender, and calls itself a second after the last one."""

    def __init__(self) -> None:
        self.total = 0
        self.asked: list[bytes] = []

    @property
    def name(self) -> str:
        return "tally"

    @property
    def version(self) -> int:
        return 1

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        records = [Record(1, one.tag, now_ns, one.sender, one.raw) for one in inputs if one.tag == ADD]
        answers = [self.answer(one.sender) for one in inputs if one.tag == ASK]
        return records, answers

    def apply(self, records: Sequence[Record]) -> Effects:
        for record in records:
            self.total += int.from_bytes(record.raw, "little")
        due_ns = records[-1].time_ns + 1_000_000_000
        return Effects([self.answer(record.sender) for record in records], [Timer(b"idle", due_ns)])

    def resume(self) -> Effects:
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(self.total.to_bytes(8, "little"))

    def restore(self, source: BinaryIO) -> None:
        content = source.read()
        if len(content) != 8:
            raise ValueError(f"the state of a tally has 8 bytes, not {len(content)}")
        self.total = int.from_bytes(content, "little")

    def check(self) -> list[str]:
        return [] if self.total >= 0 else [f"the total is {self.total}"]

    def answer(self, sender: KeyId) -> Send:
        """Return the total as a message."""
        return Send(sender, memoryview(self.total.to_bytes(8, "little")))


def add(number: int) -> Input:
    """Return what a sender sends to add a number."""
    raw = number.to_bytes(8, "little")
    return Input(SENDER, ADD, memoryview(raw), raw)


def state_of(role: Role) -> bytes:
    """Return a role's snapshot."""
    out = io.BytesIO()
    role.snapshot(out)
    return out.getvalue()


def test_admitting_changes_nothing_and_applying_the_same_records_gives_the_same() -> None:
    """Two roles, one given the records of the other in other groups: equal answers, timers and states."""
    first: Role = Tally()
    second: Role = Tally()
    before = state_of(first)
    records, answers = first.admit([add(3), Input(SENDER, ASK, memoryview(b""), b""), add(4)], 7)
    assert (state_of(first), len(answers)) == (before, 1)
    assert [(record.role, record.tag, record.time_ns, record.sender) for record in records] == [(1, ADD, 7, SENDER)] * 2
    together = first.apply(records)
    apart = [second.apply([record]) for record in records]
    assert [send.to for send in together.sends] == [send.to for effects in apart for send in effects.sends]
    assert together.timers == apart[-1].timers == [Timer(b"idle", 1_000_000_007)]
    assert state_of(first) == state_of(second) != before
    assert first.check() == []


def test_a_state_is_taken_over_whole_or_refused() -> None:
    """A snapshot restores into an equal role; half of one is a ValueError."""
    role: Role = Tally()
    role.apply(role.admit([add(5)], 1)[0])
    copy: Role = Tally()
    copy.restore(io.BytesIO(state_of(role)))
    assert state_of(copy) == state_of(role)
    with pytest.raises(ValueError, match="8 bytes, not 4"):
        copy.restore(io.BytesIO(bytes(4)))


def test_what_nobody_sent_has_a_key_of_zeros() -> None:
    """A timer comes back as a record from nobody; a send is not signed unless it says so."""
    assert (len(NOBODY), any(NOBODY)) == (32, False)
    assert not Send(bytes(32), memoryview(b"")).sign
