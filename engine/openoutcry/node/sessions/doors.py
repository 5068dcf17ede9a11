"""Closed doors: keys whose links are refused for a time that doubles each time it was deserved again."""

from collections import OrderedDict
from typing import Final, NamedTuple

DOORS_MAX: Final = 4_096
"""Keys that are remembered; the one that was closed longest ago is forgotten first. 1 MiB."""

FORGET_FACTOR: Final = 8
"""A key that stays away for so many times its penalty begins anew."""


class _Door(NamedTuple):
    until_ns: int
    penalty_ns: int


class Doors:
    """Whose links are refused, and until when. Times are of a clock that never runs back."""

    def __init__(self, penalty_ns: int, penalty_ns_max: int) -> None:
        """penalty_ns: the first time; each later one is twice the one before, at most `penalty_ns_max`."""
        self._first_ns = penalty_ns
        self._most_ns = penalty_ns_max
        self._doors: OrderedDict[bytes, _Door] = OrderedDict()

    def __len__(self) -> int:
        return len(self._doors)

    def close(self, key: bytes, now_ns: int) -> int:
        """Close the door of a key; return until when. What a door that is closed already says stays."""
        door = self._doors.get(key)
        if door is not None and now_ns < door.until_ns:
            return door.until_ns
        penalty_ns = self._first_ns
        if door is not None and now_ns < door.until_ns + FORGET_FACTOR * door.penalty_ns:
            penalty_ns = min(2 * door.penalty_ns, self._most_ns)
        self._doors[key] = _Door(now_ns + penalty_ns, penalty_ns)
        self._doors.move_to_end(key)
        if len(self._doors) > DOORS_MAX:
            self._doors.popitem(last=False)
        return now_ns + penalty_ns

    def is_closed(self, key: bytes, now_ns: int) -> bool:
        """Tell whether links of a key are refused now."""
        door = self._doors.get(key)
        return door is not None and now_ns < door.until_ns
