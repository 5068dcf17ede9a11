"""Commands that plugins bring for `outcry`: found by name, and imported only when they are called.

`outcry --help` calls `command_names` at most, which reads metadata and imports nothing of a plugin; `find_command` is
called for a name that is no command of the engine.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from openoutcry.host.errors import PluginError
from openoutcry.host.groups import COMMAND_GROUP


def command_names() -> list[str]:
    """Return the names of all commands that plugins bring, sorted. About 5 ms."""
    return sorted({point.name for point in entry_points(group=COMMAND_GROUP)})


def find_command(name: str) -> Any | None:
    """Return the command of a plugin, a typer app or a function, or None where there is none of that name.

    It runs in the process of `outcry` itself: who types its name asks for it. Raises PluginError where two
    distributions bring it, where it does not fit this engine, and where it cannot be imported.
    """
    if name not in command_names():
        return None
    from openoutcry.host.account import words_of
    from openoutcry.host.installed import find, installed

    entry = find(name, installed(COMMAND_GROUP, name), "command")
    try:
        return EntryPoint(entry.name, entry.value, COMMAND_GROUP).load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        owner = f"command {name} of {entry.distribution} {entry.version}"
        raise PluginError("", f"{owner}: import of {entry.value} failed: {words_of(error)}") from error
