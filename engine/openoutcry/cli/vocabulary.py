"""What plugins add to the words of the wire, for commands that show or describe traffic."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from openoutcry.cli.usage import UsageError
from openoutcry.host.errors import PluginError
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings
from openoutcry.moves import Machine
from openoutcry.wire.frames import KINDS, RecordTable
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import TagTable


class Vocabulary(NamedTuple):
    """Messages, record kinds and transition tables of the engine and of the plugins that were named."""

    messages: TagTable
    records: RecordTable
    machines: tuple[Machine[Any], ...]


def vocabulary(plugins: Sequence[str]) -> Vocabulary:
    """Return the engine's words with those of plugins, which this imports.

    Raises UsageError for a plugin that is not installed, cannot be imported, or gives a tag that another one has.
    """
    if not plugins:
        return Vocabulary(MESSAGES, KINDS, ())
    try:
        loaded = load({name: PluginSettings(trusted=True) for name in plugins})
    except PluginError as error:
        raise UsageError(str(error)) from error
    try:
        if loaded.broken:
            raise UsageError("; ".join(f"plugin {name} {why}" for name, why in loaded.broken.items()))
        roles = loaded.role_kinds.values()
        try:
            messages = MESSAGES.extended(dict.fromkeys(message for kind in roles for message in kind.messages))
            records = KINDS.extended(dict.fromkeys(record for kind in roles for record in kind.records))
        except ValueError as error:
            raise UsageError(f"these plugins do not go together: {error}") from error
        machines = tuple(dict.fromkeys(machine for kind in roles for machine in kind.machines))
        return Vocabulary(messages, records, machines)
    finally:
        loaded.close()
