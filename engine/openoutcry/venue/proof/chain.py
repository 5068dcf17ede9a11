"""The venue's chain over the runs that it applies: heads, receipts under them, and how both are read.

Runs are leaves of a tree that a head closes; heads are a chain. One signature covers all runs of ten milliseconds,
and a receipt is a path of at most fourteen hashes. Pure; times are those of records.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from openoutcry.venue.proof.hashes import head_chain, venue_leaf, venue_start
from openoutcry.venue.proof.limits import HEAD_NS, HEAD_RUNS_MAX, KEPT_RUNS_MAX
from openoutcry.venue.proof.messages import ChainHead, Receipt, ReceiptState
from openoutcry.wire.merkle import path, root, root_from_path


class Placed(NamedTuple):
    """A run in the venue's chain: whose, its first command, the book's number of that one (0: sealed), its leaf."""

    session: int
    sequence: int
    commands: int
    book_sequence: int
    leaf: bytes


class _Under(NamedTuple):
    head: ChainHead
    runs: tuple[Placed, ...]


class VenueChain:
    """Collects runs in the order of their application and closes them under heads. Deterministic: part of `apply`.

    `take` each run, then `close` once at the end of each group and when the timer of `due_ns` comes. Receipts of the
    latest `runs_max` runs are given from memory; for older ones, put the runs of the journal through a chain of
    their own, from any head on (`previous`, `before` and `sequence` are in the head), which gives the same.
    """

    __slots__ = (
        "_firsts",
        "_forgotten",
        "_index",
        "_kept",
        "_pending",
        "_pending_book",
        "_runs_max",
        "_waiting",
        "before",
        "closed_ns",
        "last",
        "previous",
    )  # fmt: skip

    def __init__(self, venue: bytes, *, after: ChainHead | None = None, runs_max: int = KEPT_RUNS_MAX) -> None:
        """venue: its key. after: the head after which this chain goes on; None for the beginning."""
        self.previous = venue_start(venue) if after is None else head_chain(after)
        self.before = 0 if after is None else after.before + after.count
        self.last = after
        self.closed_ns = 0 if after is None else after.time_ns
        self._runs_max = runs_max
        self._pending: list[Placed] = []
        self._pending_book = 0
        self._waiting: dict[tuple[int, int], Placed] = {}
        self._firsts: dict[int, list[int]] = {}
        self._kept: deque[_Under] = deque()
        self._index: dict[tuple[int, int], tuple[int, int]] = {}
        self._forgotten: dict[int, int] = {}

    def take(
        self, salt: bytes, session: int, member: bytes, sequence: int, count: int, book_sequence: int, digest: bytes
    ) -> Placed:
        """Add a run in its place. Cost: 2 microseconds. The digest is the one of the member's chain.

        What the venue itself puts into the book (clock, phases, cancellations) is a run as well: session 0, the
        venue's own key, a numbering of its own. Then no number of the book is without a leaf.
        """
        assert len(self._pending) < HEAD_RUNS_MAX, "a group closes before so many runs"
        leaf_hash = venue_leaf(salt, member, sequence, count, book_sequence, digest)
        placed = Placed(session, sequence, count, book_sequence, leaf_hash)
        self._pending.append(placed)
        self._firsts.setdefault(session, []).append(sequence)
        self._waiting[session, sequence] = placed
        if book_sequence:
            self._pending_book = book_sequence + count - 1
        return placed

    @property
    def is_full(self) -> bool:
        """Whether no more runs fit under the next head: call `close` with `now` before the next `take`."""
        return len(self._pending) >= HEAD_RUNS_MAX

    @property
    def due_ns(self) -> int | None:
        """When the next head is due; None where no run waits for one."""
        return self.closed_ns + HEAD_NS if self._pending else None

    def close(self, time_ns: int, *, now: bool = False) -> ChainHead | None:
        """Return a head over the runs that wait, if one is due (or `now`, as when the node stops), else None.

        The caller sends it to the topic `receipts`, signed. Cost: 0.5 microseconds a run.
        """
        due_ns = self.due_ns
        if due_ns is None or (time_ns < due_ns and not now and not self.is_full):
            return None
        book_sequence = self._pending_book or (self.last.book_sequence if self.last else 0)
        number = (self.last.sequence if self.last else 0) + 1
        tree = root([placed.leaf for placed in self._pending])
        head = ChainHead(number, self.previous, self.before, len(self._pending), tree, book_sequence, time_ns)
        for index, placed in enumerate(self._pending):
            self._index[placed.session, placed.sequence] = (number, index)
        self._kept.append(_Under(head, tuple(self._pending)))
        self.previous, self.before = head_chain(head), self.before + head.count
        self.last, self.closed_ns = head, time_ns
        self._pending.clear()
        self._waiting.clear()
        self._pending_book = 0
        self._forget()
        return head

    def _forget(self) -> None:
        while len(self._kept) > 1 and len(self._index) > self._runs_max:
            for placed in self._kept.popleft().runs:
                del self._index[placed.session, placed.sequence]
                del self._firsts[placed.session][0]
                self.forget(placed.session, placed.sequence + placed.commands - 1)

    def forget(self, session: int, sequence: int) -> None:
        """Answer FORGOTTEN, and not UNKNOWN, for a session's runs up to this one that are not kept."""
        self._forgotten[session] = max(sequence, self._forgotten.get(session, 0))

    def head(self, sequence: int) -> ChainHead | None:
        """Return a head by number, the last one for 0; None where it is not kept."""
        if sequence == 0:
            return self.last
        under = self._under(sequence)
        return under.head if under else None

    def _under(self, sequence: int) -> _Under | None:
        at = sequence - self._kept[0].head.sequence if self._kept else -1
        return self._kept[at] if 0 <= at < len(self._kept) else None

    def receipt(self, session: int, sequence: int) -> Receipt:
        """Return the receipt of the run that a command is in, or what is said in its place.

        Cost: 0.5 microseconds for each run under the head.
        """
        firsts = self._firsts.get(session, [])
        at = bisect_right(firsts, sequence)
        first = firsts[at - 1] if at else 0
        waiting, found = self._waiting.get((session, first)), self._index.get((session, first))
        if waiting is not None and sequence < first + waiting.commands:
            return Receipt(session, first, ReceiptState.PENDING, waiting.commands)
        if found is not None:
            number, index = found
            under = self._under(number)
            assert under is not None
            placed = under.runs[index]
            if sequence < first + placed.commands:
                way = path([one.leaf for one in under.runs], index)
                state = ReceiptState.PLACED
                return Receipt(session, first, state, placed.commands, placed.book_sequence, number, index, way)
        is_old = sequence <= self._forgotten.get(session, 0)
        return Receipt(session, sequence, ReceiptState.FORGOTTEN if is_old else ReceiptState.UNKNOWN)

    def dump(self) -> tuple[ChainHead | None, bytes, int, tuple[Placed, ...]]:
        """Return what the chain goes on from, for a snapshot. Receipts under older heads are left to the journal."""
        return self.last, self.previous, self._pending_book, tuple(self._pending)

    def load(
        self,
        last: ChainHead | None,
        previous: bytes,
        pending_book: int,
        pending: Sequence[tuple[int, int, int, int, bytes]],
    ) -> None:
        """Go on from what `dump` gave; the receipts that were kept are not."""
        self.last, self.previous, self._pending_book = last, previous, pending_book
        self.before = last.before + last.count if last else 0
        self.closed_ns = last.time_ns if last else 0
        self._pending = [Placed(*placed) for placed in pending]
        self._waiting = {(placed.session, placed.sequence): placed for placed in self._pending}
        self._firsts = {}
        for placed in self._pending:
            self._firsts.setdefault(placed.session, []).append(placed.sequence)
        self._kept.clear()
        self._index.clear()


def leads_to(receipt: Receipt, leaf_hash: bytes, head: ChainHead) -> bool:
    """Tell whether a receipt shows that a leaf stands under a head. All may come from a stranger."""
    if receipt.state is not ReceiptState.PLACED or receipt.head != head.sequence:
        return False
    return root_from_path(leaf_hash, receipt.index, head.count, receipt.path) == head.root


def follows(head: ChainHead, before: ChainHead) -> bool:
    """Tell whether a head is the next one after another in one chain."""
    return (
        head.sequence == before.sequence + 1
        and head.previous == head_chain(before)
        and head.before == before.before + before.count
        and head.time_ns >= before.time_ns
        and head.book_sequence >= before.book_sequence
    )
