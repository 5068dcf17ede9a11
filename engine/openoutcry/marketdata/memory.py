"""Arrays of records whose addresses kernels are given."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.storage import zeros


def records_of(count: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return `count` zeroed records that begin at a cache line."""
    return cast(NDArray[np.void], zeros(count, dtype))
