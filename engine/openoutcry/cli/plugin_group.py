"""The commands of `outcry` and, for a name that is none of them, those that plugins bring. Imports typer only."""

from typing import Any

import typer
from typer.core import TyperGroup

from openoutcry.cli.usage import UsageError


class WithPlugins(TyperGroup):
    """Looks among the plugins for a command that the engine does not have; only then anything of them is imported.

    `outcry --help` lists the engine's own commands and costs the same with any number of plugins; `outcry plugins`
    lists the others.
    """

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by name, None where nobody brings it. Raises UsageError for a plugin's that is broken."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name.startswith("-"):
            return own
        from openoutcry.host.commands import find_command
        from openoutcry.host.errors import PluginError

        try:
            found = find_command(cmd_name)
        except PluginError as error:
            raise UsageError(str(error)) from error
        if found is None:
            return None
        if not isinstance(found, typer.Typer):
            app = typer.Typer(add_completion=False)
            app.command()(found)
            found = app
        return typer.main.get_command(found)
