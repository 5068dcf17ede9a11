"""Numbered streams and snapshots: what a publisher keeps, when a follower applies, asks and gives up."""

import tracemalloc
from typing import Any

import msgspec
import pytest

from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.limits import (
    ASKS_MAX,
    GAP_ITEMS_MAX,
    INT_MAX,
    RESEND_BYTES_MAX,
    RESEND_ITEMS_MAX,
    SNAPSHOT_PART_BYTES,
    SNAPSHOT_PARTS_MAX,
)
from openoutcry.wire.messages import (
    StreamHead,
    StreamResend,
    StreamSnapshotPart,
    StreamSnapshotWanted,
    StreamUseSnapshot,
)
from openoutcry.wire.snapshots import SnapshotParts, cut
from openoutcry.wire.streams import NOTHING, Follower, FollowerState, Item, Publisher, Resent, Step

STREAM = 7


def item(sequence: int, span: int = 1) -> Item:
    """Return an item whose frame names its sequences."""
    return Item(sequence, span, b"%d+%d" % (sequence, span))


def code_of(found: Any) -> FaultCode | None:
    """Return the code of a fault, None for anything else."""
    return found.code if isinstance(found, WireFault) else None


def publisher(count: int, **bounds: int) -> Publisher:
    """Return a publisher that has published `count` items of one byte."""
    made = Publisher(STREAM, **bounds)
    for _ in range(count):
        made.publish(b"x")
    return made


def test_sequences_are_given_without_gaps() -> None:
    """Items of one and of many sequences; the head is the last sequence given."""
    made = Publisher(STREAM)
    assert made.announce() == StreamHead(STREAM, 0)
    assert [made.publish(b"x", span)[:2] for span in (1, 256, 1)] == [(1, 1), (2, 256), (258, 1)]
    assert (made.announce(), made.next_sequence()) == (StreamHead(STREAM, 258), 259)


def test_a_publisher_keeps_no_more_than_its_bounds() -> None:
    """By items and by bytes; an item longer than all bytes is not kept at all."""
    assert publisher(10, items_max=3).first_kept == 8
    assert publisher(10, bytes_max=4).first_kept == 7
    assert publisher(10, bytes_max=0).first_kept == 11
    made = publisher(3, bytes_max=10)
    made.publish(b"x" * 11)
    assert (made.head, made.first_kept) == (4, 5)


def test_a_range_is_answered_with_whole_items() -> None:
    """A range that begins and ends inside items of three sequences each; the head goes out after them."""
    made = Publisher(STREAM)
    items = [made.publish(b"x", 3) for _ in range(5)]
    answer = made.answer(StreamResend(STREAM, 5, 10))
    assert answer == Resent(tuple(items[1:4]), StreamHead(STREAM, 15))


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(1, 11, FaultCode.OUT_OF_RANGE), (11, 11, FaultCode.OUT_OF_RANGE), (5, 4, FaultCode.OUT_OF_RANGE), (1, 10, None)],
)
def test_only_a_range_of_the_stream_can_be_asked_for(first: int, last: int, code: FaultCode | None) -> None:
    """Beyond the head, backwards, and of another stream."""
    made = publisher(10)
    assert code_of(made.answer(StreamResend(STREAM, first, last))) is code
    assert code_of(made.answer(StreamResend(STREAM + 1, 1, 1))) is FaultCode.WRONG_STREAM


def test_one_answer_is_bounded() -> None:
    """By items, by bytes, and at least one item."""
    many = publisher(RESEND_ITEMS_MAX + 9).answer(StreamResend(STREAM, 1, RESEND_ITEMS_MAX + 9))
    assert isinstance(many, Resent)
    assert len(many.items) == RESEND_ITEMS_MAX
    long = Publisher(STREAM)
    for size in (RESEND_BYTES_MAX + 1, RESEND_BYTES_MAX // 2, RESEND_BYTES_MAX // 2, 1):
        long.publish(b"x" * size)
    for first, sent in ((1, 1), (2, 2)):
        answer = long.answer(StreamResend(STREAM, first, 4))
        assert isinstance(answer, Resent)
        assert len(answer.items) == sent


def test_what_is_not_kept_is_answered_with_a_snapshot_that_leads_on() -> None:
    """The marked one while the items after it are kept, else one as of the head, which is due."""
    made = publisher(10, items_max=5)
    answers = [(made.snapshot_due, made.answer(StreamResend(STREAM, 5, 9)))]
    made.mark_snapshot(10)
    made.mark_snapshot(3)
    for count in (5, 1):
        for _ in range(count):
            made.publish(b"x")
        answers.append((made.snapshot_due, made.answer(StreamResend(STREAM, 5, 9))))
    due_at = ((True, 10), (False, 10), (True, 16))
    assert answers == [(is_due, StreamUseSnapshot(STREAM, sequence)) for is_due, sequence in due_at]


def test_a_publisher_that_goes_on_after_a_restart_keeps_nothing_from_before() -> None:
    """From head 100: older ranges lead to the snapshot of 100, the next item is 101."""
    made = Publisher(STREAM, head=100)
    assert made.answer(StreamResend(STREAM, 1, 100)) == StreamUseSnapshot(STREAM, 100)
    assert made.publish(b"x").sequence == 101
    assert not made.snapshot_due


def test_items_in_order_are_applied_at_once() -> None:
    """Spans of any length; each once, duplicates never."""
    follower = Follower(STREAM)
    for new in (item(1), item(2, 10), item(12)):
        assert follower.receive(STREAM, new) == Step((new,))
        assert follower.receive(STREAM, new) == NOTHING
    assert (follower.next, follower.state) == (13, FollowerState.FOLLOWING)


def test_nothing_is_applied_across_a_gap() -> None:
    """A later item waits and its predecessors are asked for once; when they come, all go out in order."""
    follower = Follower(STREAM)
    assert follower.receive(STREAM, item(4)) == Step(ask=StreamResend(STREAM, 1, 3))
    assert follower.receive(STREAM, item(6)) == NOTHING
    assert follower.receive(STREAM, item(4)) == NOTHING
    assert follower.receive(STREAM, item(2)) == NOTHING
    assert follower.receive(STREAM, item(1)) == Step((item(1), item(2)))
    assert follower.receive(STREAM, item(3)) == Step((item(3), item(4)), StreamResend(STREAM, 5, 5))
    assert follower.receive(STREAM, item(5)) == Step((item(5), item(6)))
    assert (follower.state, follower.next, follower.waiting) == (FollowerState.FOLLOWING, 7, 0)


def test_a_head_shows_what_is_missing_at_the_end() -> None:
    """An old head says nothing; a later one opens a gap; after a part of an answer it brings the question for the
    rest."""
    follower = Follower(STREAM)
    assert follower.hear_head(StreamHead(STREAM, 0)) == NOTHING
    assert follower.hear_head(StreamHead(STREAM, 3)) == Step(ask=StreamResend(STREAM, 1, 3))
    assert follower.hear_head(StreamHead(STREAM, 3)) == NOTHING
    assert follower.receive(STREAM, item(1)) == Step((item(1),))
    assert follower.hear_head(StreamHead(STREAM, 4)) == Step(ask=StreamResend(STREAM, 2, 4))
    assert follower.receive(STREAM, item(2, 3)) == Step((item(2, 3),))
    assert follower.state is FollowerState.FOLLOWING


def test_a_follower_asks_so_often_and_then_wants_a_snapshot() -> None:
    """No answer at all: the same range each time, then a snapshot, asked for again as long as none comes."""
    follower = Follower(STREAM)
    assert follower.retry() == NOTHING
    first = follower.receive(STREAM, item(3))
    asked = [first, *(follower.retry() for _ in range(ASKS_MAX - 1))]
    assert asked == [Step(ask=StreamResend(STREAM, 1, 2))] * ASKS_MAX
    assert [follower.retry() for _ in range(3)] == [Step(ask=StreamSnapshotWanted(STREAM, 0))] * 3
    assert follower.state is FollowerState.SNAPSHOT


def test_progress_counts_the_questions_anew() -> None:
    """A part arrives before the last question: the rest may be asked for as often again."""
    follower = Follower(STREAM)
    follower.receive(STREAM, item(9))
    for _ in range(ASKS_MAX - 1):
        follower.retry()
    follower.receive(STREAM, item(1))
    assert [follower.retry() for _ in range(ASKS_MAX)] == [Step(ask=StreamResend(STREAM, 2, 8))] * ASKS_MAX


def test_a_follower_goes_on_after_a_snapshot() -> None:
    """What waited and is newer goes out at once; what is still missing is asked for; what is old is dropped."""
    follower = Follower(STREAM)
    follower.receive(STREAM, item(5))
    assert follower.hear_use_snapshot(StreamUseSnapshot(STREAM, 6)) == Step(ask=StreamSnapshotWanted(STREAM, 0))
    assert follower.receive(STREAM, item(7)) == NOTHING
    assert follower.receive(STREAM, item(9)) == NOTHING
    assert follower.restore(STREAM, 6) == Step((item(7),), StreamResend(STREAM, 8, 8))
    assert follower.receive(STREAM, item(8)) == Step((item(8), item(9)))
    assert (follower.state, follower.waiting) == (FollowerState.FOLLOWING, 0)


def test_a_snapshot_that_was_not_asked_for_or_is_too_old_changes_nothing() -> None:
    """While following; older than what was applied; beyond all numbers; of another stream; an answer too early."""
    follower = Follower(STREAM, next_sequence=10)
    assert code_of(follower.restore(STREAM, 20)) is FaultCode.STALE
    assert follower.hear_use_snapshot(StreamUseSnapshot(STREAM, 20)) == NOTHING
    assert follower.want_snapshot() == Step(ask=StreamSnapshotWanted(STREAM, 9))
    assert code_of(follower.restore(STREAM, 8)) is FaultCode.STALE
    assert code_of(follower.restore(STREAM, INT_MAX)) is FaultCode.STALE
    assert code_of(follower.restore(STREAM + 1, 20)) is FaultCode.WRONG_STREAM
    assert follower.state is FollowerState.SNAPSHOT
    assert follower.restore(STREAM, 9) == NOTHING
    assert (follower.next, follower.state) == (10, FollowerState.FOLLOWING)


def test_what_waits_is_bounded_and_the_missing_item_always_has_room() -> None:
    """Waiting room full by items and by bytes: the item that closes the gap still does; one more that waits leads to a
    snapshot, and what comes after that is dropped."""
    for bounds in ({"items_max": 2}, {"bytes_max": 6}):
        follower = Follower(STREAM, **bounds)
        follower.receive(STREAM, item(2))
        follower.receive(STREAM, item(3))
        assert follower.receive(STREAM, item(1)) == Step((item(1), item(2), item(3)))
        follower.receive(STREAM, item(5))
        follower.receive(STREAM, item(6))
        assert follower.receive(STREAM, item(7)) == Step(ask=StreamSnapshotWanted(STREAM, 3))
        assert follower.receive(STREAM, item(8)) == NOTHING
        assert follower.waiting == 2
        assert follower.restore(STREAM, 4) == Step((item(5), item(6)), StreamResend(STREAM, 7, 8))


def test_a_gap_that_is_too_wide_wants_a_snapshot_at_once() -> None:
    """At the bound the range is asked for, one beyond a snapshot, also when the publisher claims the end of numbers."""
    for sequence, ask in (
        (GAP_ITEMS_MAX + 1, StreamResend(STREAM, 1, GAP_ITEMS_MAX)),
        (GAP_ITEMS_MAX + 2, StreamSnapshotWanted(STREAM, 0)),
        (INT_MAX - 1, StreamSnapshotWanted(STREAM, 0)),
    ):
        assert Follower(STREAM).receive(STREAM, item(sequence)) == Step(ask=ask)
    assert Follower(STREAM).hear_head(StreamHead(STREAM, INT_MAX)) == Step(ask=StreamSnapshotWanted(STREAM, 0))


@pytest.mark.parametrize(
    ("stream", "bad", "code"),
    [
        (STREAM + 1, item(10), FaultCode.WRONG_STREAM),
        (STREAM, item(9, 2), FaultCode.OVERLAP),
        (STREAM, item(1, 100), FaultCode.OVERLAP),
        (STREAM, item(10, 0), FaultCode.OUT_OF_RANGE),
        (STREAM, item(0), FaultCode.OUT_OF_RANGE),
        (STREAM, item(INT_MAX), FaultCode.OUT_OF_RANGE),
    ],
)
def test_an_item_that_cannot_be_is_a_fault_and_changes_nothing(stream: int, bad: Item, code: FaultCode) -> None:
    """Another stream, an item cut differently, no span, numbers out of range; then the next item as if nothing was."""
    follower = Follower(STREAM, next_sequence=10)
    assert code_of(follower.receive(stream, bad)) is code
    assert follower.receive(STREAM, item(10)) == Step((item(10),))


def test_messages_of_another_stream_are_faults() -> None:
    """A head and an answer."""
    follower = Follower(STREAM)
    assert code_of(follower.hear_head(StreamHead(STREAM + 1, 5))) is FaultCode.WRONG_STREAM
    assert code_of(follower.hear_use_snapshot(StreamUseSnapshot(STREAM + 1, 5))) is FaultCode.WRONG_STREAM


def test_items_that_an_odd_publisher_cuts_anew_are_dropped() -> None:
    """What waited and begins before the next sequence is never handed out."""
    follower = Follower(STREAM)
    follower.receive(STREAM, item(3, 2))
    follower.receive(STREAM, item(9))
    assert follower.receive(STREAM, item(1, 3)) == Step((item(1, 3),), StreamResend(STREAM, 4, 8))
    assert follower.waiting == 1


def test_what_came_twice_or_was_dropped_takes_no_room() -> None:
    """Room for two items: one again and again, then items that an odd publisher makes old before their turn."""
    follower = Follower(STREAM, bytes_max=6)
    for _ in range(9):
        follower.receive(STREAM, item(2))
    assert follower.receive(STREAM, item(1)) == Step((item(1), item(2)))
    for start in range(3, 60, 3):
        follower.receive(STREAM, Item(start + 1, 1, b"xxx"))
        assert follower.receive(STREAM, item(start, 3)) == Step((item(start, 3),))
    follower.receive(STREAM, Item(61, 1, b"xxx"))
    follower.receive(STREAM, Item(62, 1, b"xxx"))
    assert (follower.state, follower.waiting) == (FollowerState.GAP, 2)


@pytest.mark.parametrize("size", [0, 1, SNAPSHOT_PART_BYTES, SNAPSHOT_PART_BYTES + 1, 5 * SNAPSHOT_PART_BYTES - 1])
def test_a_snapshot_comes_together_from_parts_in_any_order(size: int) -> None:
    """Forwards, backwards, and each part twice."""
    state = bytes(index % 251 for index in range(size))
    parts = list(cut(STREAM, 9, state))
    for order in (parts, parts[::-1], [part for part in parts for _ in range(2)][:-1]):
        together = SnapshotParts(order[0])
        answers = [together.add(part) for part in order]
        assert answers[-1] == state
        assert together.missing == 0
        assert all(answer is None for answer in answers[:-1])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stream": 8}, FaultCode.WRONG_SNAPSHOT),
        ({"sequence": 8}, FaultCode.WRONG_SNAPSHOT),
        ({"parts": 4}, FaultCode.WRONG_SNAPSHOT),
        ({"digest": b"x" * 32}, FaultCode.WRONG_SNAPSHOT),
        ({"part": 3}, FaultCode.WRONG_SNAPSHOT),
        ({"body": b"x"}, FaultCode.WRONG_SNAPSHOT),
        ({"part": 2, "body": b"x"}, None),
    ],
)
def test_a_part_of_something_else_is_a_fault(changes: dict[str, Any], code: FaultCode | None) -> None:
    """The second of three parts with one thing changed; what came before and comes after still fits."""
    parts = list(cut(STREAM, 9, bytes(2 * SNAPSHOT_PART_BYTES + 5)))
    together = SnapshotParts(parts[0])
    assert together.add(parts[0]) is None
    assert code_of(together.add(msgspec.structs.replace(parts[1], **changes))) is code
    assert together.add(parts[1]) is None or code is None


def test_a_snapshot_that_was_changed_is_a_fault() -> None:
    """One byte of the last part."""
    parts = list(cut(STREAM, 9, bytes(SNAPSHOT_PART_BYTES + 5)))
    together = SnapshotParts(parts[0])
    assert together.add(parts[0]) is None
    assert code_of(together.add(msgspec.structs.replace(parts[1], body=b"wrong"))) is FaultCode.WRONG_CHECKSUM


def test_a_claim_of_many_parts_takes_no_memory() -> None:
    """The first part of the longest snapshot that there may be."""
    tracemalloc.start()
    part = StreamSnapshotPart(STREAM, 9, 0, SNAPSHOT_PARTS_MAX, bytes(32), bytes(SNAPSHOT_PART_BYTES))
    together = SnapshotParts(part)
    assert together.add(part) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * SNAPSHOT_PART_BYTES
