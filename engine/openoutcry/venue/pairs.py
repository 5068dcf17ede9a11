"""The pairs of a venue: what they are made of, beside what the book knows of them."""

from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np

from openoutcry.domain import Op, Phase
from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import COMMAND
from openoutcry.venue.limits import PAIRS_LISTED
from openoutcry.venue.messages import PairList, PairListed, Pairs
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.wire.service import PairId


class Phases(Protocol):
    """Who knows the phase of a pair."""

    def phase(self, pair: int) -> Phase:
        """Return it."""
        ...


class Listed(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What an operator has said of a pair. base_number, quote_number: its instruments in the books."""

    base: bytes
    quote: bytes
    name: str
    tick_units: int
    price_ticks_min: int
    price_ticks_max: int
    qty_lots_max: int
    base_number: int
    quote_number: int

    @property
    def identity(self) -> PairId:
        """The pair as other nodes know it."""
        return PairId(self.base, self.quote)


def add_command(message: PairList) -> "np.ndarray[tuple[int], np.dtype[np.void]] | None":
    """Return the (1,) COMMAND that lists a pair, None where the message carries another one."""
    command = np.frombuffer(message.add, COMMAND).copy()
    if int(command["op"][0]) != Op.ADD_PAIR or int(command["pair"][0]) >= PAIRS_MAX:
        return None
    return command


def listed(message: PairList) -> tuple[int, Listed]:
    """Return number and facts of the pair of a message whose command the book has accepted."""
    (add,) = np.frombuffer(message.add, COMMAND)
    low, high, lots = (int(add[name]) for name in ("display_lots", "price_ticks", "qty_lots"))
    base, quote = divmod(int(add["trigger_ticks"]) % 2**64, 2**32)
    names = (message.base, message.quote, message.name)
    return int(add["pair"]), Listed(*names, message.tick_units, low, high, lots, base, quote)


def answer(pairs: dict[int, Listed], first: int, books: Phases, tariff_of: Callable[[int], Tariff]) -> Pairs:
    """Return the pairs from a number on, as many as one message tells. tariff_of: what holds for a pair now."""
    numbers = sorted(number for number in pairs if number >= first)
    rows = []
    for number in numbers[:PAIRS_LISTED]:
        one, tariff = pairs[number], tariff_of(number)
        rows.append(
            PairListed(
                number,
                one.base,
                one.quote,
                one.name,
                one.tick_units,
                one.price_ticks_min,
                one.price_ticks_max,
                one.qty_lots_max,
                books.phase(number),
                tariff.maker_ppm,
                tariff.taker_ppm,
                tariff.minimum_units,
                tariff.flat_units,
            )
        )
    return Pairs(tuple(rows), len(numbers) > PAIRS_LISTED)
