"""The clock of one node: virtual time, but late or early, fast or slow, and it jumps."""

from typing import Final

SCALE: Final = 10**9


class Clock:
    """offset_ns: how far it is ahead of virtual time at `since_ns`. drift_ppb: nanoseconds that it gains in a second of
    virtual time, above -1,000,000,000."""

    __slots__ = ("drift_ppb", "offset_ns", "since_ns")

    def __init__(self, since_ns: int, offset_ns: int = 0, drift_ppb: int = 0) -> None:
        assert drift_ppb > -SCALE, drift_ppb
        self.since_ns = since_ns
        self.offset_ns = offset_ns
        self.drift_ppb = drift_ppb

    def shows(self, time_ns: int) -> int:
        """Return what the clock shows at a virtual time."""
        return time_ns + self.offset_ns + (time_ns - self.since_ns) * self.drift_ppb // SCALE

    def reaches(self, shown_ns: int, now_ns: int) -> int:
        """Return the first virtual time from `now_ns` on at which the clock shows at least `shown_ns`."""
        missing = shown_ns - self.shows(now_ns)
        if missing <= 0:
            return now_ns
        time_ns = now_ns + missing * SCALE // (SCALE + self.drift_ppb)
        while self.shows(time_ns) < shown_ns:  # division rounds down: at most two steps
            time_ns += 1
        return time_ns

    def jump(self, by_ns: int) -> None:
        """Set the clock forward, or back by a negative number."""
        self.offset_ns += by_ns
