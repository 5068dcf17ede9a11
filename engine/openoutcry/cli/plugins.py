"""`outcry plugins`: what is installed and what it brings."""

import json
from typing import Any

from openoutcry import __version__
from openoutcry.cli.usage import UsageError
from openoutcry.host.errors import PluginError
from openoutcry.host.groups import COMMAND_GROUP
from openoutcry.host.installed import Installed, installed
from openoutcry.host.survey import Surveyed, survey


def run_plugins(as_json: bool) -> None:
    """Print every plugin and every command of one. Raises UsageError for metadata that cannot be read."""
    try:
        found = survey(installed())
        commands = installed(COMMAND_GROUP)
    except PluginError as error:
        raise UsageError(str(error)) from error
    if as_json:
        plugins = [_plugin(one) for one in found]
        print(json.dumps({"engine": __version__, "plugins": plugins, "commands": [_command(one) for one in commands]}))
        return
    print("\n".join(_lines(found, commands)))


def _plugin(one: Surveyed) -> dict[str, Any]:
    plugin, brings = one.plugin, one.brings
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "from": plugin.kind,
        "place": plugin.place,
        "entry_point": plugin.value,
        "engine": plugin.pin,
        "fits": plugin.unfit is None,
        "fault": one.fault,
        "hooks": list(brings.hooks) if brings else [],
        "roles": list(brings.roles) if brings else [],
        "scenarios": list(brings.scenarios) if brings else [],
        "readers": list(brings.readers) if brings else [],
    }


def _command(one: Installed) -> dict[str, Any]:
    return {
        "name": one.name,
        "distribution": one.distribution,
        "version": one.version,
        "fits": one.unfit is None,
        "fault": one.unfit,
    }


def _lines(found: list[Surveyed], commands: list[Installed]) -> list[str]:
    lines = []
    for one in found:
        plugin = one.plugin
        lines.append(plugin.name)
        lines.append(f"  from       {plugin.distribution} {plugin.version}, {plugin.kind}, {plugin.place}")
        lines.append(f"  engine     {plugin.pin or 'any'}" + ("" if plugin.unfit is None else f": {plugin.unfit}"))
        if one.brings is None:
            if plugin.unfit is None:
                lines.append(f"  fault      {one.fault}")
            continue
        for name, values in (
            ("hooks", one.brings.hooks),
            ("roles", one.brings.roles),
            ("scenarios", one.brings.scenarios),
            ("readers", one.brings.readers),
        ):
            if values:
                lines.append(f"  {name:<10} {', '.join(values)}")
        if one.brings.roles:
            lines.append("  trust      its roles run in the node: they need `trusted = true`")
    if not found:
        lines.append(f"no plugin is installed for openoutcry {__version__}")
    for command in commands:
        unfit = "" if command.unfit is None else f": {command.unfit}"
        lines.append(f"outcry {command.name} is a command of {command.distribution} {command.version}{unfit}")
    return lines
