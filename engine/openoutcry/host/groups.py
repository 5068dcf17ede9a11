"""Where plugins are found. Apart from the hooks, so that looking for a command does not load numpy."""

from typing import Final

GROUP: Final = "openoutcry"
"""Entry-point group in which a plugin is found: its name is the plugin's name, its value the object with the hooks."""

COMMAND_GROUP: Final = "openoutcry.commands"
"""Entry-point group of commands for `outcry`: its name is the command's name, its value a typer app or a function."""
