"""Arrays of records whose addresses kernels are given."""

import ctypes
from typing import cast

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.kernel.running import ARRAY_DATA
from openoutcry.book.storage import zeros


def records_of(count: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return `count` zeroed records that begin at a cache line."""
    return cast(NDArray[np.void], zeros(count, dtype))


_probe = np.zeros(1, dtype=np.int64)
if ctypes.c_size_t.from_address(id(_probe) + ARRAY_DATA).value != _probe.ctypes.data:
    raise ImportError("this numpy keeps an array's data pointer elsewhere: openoutcry needs CPython's numpy 2")
