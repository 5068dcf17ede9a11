"""The reference of the client names everything that the client has, and nothing else."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

import openoutcry.client as client
from openoutcry.cli import trade_commands
from openoutcry.client import ccxt_shape
from openoutcry.client.access import MemberTable, VenueTable
from openoutcry.client.admin import Administration
from openoutcry.client.operator import WAITING_MAX as OPERATOR_WAITING_MAX
from openoutcry.client.orders import FINISHED_MAX, OrderState
from openoutcry.client.outbox import (
    OUTBOX_BYTES_MAX,
    OUTBOX_FRAMES_MAX,
    WINDOW_BYTES_MAX,
    WINDOW_FRAMES_MAX,
    BatchState,
)
from openoutcry.client.reading import WAITING_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "client.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z_]+", PAGE))


def public(kind: type) -> set[str]:
    """Return the calls of a class that are for users."""
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", client.__all__)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    """Classes, errors and functions of the package."""
    assert name in WORDS


@pytest.mark.parametrize("kind", [client.Venue, Administration, ccxt_shape.Exchange, ccxt_shape.AsyncExchange])
def test_every_call_is_in_the_reference(kind: type) -> None:
    """Methods and attributes that do not begin with an underscore; those of the other venue class are the same."""
    assert public(kind) - WORDS - {"id"} == set()
    assert public(client.Venue) ^ public(client.AsyncVenue) <= {"on_event"}


def test_states_and_errors_and_settings_are_in_the_reference() -> None:
    """Each state of orders and frames, each error of the shape of ccxt, each key of a profile."""
    for state in (*OrderState, *BatchState):
        assert state.name in WORDS
    assert set(ccxt_shape.__all__) <= WORDS
    for table, type_ in (("venue", VenueTable), ("member", MemberTable)):
        for field in msgspec.structs.fields(type_):
            assert f"`{table}.{field.name}`" in PAGE


def test_bounds_in_the_reference_are_those_of_the_code() -> None:
    """Numbers as they stand in the table of bounds."""
    mib = 1024 * 1024
    assert f"| {OUTBOX_FRAMES_MAX:,}, and {OUTBOX_BYTES_MAX // mib} MiB |" in PAGE
    assert f"| {WINDOW_FRAMES_MAX:,}, and {WINDOW_BYTES_MAX // mib} MiB |" in PAGE
    assert f"| {WAITING_MAX:,}, or `waiting_max` |" in PAGE
    assert f"| operator commands | {OPERATOR_WAITING_MAX:,} |" in PAGE
    assert f"| orders that are over | {FINISHED_MAX:,} |" in PAGE


def test_every_command_is_in_the_reference() -> None:
    """Also those of `outcry venue`, each with its name."""
    app = typer.Typer()
    trade_commands.add_to(app)
    names: list[str] = []

    def walk(command: Any, path: str) -> None:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                walk(inner, f"{path} {name}")
        else:
            names.append(path)

    walk(typer.main.get_command(app), "outcry")
    assert len(names) == 15
    for name in names:
        *first, last = name.split()
        assert " ".join(first) in PAGE and re.search(rf"\b{last}\b", PAGE), name
