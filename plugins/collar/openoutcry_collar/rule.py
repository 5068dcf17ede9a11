"""The rule of the collar, as a function of numbers: what the check and the command both ask."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

PPM: Final = 1_000_000
"""Parts per million in a whole."""

DISTANCE_PPM_MAX: Final = 10 * PPM
"""Ten times the reference: a collar that is wider is none."""

PRICE_TICKS_MAX: Final = 2**28 - 1
"""Largest price of any pair, in ticks; times DISTANCE_PPM_MAX it stays below 2^52."""

Ticks = Annotated[int, Meta(ge=1, le=PRICE_TICKS_MAX)]


class CollarSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Table `[plugins.collar.settings]` of a node's configuration.

    distance_ppm: how far a price may be from the reference, in parts per million of it. ticks_min: and at least so
    many ticks, so that a cheap pair can move at all. references: the reference of a pair before its first trade, by
    the pair's number; without one, its first orders are not checked.
    """

    distance_ppm: Annotated[int, Meta(ge=1, le=DISTANCE_PPM_MAX)] = 100_000
    ticks_min: Ticks = 1
    references: dict[Annotated[str, Meta(pattern=r"\A[0-9]{1,5}\Z")], Ticks] = {}


def bounds(reference_ticks: int, settings: CollarSettings) -> tuple[int, int]:
    """Return the lowest and the highest price that passes, in ticks.

    >>> bounds(1_000, CollarSettings(distance_ppm=50_000))
    (950, 1050)
    >>> bounds(5, CollarSettings(distance_ppm=50_000))
    (4, 6)
    """
    distance = max(settings.ticks_min, reference_ticks * settings.distance_ppm // PPM)
    return max(1, reference_ticks - distance), min(PRICE_TICKS_MAX, reference_ticks + distance)
