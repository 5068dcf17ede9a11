"""How commands reach a venue, and how what goes wrong there is told: one line, and an exit code."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import typer

from openoutcry.cli.usage import UsageError
from openoutcry.client import ClientError, NotRepresentable, UnknownPair, Venue, read_profile
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.keys.errors import shown

OK_EXIT: Final = 0
REFUSED_EXIT: Final = 1
"""The venue cannot be reached, or says no."""

PROFILE_EXIT: Final = 2


def reach(profile: Path, use: Callable[[Venue], int], *, trades: bool = True) -> int:
    """Open a client and use it; return the exit code. What goes wrong is one line on standard error."""
    try:
        if not profile.exists():
            raise UsageError(
                f"{shown(profile)} is not there: write [venue] with address, key and curve_key, "
                "or name another file with --venue"
            )
        access = read_profile(profile).open()
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return PROFILE_EXIT
    try:
        with Venue(access, trades=trades) as venue:
            return use(venue)
    except (NotRepresentable, UnknownPair) as error:
        raise UsageError(str(error)) from error
    except ClientError as error:
        typer.echo(f"outcry: {error}", err=True)
        return REFUSED_EXIT


def key_of(digits: str) -> bytes:
    """Return a key that is written as 64 hexadecimal digits. Raises UsageError."""
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError(f"{digits[:70]!r} is no key: expected 64 hexadecimal digits, as outcry keys show prints them")
    return key


def print_json(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Print one JSON value on a line of its own, at once."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
