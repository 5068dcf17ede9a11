"""What of a book is shown: levels of displayed lots."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DEPTH: Final = np.dtype([("price_ticks", "<i8"), ("qty_lots", "<i8"), ("orders", "<i8")])
"""One level: its price, the displayed lots at it, and how many orders they belong to."""


@dataclass(frozen=True, slots=True)
class Depth:
    """The best levels of a pair, best first; each side is an array of DEPTH of its own length."""

    bids: NDArray[np.void]
    asks: NDArray[np.void]
