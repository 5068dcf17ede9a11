"""The helper thread that waits for the disk, so that the caller can apply a group while it becomes durable.

One thread asks and waits, the helper syncs; whatever was asked for while a sync ran is covered by the next one (group
commit). The two signal by locks used as flags, which is what costs least between two threads of Python: a condition
takes five times as long.

A small group is not worth the helper: waking it and being woken takes 40 microseconds, a hundred where both share a
core, and the sync itself 85. So who asks says whether the helper begins at once; otherwise whoever waits first syncs.
"""

from _thread import allocate_lock
from collections.abc import Callable
from threading import Thread
from time import monotonic


class Flag:
    """A flag that one thread raises and one other waits for and takes down."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()

    def up(self) -> None:
        """Raise it; nothing changes where it is up. Only one thread may call this."""
        if self._lock.locked():
            self._lock.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is up and take it down; False where that took longer. Only one other thread may call this."""
        return self._lock.acquire(timeout=-1 if seconds is None else seconds)


class Syncer:
    """Syncs files and knows up to where everything is safe.

    sync: what makes a file durable. safe: the sequence that is already. A sync that fails is never tried again: the
    system may have thrown away what it could not write, and a second one would say that all is well.
    """

    def __init__(self, sync: Callable[[int], None], safe: int) -> None:
        self.safe = safe
        self.error: OSError | None = None
        self._sync = sync
        self._wanted = (-1, safe)
        self._handed = safe
        self._closing = False
        self._work = Flag()
        self._done = Flag()
        self._thread = Thread(target=self._run, name="journal sync", daemon=True)
        self._thread.start()

    def ask(self, file: int, sequence: int, *, begin: bool) -> None:
        """Ask for everything up to `sequence`, all of it in `file`, to be made safe. Returns at once.

        begin: the helper begins now; else it is left to the one who waits.
        """
        self._wanted = (file, sequence)
        if begin:
            self._hand_over()

    def wait(self, sequence: int, seconds: float | None) -> bool:
        """Wait until `sequence`, which was asked for, is safe; False where that takes longer or the sync failed.

        With None the caller itself syncs what the helper was not given; with a bound the helper is given it.
        """
        if self.safe < sequence and self.error is None:
            if seconds is None and self._handed <= self.safe:
                return self._sync_here(sequence)
            if self._handed < sequence:
                self._hand_over()
        until = None if seconds is None else monotonic() + seconds
        while self.safe < sequence:
            left = None if until is None else max(0.0, until - monotonic())
            if self.error is not None or not self._done.wait(left):
                return False
        return True

    def _hand_over(self) -> None:
        self._handed = self._wanted[1]
        self._work.up()

    def _sync_here(self, sequence: int) -> bool:
        """Sync in the caller's thread, while the helper is at rest.

        It is while nothing is handed over that is not safe, and only the caller hands over. So never do both sync: the
        system tells of a failed write once, and the other one would hear that all is well.
        """
        file, wanted = self._wanted
        try:
            self._sync(file)
        except OSError as error:
            self.error = error
            return False
        self._handed = self.safe = wanted
        return wanted >= sequence

    def close(self) -> None:
        """End the thread when it has done what was asked for."""
        self._closing = True
        if self.error is None:
            self._hand_over()
        self._work.up()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._work.wait()
            closing = self._closing  # read before what is wanted: nothing is asked for after it is set
            if self._handed > self.safe and self.error is None:
                file, sequence = self._wanted
                try:
                    self._sync(file)
                except OSError as error:
                    self.error = error
                    self._done.up()
                    return
                self.safe = sequence
                self._done.up()
            if closing:
                return
