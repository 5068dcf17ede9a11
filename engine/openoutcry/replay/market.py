"""The market that a replay shows: the quote of each pair whenever its venue was at rest."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import EventKind
from openoutcry.domain.records import Events
from openoutcry.replay.flow import Messages
from openoutcry.replay.tops import NO_PRICE, PairEvents, Quotes, Rests, quotes


@dataclass(frozen=True, slots=True)
class PairShare:
    """A pair's part of a replay: indices of its commands, and its events."""

    commands: NDArray[np.int64]
    tape: PairEvents


@dataclass(frozen=True, slots=True)
class Market:
    """The quote of one pair after each transaction that touched it.

    crossed: after how many of them the best bid reached the best ask. first_crossed_ns: when it first did, or None.
    """

    time_ns: NDArray[np.int64]
    quotes: Quotes
    crossed: int
    first_crossed_ns: int | None


def split(events: Events, pair_of_command: NDArray[np.uint32], pairs: int) -> Iterator[PairShare]:
    """Yield each pair's share. events: of all commands, the first of which has sequence 1."""
    by_event = np.argsort(events["pair"], kind="stable")
    by_command = np.argsort(pair_of_command, kind="stable")
    event_at = np.searchsorted(events["pair"][by_event], np.arange(pairs + 1))
    command_at = np.searchsorted(pair_of_command[by_command], np.arange(pairs + 1))
    for pair in range(pairs):
        mine = events[by_event[event_at[pair] : event_at[pair + 1]]]
        commands = by_command[command_at[pair] : command_at[pair + 1]]
        place = np.searchsorted(commands, mine["sequence"].astype(np.int64) - 1)
        yield PairShare(commands, PairEvents(mine, place, len(commands)))


def quotes_at_rest(tape: PairEvents, there: Rests, messages: Messages) -> Market:
    """Return the quotes after the last command of each transaction.

    messages: what each of the pair's commands stands for.
    """
    group = messages["group"]
    rows = np.flatnonzero(np.append(group[1:] != group[:-1], True)) if len(group) else np.zeros(0, dtype=np.int64)
    found = quotes(tape, there, rows)
    crossed = (found.bid_ticks != NO_PRICE) & (found.ask_ticks != NO_PRICE) & (found.bid_ticks >= found.ask_ticks)
    times = messages["time_ns"][rows]
    first = int(times[np.argmax(crossed)]) if crossed.any() else None
    return Market(times, found, int(crossed.sum()), first)


def refusals(events: Events) -> dict[int, int]:
    """Return how many commands were refused, by reject code."""
    codes, numbers = np.unique(events["code"][events["kind"] == EventKind.REJECTED], return_counts=True)
    return dict(zip(codes.tolist(), numbers.tolist(), strict=True))
