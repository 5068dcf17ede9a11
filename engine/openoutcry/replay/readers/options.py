"""What a user may ask of any reader."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Options:
    """symbols: only these, all when empty. tick: the price of one tick, None to let the recording decide."""

    symbols: tuple[str, ...] = ()
    tick: Decimal | None = None
