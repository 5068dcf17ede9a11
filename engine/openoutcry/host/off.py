"""Which plugins a node leaves out, since they have hung it: a small file in the node's data folder.

One line a plugin: its name, a tab, what happened. An operator switches a plugin on again by removing its line, or the
file.
"""

import os
from pathlib import Path
from typing import Final

from openoutcry.host.account import one_line
from openoutcry.host.errors import PluginError

OFF_FILE: Final = "plugins-off"
"""Its name in the data folder."""

OFF_BYTES_MAX: Final = 65_536
"""Longest file that is read, in bytes: a hundred lines."""


def read_off(path: Path) -> dict[str, str]:
    """Return each plugin that is switched off and why, sorted by name. Raises PluginError for a file that is none."""
    try:
        with path.open("rb") as file:
            content = file.read(OFF_BYTES_MAX + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PluginError("", f"{path}: {error.strerror}") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PluginError("", f"{path}: expected text: {error}") from error
    if len(content) > OFF_BYTES_MAX:
        raise PluginError("", f"{path}: longer than {OFF_BYTES_MAX} bytes")
    lines = (line.partition("\t") for line in text.splitlines() if line.strip())
    return dict(sorted((name.strip(), words.strip()) for name, _, words in lines))


def add_off(path: Path, plugin: str, words: str) -> None:
    """Note a plugin, durably. Raises OSError where it cannot be written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{plugin}\t{one_line(words)}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
