"""Members and their sessions: a table that kernels read, whose accounts are whose, and what is kept of frames."""

from enum import IntFlag
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from openoutcry.venue.kernel import FLAG_CANCEL, FLAG_OPEN, FLAG_SUSPENDED, KEPT, OVERLAY, SESSION
from openoutcry.venue.limits import KEPT_FRAMES, SILENCE_NS
from openoutcry.venue.messages import SESSIONS_MAX
from openoutcry.wire.fields import KeyId

SECOND_NS: Final = 10**9
FIRST: Final = 16
"""Rows of the table at first."""


class SessionFlag(IntFlag):
    """`flags` of a session."""

    OPEN = FLAG_OPEN
    SUSPENDED = FLAG_SUSPENDED
    CANCEL_ON_DISCONNECT = FLAG_CANCEL


class SessionsState(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """All sessions as a snapshot has them. rings: what is kept of each one's frames, the oldest first."""

    rows: bytes
    keys: list[bytes]
    names: list[str]
    rings: list[bytes]


class Sessions:
    """Sessions by number, from 1; a number is given once.

    rows: (n,) SESSION, row 0 nobody's. open: key to number of those that are open. rows_at, overlay_at, rings_at: where
    the kernels find the tables; another place after an `add` for which they had to grow. session_of: (accounts + 1,),
    the session of each holder.
    """

    def __init__(self) -> None:
        self.count = 0
        self.accounts = 0
        self.keys: list[KeyId] = [b""]
        self.names: list[str] = [""]
        self.numbers: dict[KeyId, int] = {}
        self.open: dict[KeyId, int] = {}
        self._rings: list[NDArray[np.void]] = [np.zeros(0, KEPT)]
        self.rows: NDArray[np.void] = np.zeros(0, SESSION)
        self._make(FIRST)
        self._map_accounts()

    def _make(self, size: int) -> None:
        """Make room for numbers below `size`."""
        old = self.rows
        self.rows = np.zeros(size, SESSION)
        self.rows[: len(old)] = old
        self.overlay: NDArray[np.void] = np.zeros(size, OVERLAY)
        rings = np.zeros(size, np.int64)
        for number, ring in enumerate(self._rings):
            rings[number] = ring.ctypes.data
        self._ring_addresses: NDArray[np.int64] = rings
        self.rows_at: int = self.rows.ctypes.data
        self.overlay_at: int = self.overlay.ctypes.data
        self.rings_at: int = rings.ctypes.data

    def add(self, key: KeyId, accounts: int, commands_per_s: int, name: str, group: int) -> int:
        """Add a member and return its session's number. The caller has made sure that there is room and no such key."""
        assert key not in self.numbers and self.count < SESSIONS_MAX
        self.count += 1
        number = self.count
        if number == len(self.rows):
            self._make(2 * len(self.rows))
        row = self.rows[number]
        row["next_sequence"] = 1
        row["account_first"], row["accounts"] = self.accounts, accounts
        row["group"] = group
        self._keep(number, key, name, np.zeros(KEPT_FRAMES, KEPT))
        self.set_rate(number, commands_per_s)
        self.accounts += accounts
        self._map_accounts()
        return number

    def _keep(self, number: int, key: KeyId, name: str, ring: NDArray[np.void]) -> None:
        self.numbers[key] = number
        self.keys.append(key)
        self.names.append(name)
        self._rings.append(ring)
        self._ring_addresses[number] = ring.ctypes.data

    def set_rate(self, number: int, commands_per_s: int) -> None:
        """Let a member send so many commands a second."""
        row = self.rows[number]
        row["commands_per_s"], row["cost_ns"] = commands_per_s, SECOND_NS // commands_per_s

    def has(self, number: int, flag: SessionFlag) -> bool:
        """Tell whether a session has a flag."""
        return bool(int(self.rows[number]["flags"]) & flag)

    def set_flag(self, number: int, flag: SessionFlag, on: bool) -> None:
        """Set or clear a flag."""
        flags = SessionFlag(int(self.rows[number]["flags"]))
        self.rows[number]["flags"] = flags | flag if on else flags & ~flag
        if flag == SessionFlag.OPEN:
            if on:
                self.open[self.keys[number]] = number
            else:
                self.open.pop(self.keys[number], None)

    def value(self, number: int, field: str) -> int:
        """Return a field of a session."""
        return int(self.rows[number][field])

    def accounts_of(self, number: int) -> range:
        """Return the accounts of a session."""
        first = self.value(number, "account_first")
        return range(first, first + self.value(number, "accounts"))

    def _map_accounts(self) -> None:
        """Note the session of each holder, which is an account's number and 1; nobody has none."""
        rows = self.rows[1 : self.count + 1]
        numbers = np.arange(1, self.count + 1, dtype=np.uint32)
        self.session_of: NDArray[np.uint32] = np.concatenate(
            [np.zeros(1, np.uint32), np.repeat(numbers, rows["accounts"])]
        )
        self.session_of_at: int = self.session_of.ctypes.data

    def silent_ns(self, number: int) -> int | None:
        """Return when a session counts as silent, None where that does not matter."""
        row = self.rows[number]
        flags, lease_ns = int(row["flags"]), int(row["lease_ns"])
        if not flags & FLAG_OPEN:
            return None
        limits = [lease_ns] if lease_ns else []
        if flags & FLAG_CANCEL:
            limits.append(SILENCE_NS)
        return int(row["heard_ns"]) + min(limits) if limits else None

    def kept(self, number: int, sequence: int) -> "np.void | None":
        """Return what is kept of the frame that began with a sequence, or None."""
        ring = self._rings[number]
        found = np.flatnonzero(ring["sequence"] == sequence)
        return ring[found[0]] if len(found) else None

    def first_kept(self, number: int) -> int:
        """Return the first sequence of which something is kept; the next one where nothing is."""
        frames = self.value(number, "frames")
        if not frames:
            return self.value(number, "next_sequence")
        ring = self._rings[number]
        return int(ring[frames % KEPT_FRAMES if frames >= KEPT_FRAMES else 0]["sequence"])

    def state(self) -> SessionsState:
        """Return all of it for a snapshot."""
        rings = []
        for number in range(1, self.count + 1):
            frames = self.value(number, "frames")
            ring = self._rings[number]
            rings.append((np.roll(ring, -frames) if frames >= KEPT_FRAMES else ring[:frames]).tobytes())
        rows = self.rows[1 : self.count + 1]
        return SessionsState(rows.tobytes(), self.keys[1:], self.names[1:], rings)

    @classmethod
    def restored(cls, state: SessionsState) -> "Sessions":
        """Return what `state` gave. Raises ValueError for anything else."""
        rows = np.frombuffer(state.rows, SESSION) if len(state.rows) % SESSION.itemsize == 0 else np.zeros(0, SESSION)
        if not len(rows) == len(state.keys) == len(state.names) == len(state.rings) <= SESSIONS_MAX:
            raise ValueError("the sessions of a venue do not fit each other")
        sessions = cls()
        sessions.count = len(rows)
        size = FIRST
        while size <= len(rows):
            size *= 2
        sessions._make(size)
        sessions.rows[1 : len(rows) + 1] = rows
        sessions.accounts = int(rows["accounts"].sum())
        for number, (key, name, kept) in enumerate(zip(state.keys, state.names, state.rings, strict=True), 1):
            frames = sessions.value(number, "frames")
            if len(kept) != KEPT.itemsize * min(frames, KEPT_FRAMES):
                raise ValueError("what is kept of frames does not fit the sessions")
            ring: NDArray[np.void] = np.zeros(KEPT_FRAMES, KEPT)
            ring[: min(frames, KEPT_FRAMES)] = np.frombuffer(kept, KEPT)
            if frames >= KEPT_FRAMES:
                ring = np.roll(ring, frames)
            sessions._keep(number, key, name, ring)
            if sessions.has(number, SessionFlag.OPEN):
                sessions.open[key] = number
        sessions._map_accounts()
        return sessions

    def check(self) -> list[str]:
        """Return what cannot be."""
        broken: list[str] = []
        rows: Any = self.rows[1 : self.count + 1]
        starts = np.concatenate([[0], np.cumsum(rows["accounts"], dtype=np.int64)])
        if not (rows["account_first"] == starts[:-1]).all() or int(starts[-1]) != self.accounts:
            broken.append("accounts of members do not follow each other")
        is_open = {key: number for key, number in self.numbers.items() if self.has(number, SessionFlag.OPEN)}
        if is_open != self.open or len(self.numbers) != self.count:
            broken.append("keys of sessions do not fit their rows")
        for number in range(1, self.count + 1):
            frames, following = self.value(number, "frames"), self.value(number, "next_sequence")
            last = self._rings[number][(frames - 1) % KEPT_FRAMES]
            if following != (int(last["sequence"]) + int(last["count"]) if frames else 1):
                broken.append(f"session {number}: its last frame does not end before command {following}")
        return broken
