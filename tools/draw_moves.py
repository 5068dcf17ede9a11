"""Draw a state machine from its table, as docs/explanation/counter.svg.

Run it after a change: PYTHONPATH=plugins/counter python -m tools.draw_moves. States, rows, guards and actions are read
from the table; only where a state stands is said here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from openoutcry.moves import Machine, Move
from openoutcry_counter.table import MACHINE
from tools.sheet import INK, Sheet

PICTURE: Final = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "counter.svg"

FAINT: Final = "#767676"
GUARD: Final = "#b5621b"
ACTION: Final = "#1f5fa8"
BOX_WIDTH: Final = 124
BOX_HEIGHT: Final = 34
LINE_HEIGHT: Final = 15

Place = tuple[int, int]
"""Where the middle of a state is, in pixels."""

OWNER: Final[Mapping[str, Place]] = {
    "new": (90, 110),
    "pending": (370, 110),
    "counted": (650, 110),
    "closed": (910, 110),
    "cancelled": (370, 290),
    "forgotten": (910, 290),
}
TWIN: Final[Mapping[str, Place]] = {
    "new": (90, 460),
    "held": (370, 460),
    "twin_counted": (650, 460),
    "twin_cancelled": (370, 620),
    "forgotten": (910, 460),
}
HEIGHT: Final = 670


def draw(machine: Machine[Any] = MACHINE, parts: Sequence[Mapping[str, Place]] = (OWNER, TWIN)) -> str:
    """Return the picture of a machine. Raises ValueError where a row has no place in one of the parts."""
    sheet = Sheet(HEIGHT, f"The states of machine {machine.name} and the rows of its table")
    sheet.text(24, 30, "at the owner", bold=True, size=15)
    sheet.text(24, 380, "at its twin", bold=True, size=15)
    sheet.text(620, 30, "event", bold=True)
    sheet.text(680, 30, "only if", colour=GUARD)
    sheet.text(750, 30, "then", colour=ACTION)
    for move in machine.moves:
        places = [part for part in parts if move.state in part and move.next in part and _is_at(move, part, parts)]
        if len(places) != 1:
            raise ValueError(f"the row of {move.state}, {move.event} has no place in the picture, or several")
        _draw_move(sheet, move, places[0][move.state], places[0][move.next])
    for part in parts:
        for state, (x, y) in part.items():
            end = state in machine.ends
            sheet.box(
                x - BOX_WIDTH / 2,
                y - BOX_HEIGHT / 2,
                BOX_WIDTH,
                BOX_HEIGHT,
                round_=17,
                fill="#efefef" if end else "white",
            )
            sheet.text(x, y + 4, state.replace("_", " "), anchor="middle", bold=not end, colour=FAINT if end else INK)
    return sheet.svg()


def _is_at(move: Move, part: Mapping[str, Place], parts: Sequence[Mapping[str, Place]]) -> bool:
    """Tell whether a row belongs to a part: both of its states do, and one of them to no other part."""
    return any(sum(state in other for other in parts) == 1 for state in (move.state, move.next) if state in part)


def _draw_move(sheet: Sheet, move: Move, start: Place, end: Place) -> None:
    """Draw a row: an arrow from state to state, and its words beside the middle."""
    (x, y), (to_x, to_y) = start, end
    words = [(move.event, INK), *((guard, GUARD) for guard in move.guards), *((one, ACTION) for one in move.actions)]
    if y == to_y:
        sheet.line((x + BOX_WIDTH / 2, y), (to_x - BOX_WIDTH / 2 - 1, y))
        left, first, second = (x + to_x) / 2 - 62, y - 8.0, y + LINE_HEIGHT + 1.0
    elif x == to_x:
        sheet.line((x, y + BOX_HEIGHT / 2), (x, to_y - BOX_HEIGHT / 2 - 1))
        left, first = x + 10.0, (y + to_y) / 2 - LINE_HEIGHT * (len(words) - 1) / 2 + 4
        second = first + LINE_HEIGHT
    else:
        raise ValueError(f"the states {move.state} and {move.next} are neither in one row nor in one column")
    for number, (word, colour) in enumerate(words):
        top = second + LINE_HEIGHT * (number - 1) if number else first
        sheet.text(left, top, word.replace("_", " "), colour=colour, size=12, bold=not number)


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
