"""What every command raises for what the user can put right."""

from typing import Final

import typer

UsageError: Final[type[Exception]] = typer.BadParameter.__bases__[0]
"""Base of everything that typer finds wrong with a command line; typer itself gives it no public name."""
