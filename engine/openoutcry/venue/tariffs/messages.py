"""A tariff as an operator sets it."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.wire.fields import RatePpm, TimeNs, Units
from openoutcry.wire.tags import Message, MessageType, Tag


class Tariff(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """What each side of a trade pays, from `from_ns` on (0: at once), until a later tariff holds.

    maker_ppm, taker_ppm: parts per million of the trade's value, for the side that rested and the one that came;
    negative: the venue pays. minimum_units, maximum_units: at least and at most so much of the quote instrument from
    that rate; a maximum of 0 is none. flat_units: so much besides, on each side.
    """

    from_ns: TimeNs
    maker_ppm: RatePpm
    taker_ppm: RatePpm
    minimum_units: Units = 0
    flat_units: Units = 0
    maximum_units: Units = 0


class TariffSet(Message, frozen=True, tag=int(Tag.TARIFF_SET)):
    """Operator: this tariff holds for a pair; pair -1: for every pair that has none of its own."""

    pair: Annotated[int, Meta(ge=-1, le=PAIRS_MAX - 1)]
    tariff: Tariff


MESSAGES: Final[tuple[MessageType, ...]] = (TariffSet,)
