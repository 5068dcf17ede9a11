"""The proof: the same commands without a network, members or a kill, and whether that comes to the same.

What the members were told over the network is held against books that are given the recording's commands directly;
what was acknowledged is held against the venue's journal; the follower's book against the venue's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.book import Books
from openoutcry.book.reference import ReferenceBooks
from openoutcry.cli.market.crew import Member
from openoutcry.cli.market.play import Play, digest
from openoutcry.domain import EventKind
from openoutcry.domain.records import EVENT, Commands, Events
from openoutcry.marketdata.followers import Trade
from openoutcry.marketdata.shown import book_digest
from openoutcry.node.journal import FollowedLog
from openoutcry.node.journal.source import newest_header
from openoutcry.role import FRAME_TAG
from openoutcry.wire.frames import COMMANDS, KINDS, RecordFrame

TRADES: Final = np.dtype(
    [("maker", "<u8"), ("taker", "<u8"), ("price_ticks", "<i8"), ("qty_lots", "<i8"), ("side", "<i8")]
)
"""A trade by the ids that the recording gives its orders; `side` is the taker's."""

PRINTS: Final = np.dtype([("price_ticks", "<i8"), ("qty_lots", "<i8"), ("side", "<i8")])
"""A trade as the public tape has it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is proven: what it is, how it is in this market, how it must be, and whether it is so."""

    claim: str
    found: str
    wanted: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Direct:
    """What plain commands come to: trades, and the digest of the book at the end."""

    trades: NDArray[np.void]
    events: int
    book: str


def run_direct(play: Play, accounts: Sequence[int], plain: bool) -> Direct:
    """Give all commands to books in this process. accounts: of each member. plain: the plain Python books."""
    commands = with_accounts(play.commands, play.owner, accounts)
    kind: Any = ReferenceBooks if plain else Books
    books = kind([play.pair], accounts=max(accounts) + 1)
    events = np.concatenate([np.zeros(0, EVENT), *(books.apply(part).copy() for part in parts(commands))])
    return Direct(trades_of(events, names_of([events])), len(events), book_digest(books, 0).hex())


def parts(commands: Commands, rows: int = 4096) -> list[Commands]:
    """Return commands in slices."""
    return [commands[at : at + rows] for at in range(0, len(commands), rows)]


def with_accounts(commands: Commands, owner: NDArray[np.int64], accounts: Sequence[int]) -> Commands:
    """Return commands with the accounts that the venue has given to their members."""
    commands = commands.copy()
    commands["account"] = np.array(accounts, np.uint32)[owner]
    return commands


def names_of(streams: Sequence[Events]) -> NDArray[np.uint64]:
    """Return a table of the books' handles to the recording's ids, from the events that tell both: (n, 2), sorted."""
    accepted = np.concatenate([stream[stream["kind"] == EventKind.ACCEPTED] for stream in streams])
    table = np.stack([accepted["maker"], accepted["taker"]], axis=1)
    return table[np.argsort(table[:, 0], kind="stable")]


def trades_of(events: Events, names: NDArray[np.uint64]) -> NDArray[np.void]:
    """Return trades in their order; orders that nobody has named have id 0."""
    traded = events[events["kind"] == EventKind.TRADED]
    rows = np.zeros(len(traded), TRADES)
    for side in ("maker", "taker"):
        place = np.searchsorted(names[:, 0], traded[side])
        place = np.minimum(place, max(0, len(names) - 1))
        if len(names):
            rows[side] = np.where(names[place, 0] == traded[side], names[place, 1], 0)
    for name in ("price_ticks", "qty_lots", "side"):
        rows[name] = traded[name]
    return rows


def told_trades(streams: Sequence[Events]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return the trades that the takers were told of and those that the makers were told of, in the book's order."""
    names = names_of(streams)
    told: list[NDArray[np.void]] = []
    for side in ("taker", "maker"):
        own = []
        for stream in streams:
            handles = stream["maker"][stream["kind"] == EventKind.ACCEPTED]
            own.append(stream[(stream["kind"] == EventKind.TRADED) & np.isin(stream[side], handles)])
        rows = np.concatenate(own)
        # Trades of one command come from one taker. By maker they may be of several members: the leaves of the taker,
        # which get fewer with each trade, tell their order.
        order = np.lexsort((-rows["taker_leaves"], rows["sequence"]))
        told.append(trades_of(rows[order], names))
    return told[0], told[1]


def prints_of(trades: NDArray[np.void]) -> NDArray[np.void]:
    """Return what the public tape has of trades."""
    rows = np.zeros(len(trades), PRINTS)
    for name in PRINTS.names or ():
        rows[name] = trades[name]
    return rows


def prints_read(tape: Sequence[Trade]) -> NDArray[np.void]:
    """Return the public tape as it was followed."""
    return np.array([(one.price_ticks, one.qty_lots, int(one.side)) for one in tape], PRINTS)


@dataclass(frozen=True, slots=True)
class Results:
    """What the members heard. faults: gaps in it, in words."""

    events: tuple[Events, ...]
    taken: tuple[NDArray[np.void], ...]
    faults: tuple[str, ...]


def read_results(members: Sequence[Member]) -> Results:
    """Read what the members have written down."""
    events, taken, faults = [], [], []
    for member in members:
        with np.load(member.results) as found:
            events.append(found["events"])
            taken.append(found["taken"])
            if str(found["fault"]):
                faults.append(f"{member.name}: {found['fault']}")
    return Results(tuple(events), tuple(taken), tuple(faults))


def journaled(folder: Path) -> dict[int, list[RecordFrame]]:
    """Return session to the frames of commands in a node's journal, in order; the node must not run."""
    log = FollowedLog(folder, newest_header(folder).roles)
    frames: dict[int, list[RecordFrame]] = {}
    try:
        for batch in log.read():
            for record in batch.records:
                if record.tag == FRAME_TAG:
                    frame = KINDS.decode(bytes(record.raw))
                    if isinstance(frame, RecordFrame) and frame.kind == COMMANDS:
                        frames.setdefault(frame.stream, []).append(frame)
    finally:
        log.close()
    return frames


@dataclass(frozen=True, slots=True)
class Kept:
    """How the journal stands to what the members sent and were acknowledged, in commands."""

    missing: int
    doubled: int
    different: int


def hold_journal(play: Play, members: Sequence[Member], results: Results, folder: Path) -> Kept:
    """Count acknowledged commands that the journal lacks, has twice, or has otherwise than they were sent."""
    frames = journaled(folder)
    missing = doubled = 0
    known = {member.session for member in members}
    different = sum(len(frame.records) for session in frames.keys() - known for frame in frames[session])
    for number, member in enumerate(members):
        sent = with_accounts(play.own(number), np.zeros(len(play.own(number)), np.int64), [member.account])
        times = np.zeros(len(sent), np.int64)
        for frame in frames.get(member.session, []):
            first = frame.sequence - 1
            wanted = sent[first : first + len(frame.records)]
            times[first : first + len(frame.records)] += 1
            different += len(frame.records) - len(wanted)
            different += int(np.count_nonzero(wanted != frame.records[: len(wanted)]))
        for taken in results.taken[number]:
            first = int(taken["sequence"]) - 1
            missing += int(np.count_nonzero(times[first : first + int(taken["commands"])] == 0))
        doubled += int(np.count_nonzero(times > 1))
    return Kept(missing, doubled, different)


def prove(
    play: Play,
    direct: Direct,
    results: Results,
    kept: Kept,
    tape: Sequence[Trade],
    books: tuple[str, str],
) -> list[Line]:
    """Return what is proven. books: digest of the follower's book and of the venue's."""
    by_taker, by_maker = told_trades(results.events)
    same = digest(direct.trades)
    count = f"{len(direct.trades):,} trades, {same[:8]}"

    def trades(rows: NDArray[np.void]) -> str:
        return f"{len(rows):,} trades, {digest(rows)[:8]}"

    prints, wanted_prints = prints_read(tape), prints_of(direct.trades)
    taken = sum(int(one["commands"].sum()) for one in results.taken)
    faults = len(results.faults)
    return [
        Line("trades, told to the takers", trades(by_taker), count, digest(by_taker) == same),
        Line("trades, told to the makers", trades(by_maker), count, digest(by_maker) == same),
        Line(
            "trades, on the public tape", trades(prints), trades(wanted_prints), digest(prints) == digest(wanted_prints)
        ),
        Line("events that owners missed", f"{faults}", "0", faults == 0),
        Line("commands acknowledged", f"{taken:,}", f"{len(play.commands):,}", taken == len(play.commands)),
        Line("acknowledged, but lost", f"{kept.missing:,}", "0", kept.missing == 0),
        Line("carried out twice", f"{kept.doubled:,}", "0", kept.doubled == 0),
        Line("otherwise than sent", f"{kept.different:,}", "0", kept.different == 0),
        Line("final book, as followed", books[0][:8], books[1][:8], books[0] == books[1]),
        Line("final book, at the venue", books[1][:8], direct.book[:8], books[1] == direct.book),
    ]
