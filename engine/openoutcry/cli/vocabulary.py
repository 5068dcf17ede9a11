"""All words of the wire, and what plugins add to them, for commands that show or describe traffic."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from openoutcry.cli.usage import UsageError
from openoutcry.host.errors import PluginError
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings
from openoutcry.marketdata import messages as feeds
from openoutcry.marketdata.records import KINDS
from openoutcry.moves import Machine
from openoutcry.venue import messages as venue
from openoutcry.venue.calendar import messages as calendar
from openoutcry.venue.proof import messages as proof
from openoutcry.venue.statements import messages as statements
from openoutcry.venue.tariffs import messages as tariffs
from openoutcry.wire.frames import RecordTable
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import TagTable

ENGINE_MESSAGES: Final[TagTable] = MESSAGES.extended(
    [*feeds.MESSAGES, *venue.MESSAGES, *proof.MESSAGES, *calendar.MESSAGES, *tariffs.MESSAGES, *statements.MESSAGES]
)
"""The wire's own messages and those of each subject of the engine."""


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
        return Vocabulary(ENGINE_MESSAGES, KINDS, ())
    try:
        loaded = load({name: PluginSettings(trusted=True) for name in plugins})
    except PluginError as error:
        raise UsageError(str(error)) from error
    try:
        if loaded.broken:
            raise UsageError("; ".join(f"plugin {name} {why}" for name, why in loaded.broken.items()))
        roles = loaded.role_kinds.values()
        try:
            # A plugin that hosts a role of the engine brings messages which are there already.
            own, own_records = ENGINE_MESSAGES.types.values(), KINDS.kinds.values()
            more = dict.fromkeys(message for kind in roles for message in kind.messages if message not in own)
            messages = ENGINE_MESSAGES.extended(more)
            kinds = dict.fromkeys(record for kind in roles for record in kind.records if record not in own_records)
            records = KINDS.extended(kinds)
        except ValueError as error:
            raise UsageError(f"these plugins do not go together: {error}") from error
        machines = tuple(dict.fromkeys(machine for kind in roles for machine in kind.machines))
        return Vocabulary(messages, records, machines)
    finally:
        loaded.close()
