"""The check itself: the one rule for all orders of a group, in a few operations on arrays."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Op, RejectCode
from openoutcry.host import hookimpl
from openoutcry_collar.rule import PPM, CollarSettings

PRICED: Final = (Op.PLACE, Op.REPLACE)
"""What brings a price into a book. Whatever takes an order out of it always passes."""


class Collar:
    """The plugin, made once with its settings. It keeps nothing between two groups, so it can be begun anew."""

    Settings = CollarSettings

    def __init__(self, settings: CollarSettings) -> None:
        self._settings = settings
        self._pairs = np.array([int(pair) for pair in settings.references], dtype=np.int64)
        self._references = np.array(list(settings.references.values()), dtype=np.int64)

    @hookimpl
    def check_orders(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> NDArray[np.int16] | None:
        """Object to each order whose price is too far from its pair's last price; 15 microseconds for 256."""
        reference = self._with_given(commands["pair"], last_ticks)
        distance = np.maximum(self._settings.ticks_min, reference * self._settings.distance_ppm // PPM)
        price = commands["price_ticks"]
        far = np.abs(price - reference) > distance
        checked = np.isin(commands["op"], PRICED) & (price > 0) & (reference > 0)
        refused = far & checked
        if not refused.any():
            return None
        return np.where(refused, RejectCode.COLLAR_LIMIT, 0).astype(np.int16)

    def _with_given(self, pairs: NDArray[np.uint32], last_ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the references: where nothing was traded yet, those of the settings, or 0."""
        if not len(self._pairs) or last_ticks.all():
            return last_ticks
        which = pairs[:, None] == self._pairs
        given = np.where(which, self._references, 0).max(axis=1)
        return np.where(last_ticks > 0, last_ticks, given)
