"""Scenarios of the plugins that are installed, and the same ones smaller or larger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeAlias

import msgspec

from openoutcry.host.errors import PluginError
from openoutcry.host.installed import installed
from openoutcry.host.kinds import Cast, RoleKind, Scenario
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings
from openoutcry.wire.fields import KeyId

Changes: TypeAlias = Mapping[str, Mapping[str, int]]
"""Name of a kind of role to fields of its settings and what they are to be."""


def load_scenarios(plugins: Sequence[str] = ()) -> Mapping[str, Scenario]:
    """Return what the plugins bring, by name; of all that are installed and fit this engine where none is named.

    Their code is imported into this process. Raises PluginError where one that was named cannot be loaded; of the
    others, one that cannot is left out.
    """
    names = plugins or list(dict.fromkeys(one.name for one in installed() if one.unfit is None))
    loaded = load({name: PluginSettings(trusted=True) for name in names})
    loaded.close()
    for name in plugins:
        if name in loaded.broken:
            raise PluginError(name, loaded.broken[name])
    return loaded.scenarios


def choose(name: str, among: Mapping[str, Scenario]) -> Scenario:
    """Return a scenario by name. Raises PluginError with a suggestion."""
    if name not in among:
        close = get_close_matches(name, among, n=1)
        have = ", ".join(among) or "none"
        hint = f"did you mean {close[0]}?" if close else f"the installed plugins bring: {have}"
        raise PluginError("", f"no scenario {name}: {hint}")
    return among[name]


def resized(scenario: Scenario, changes: Changes) -> Scenario:
    """Return a scenario whose roles have other settings.

    Raises ValueError for a kind that it does not have or a field that its settings do not.
    """
    nodes = scenario.nodes
    seen: set[str] = set()

    def changed(cast: Cast) -> Cast:
        fields = changes.get(cast.kind.name)
        if fields is None:
            return cast
        seen.add(cast.kind.name)
        unknown = sorted(set(fields) - set(cast.settings.__struct_fields__))
        if unknown:
            raise ValueError(f"settings of role {cast.kind.name} have no field {', '.join(unknown)}")
        return Cast(cast.kind, msgspec.structs.replace(cast.settings, **fields))

    def make(keys: Mapping[str, KeyId]) -> dict[str, list[Cast]]:
        made = {name: [changed(cast) for cast in casts] for name, casts in nodes(keys).items()}
        if missing := sorted(set(changes) - seen):
            raise ValueError(f"scenario {scenario.name} has no role {', '.join(missing)}")
        return made

    return replace(scenario, nodes=make)


def recast(scenario: Scenario, kind: RoleKind) -> Scenario:
    """Return a scenario in which every role of that name is of this kind: a mutant, for instance."""
    nodes = scenario.nodes

    def make(keys: Mapping[str, KeyId]) -> dict[str, list[Cast]]:
        return {
            name: [Cast(kind, cast.settings) if cast.kind.name == kind.name else cast for cast in casts]
            for name, casts in nodes(keys).items()
        }

    return replace(scenario, nodes=make)
