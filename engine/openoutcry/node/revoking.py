"""Which keys no longer count, read again whenever their files change: a stolen key must not wait for a restart."""

from collections.abc import Callable, Sequence
from pathlib import Path

from openoutcry.node.keys.errors import KeysError
from openoutcry.node.keys.revocations import load_revocations
from openoutcry.wire.fields import KeyId


class RevocationList:
    """The revocations of a node's configuration; used by the node's thread."""

    def __init__(
        self, paths: Sequence[Path], clock_ns: Callable[[], int], tell: Callable[[str], object] = lambda why: None
    ) -> None:
        """Read the files, and folders of files. tell: is told why files that have changed cannot be used.

        Raises KeysError for files that cannot be used now.
        """
        self._paths = tuple(paths)
        self._clock_ns = clock_ns
        self._tell = tell
        self._seen = self._look()
        self._present = load_revocations(self._paths)

    def is_revoked(self, key: KeyId) -> bool:
        """Tell whether a key was given up by now."""
        return self._present.is_revoked(key, self._clock_ns())

    def refresh(self, now_ns: int) -> None:
        """Read the files again where they have changed; what cannot be used changes nothing and is told once."""
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._present = load_revocations(self._paths)
        except KeysError as error:
            self._tell(f"revocations are as before: {error}")

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        """Name, time and size of every file, which is what changes when an operator puts one there."""
        found = []
        for path in self._paths:
            try:
                files = [path, *sorted(path.iterdir())] if path.is_dir() else [path]
                found += [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
            except OSError as error:
                found.append((f"{path}: {error.strerror}", 0, 0))
        return tuple(found)
