"""The pages about the counter are about the counter as it is."""

from pathlib import Path

import msgspec
import pytest

from openoutcry.moves import Move
from openoutcry_counter.client import CounterClientSettings
from openoutcry_counter.messages import MESSAGES, Outcome
from openoutcry_counter.role import CounterSettings
from openoutcry_counter.table import MACHINE, MOVES
from tools.draw_moves import PICTURE, draw

ROOT = Path(__file__).parents[2]
README = (ROOT / "plugins" / "counter" / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "explanation" / "counter.md").read_text(encoding="utf-8")


def test_the_picture_is_up_to_date() -> None:
    """The committed file equals what is drawn now (python -m tools.draw_moves writes it)."""
    assert PICTURE.read_text(encoding="utf-8") == draw()


def test_the_picture_refuses_a_row_that_it_has_no_place_for() -> None:
    """A state that stands nowhere, and a move across."""
    for move in (Move("closed", "tick", "lost"), Move("pending", "tick", "forgotten")):
        with pytest.raises(ValueError, match=r"has no place|neither in one row nor in one column"):
            draw(MACHINE.with_moves([*MOVES, move]))


def test_the_page_has_every_row() -> None:
    """State, event, guards and next state of each row, against the lines of the table."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()]
    for number, move in enumerate(MOVES):
        line = next(line for line in lines if str(number) in line.split("|")[1].replace(",", " ").split())
        for word in (move.state, move.event, *move.guards, move.next):
            assert word.replace("_", " ") in line


def test_the_readme_has_every_setting_message_and_outcome() -> None:
    """Fields, types and members, against the words in `code`."""
    fields = [
        field.name for type_ in (CounterSettings, CounterClientSettings) for field in msgspec.structs.fields(type_)
    ]
    names = [
        "".join(f"_{char}" if char.isupper() else char for char in type_.__name__)[1:].upper() for type_ in MESSAGES
    ]
    for word in (*fields, *names, *(outcome.name for outcome in Outcome)):
        assert f"`{word}`" in README
