"""The helper thread that waits for the disk, so that the caller can apply a group while it becomes durable.

One thread asks and waits, the helper syncs; whatever was asked for while a sync ran is covered by the next one (group
commit). The two signal by locks used as flags, which is what costs least between two threads of Python: a condition
takes five times as long.
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
        self._closing = False
        self._work = Flag()
        self._done = Flag()
        self._thread = Thread(target=self._run, name="journal sync", daemon=True)
        self._thread.start()

    def ask(self, file: int, sequence: int) -> None:
        """Ask for everything up to `sequence`, all of it in `file`, to be made safe. Returns at once."""
        self._wanted = (file, sequence)
        self._work.up()

    def wait(self, sequence: int, seconds: float | None) -> bool:
        """Wait until `sequence`, which was asked for, is safe; False where that takes longer or the sync failed."""
        until = None if seconds is None else monotonic() + seconds
        while self.safe < sequence:
            left = None if until is None else max(0.0, until - monotonic())
            if self.error is not None or not self._done.wait(left):
                return False
        return True

    def close(self) -> None:
        """End the thread when it has done what was asked for."""
        self._closing = True
        self._work.up()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._work.wait()
            closing = self._closing  # read before what is wanted: nothing is asked for after it is set
            file, sequence = self._wanted
            if sequence > self.safe:
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
