"""Any log against a list of records: what was acknowledged is there after every crash, in order, and nothing twice."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from openoutcry.node.journal import Batch, JournalError, NotDurable, Stopped
from openoutcry.role import Record
from tests.journals import Bench, benches, plain, records

SEEDS = 10
STEPS = 80


class Model:
    """A log, the batches that it must hold, and random things that happen to it."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.random = Random(seed)
        self.log = bench.open()
        self.batches: list[Batch] = []
        self.acknowledged = 0
        self.snapshots: list[int] = []
        self.happened: Counter[str] = Counter()

    @property
    def last(self) -> int:
        """Sequence of the last record in the list."""
        return self.batches[-1].first + len(self.batches[-1].records) - 1 if self.batches else 0

    def step(self) -> None:
        """Do one random thing, then compare."""
        what = [self.append] * 8 + [self.acknowledge] * 3 + [self.save, self.crash, self.close, self.refuse, self.fail]
        self.random.choice(what)()
        self.compare()

    def append(self) -> None:
        """Append a group; sometimes look whether something is safe."""
        self.put(self.group())
        if self.random.random() < 0.3:
            self.log.durable(self.random.randint(0, self.last), 0)
        self.acknowledged = self.log.safe
        assert self.acknowledged <= self.last

    def acknowledge(self) -> None:
        """Wait for everything."""
        assert self.log.durable(self.last)
        self.acknowledged = self.log.safe
        assert self.acknowledged == self.last

    def refuse(self) -> None:
        """Append to a full disk."""
        self.bench.fill(True)
        with pytest.raises(NotDurable):
            self.log.append(self.group())
        self.bench.fill(False)

    def crash(self) -> None:
        """End with up to three groups that are not synced, and any part of them on the disk."""
        self.acknowledge()
        self.bench.hold(True)
        for _ in range(self.random.randint(0, 3)):
            if self.bench.room() > 8_000:
                self.put(self.group(size_max=300))
        assert self.log.safe == self.acknowledged
        self.bench.crash(self.random.choice((0, self.random.randrange(3_000), 1 << 30)))
        self.bench.hold(False)
        before = self.last
        self.reopen()
        self.happened["lost a group" if self.last < before else "lost nothing"] += 1
        self.happened["tear"] += len(self.log.notes)

    def fail(self) -> None:
        """Let a sync fail, and start anew."""
        self.acknowledge()
        if self.bench.room() < 8_000:
            return
        self.bench.fail(True)
        self.put(self.group(size_max=300))
        with pytest.raises(Stopped):
            self.log.durable(self.last)
        self.bench.fail(False)
        self.bench.crash()
        self.reopen()

    def close(self) -> None:
        """Close and open again: everything is there and there is nothing to be said."""
        self.log.close()
        self.acknowledged = self.last
        self.reopen()
        assert list(self.log.notes) == []

    def save(self) -> None:
        """Keep a snapshot; sometimes forget what is before the older one."""
        self.acknowledge()
        number = self.last
        if number > max(self.snapshots, default=0):
            self.log.save(number, lambda out: out.writelines([b"%d" % number]))
            self.snapshots = [*self.snapshots, number][-2:]
        if self.snapshots and self.random.random() < 0.5:
            self.log.truncate(self.snapshots[0] + 1)
            self.happened["truncation"] += 1

    def group(self, size_max: int = 4000) -> list[Record]:
        """Return what comes next; the time is random, so that what was lost and comes again differs."""
        size = self.random.choice([size for size in (0, 1, 64, 300, 4000) if size <= size_max])
        time_ns = self.random.getrandbits(60)
        return [one._replace(time_ns=time_ns) for one in records(self.last + 1, self.random.randint(1, 9), size)]

    def put(self, group: list[Record]) -> None:
        """Append a group to both."""
        first = self.last + 1
        assert self.log.append(group) == first + len(group) - 1
        self.batches.append(Batch(first, group))

    def reopen(self) -> None:
        """Open the log; what was not acknowledged may be gone, whole groups from the end."""
        self.log = self.bench.open()
        assert self.acknowledged <= self.log.last <= self.last
        self.batches = [batch for batch in self.batches if batch.first <= self.log.last]
        assert (self.last, self.log.safe) == (self.log.last, self.log.last)
        self.acknowledged = self.last
        found = self.log.load()
        assert [found.sequence if found else 0] == (self.snapshots[-1:] or [0])
        if found:
            with found.content as content:
                assert content.read() == b"%d" % found.sequence

    def compare(self) -> None:
        """Compare all that the log still has with the list, and a part of it from a random record on."""
        first = self.log.first
        assert first <= (self.snapshots[0] if self.snapshots else 0) + 1
        assert [Batch(batch.first, plain(batch.records)) for batch in self.log.read(first)] == self.since(first)
        first = self.random.randint(first, self.last + 1)
        assert [Batch(batch.first, plain(batch.records)) for batch in self.log.read(first)] == self.since(first)
        if self.log.first > 1:
            with pytest.raises(JournalError, match="no longer there"):
                self.log.read(self.log.first - 1)

    def since(self, first: int) -> list[Batch]:
        """Return the batches of the list from record `first` on."""
        shortened = [
            Batch(max(batch.first, first), batch.records[max(0, first - batch.first) :]) for batch in self.batches
        ]
        return [batch for batch in shortened if batch.records]


@pytest.mark.parametrize("kind", ["file", "memory"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_log_agrees_with_a_list_whatever_happens(kind: str, seed: int, tmp_path: Path) -> None:
    """Random appends, waits, crashes with torn tails, full disks, failed syncs, snapshots and truncations."""
    model = Model(dict(benches(tmp_path))[kind], seed)
    for _ in range(STEPS):
        model.step()
    model.log.close()


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_the_random_runs_reach_every_outcome(kind: str, tmp_path: Path) -> None:
    """Crashes that lose a group, that lose none and that tear one, and truncations, all in one longer run."""
    model = Model(dict(benches(tmp_path))[kind], SEEDS)
    for _ in range(4 * STEPS):
        model.step()
    assert min(model.happened[what] for what in ("lost a group", "lost nothing", "tear", "truncation")) > 0
    model.log.close()
