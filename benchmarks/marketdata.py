"""What public market data costs a venue to make and a follower to keep up with, in nanoseconds an event.

`python -m benchmarks.run --only marketdata`. Books take workloads A (one dense book) and C (a thousand books) in groups
of 256 commands. What follows each `apply` is timed alone, the events as warm as a venue has them; each case on books of
its own, in turn, and the median of the rounds counts. `copy`: the bare copy of the events, which is what moving them
costs in any case. `rows`: the encoder alone, that is level 3 rows, trades and levels. `frames`: all five streams,
numbered, sealed and kept. Then the level 3 frames of A are followed: `decode` checks them, `fast` and `plain` also
apply them. A group of C touches some 200 pairs and each has frames of its own, so a frame holds little more than an
event. Left out: sending.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np

from benchmarks import books as opened
from benchmarks.record import Recorder
from benchmarks.workloads import Workload, load
from openoutcry.book import Books
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.books import FollowedBook
from openoutcry.marketdata.encoder import Encoder
from openoutcry.marketdata.fast_book import FastBook
from openoutcry.marketdata.feeds import Feeds
from openoutcry.marketdata.followers import L3Follower
from openoutcry.marketdata.plain_book import PlainBook
from openoutcry.marketdata.records import KINDS
from openoutcry.marketdata.shown import book_digest
from openoutcry.marketdata.topics import Channel, topic_of

GROUP: Final = 256
COMMANDS: Final = 256_000
COMMANDS_QUICK: Final = 5_120
ROUNDS: Final = 5
WORKLOADS: Final = ("A", "C")


class Unnumbered:
    """Trade numbers for an encoder that is timed alone."""

    def next_trade(self, pair: int) -> int:
        """Always the first."""
        return 1


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time making and following."""
    commands, rounds = (COMMANDS_QUICK, 1) if quick else (COMMANDS, ROUNDS)
    for name in WORKLOADS:
        workload = load(name, messages=100_000) if quick else load(name)
        for what, make in MAKING.items():
            laps = [time_making(workload, commands, make) for _ in range(rounds)]
            figures = {"ns_per_event": median(lap[0] for lap in laps), "ns_per_command": median(lap[1] for lap in laps)}
            recorder.add("marketdata", {"what": what, "workload": name}, {**figures, "commands": commands})
    workload = load("A", messages=100_000) if quick else load("A")
    frames, rows, digest = l3_frames(workload, commands)
    for what, keep in FOLLOWING.items():
        taken = [keep(frames, digest) for _ in range(rounds)]
        figures = {"ns_per_event": 1e9 * median(taken) / rows, "rows": rows, "frames": len(frames)}
        recorder.add("marketdata", {"what": what, "workload": "A"}, figures)


def fill(workload: Workload, take: Callable[[Events, Books], object]) -> Books:
    """Return books with the prefill resting, whose events were all given to `take`."""
    books = opened.new_books(workload)
    for commands in (workload.setup, workload.prefill):
        for batch in opened.split(commands, opened.SETUP_BATCH):
            take(books.apply(batch), books)
    return books


def time_making(
    workload: Workload, commands: int, make: Callable[[], Callable[[Events, Books], object]]
) -> tuple[float, float]:
    """Return nanoseconds an event and a command."""
    take = make()
    books = fill(workload, take)
    seconds, events_seen = 0.0, 0
    with opened.paused_collection():
        for batch in opened.split(workload.timed[:commands], GROUP):
            events = books.apply(batch)
            begin = perf_counter()
            take(events, books)
            seconds += perf_counter() - begin
            events_seen += len(events)
    return 1e9 * seconds / events_seen, 1e9 * seconds / commands


def copying() -> Callable[[Events, Books], object]:
    """The bare copy, of opaque bytes and to memory that is there: field by field it would take ten times as long."""
    opaque = np.dtype((np.void, EVENT.itemsize))
    room = np.zeros(1 << 20, opaque)

    def copy(events: Events, _: Books) -> None:
        room[: len(events)] = events.view(opaque)

    return copy


def encoding() -> Callable[[Events, Books], object]:
    """Rows, trades and levels."""
    encoder, numbers = Encoder(), Unnumbered()
    return lambda events, books: encoder.encode(events, books, numbers, 0)


def publishing() -> Callable[[Events, Books], object]:
    """Frames of all streams."""
    feeds = Feeds()
    return lambda events, books: feeds.publish(events, books, 0)


MAKING: Final = {"copy": copying, "rows": encoding, "frames": publishing}


def l3_frames(workload: Workload, commands: int) -> tuple[list[memoryview], int, bytes]:
    """Return the level 3 frames of the timed commands of a workload with one pair, after those of its prefill."""
    feeds = Feeds()
    topic = topic_of(workload.pairs[0].pair_id, Channel.L3)
    frames: list[memoryview] = []

    def take(events: Events, books: Books) -> None:
        frames.extend(frame for to, frame in feeds.publish(events, books, 0) if to == topic)

    books = fill(workload, take)
    for batch in opened.split(workload.timed[:commands], GROUP):
        take(books.apply(batch), books)
    return frames, feeds.feed(workload.pairs[0].pair_id).head(Channel.L3), book_digest(books, workload.pairs[0].pair_id)


def decoding(frames: list[memoryview], _: bytes) -> float:
    """Seconds to decode all frames."""
    begin = perf_counter()
    for frame in frames:
        KINDS.decode(frame)
    return perf_counter() - begin


def following(make: Callable[[int], FollowedBook]) -> Callable[[list[memoryview], bytes], float]:
    """Seconds to decode and apply all frames. Raises SystemExit where the book is not the venue's then."""

    def follow(frames: list[memoryview], digest: bytes) -> float:
        follower = L3Follower(0, make)
        begin = perf_counter()
        for frame in frames:
            follower.receive(frame)
        seconds = perf_counter() - begin
        if follower.digest() != digest:
            raise SystemExit("The follower's book is not the venue's.")
        return seconds

    return follow


FOLLOWING: Final = {"decode": decoding, "fast": following(FastBook), "plain": following(PlainBook)}
