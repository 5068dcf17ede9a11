"""Draw how the chains of members and venue hang together, as docs/explanation/proof-of-order.svg.

Run it after a change: python tools/draw_proof.py. The names are those of `openoutcry.venue.proof`.
"""

from pathlib import Path
from typing import Final

from tools.sheet import Sheet

PICTURE: Final = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "proof-of-order.svg"

FIRST: Final = "#e8eef6"
SECOND: Final = "#e3efe0"
VENUE: Final = "#f3f0e6"
SIGNED: Final = "#f6e6e2"
FAINT: Final = "#666"
BOX: Final = 34
STEP: Final = 92
LEFT: Final = 170

RUNS: Final = (("A", 1), ("B", 1), ("A", 4), ("A", 6), ("B", 3), ("A", 7))
"""Who sent each run of the picture, and its first command."""

HEADS: Final = ((0, 3), (3, 6))
"""Which of the runs stand under each head."""


def station(sheet: Sheet, x: float, y: float, width: float, fill: str, words: str) -> None:
    """Draw a box with a word in it."""
    sheet.box(x, y, width, BOX, fill=fill, round_=4)
    sheet.text(x + width / 2, y + 22, words, anchor="middle", size=12)


def member_lane(sheet: Sheet, name: str, y: float, fill: str) -> None:
    """Draw a member's links, each under its run, and the signature over the last one."""
    sheet.text(20, y + 15, f"member {name}: links", size=12, bold=True)
    sheet.text(20, y + 31, "of its own chain", size=12, colour=FAINT)
    places = [index for index, (who, _) in enumerate(RUNS) if who == name]
    for at, index in enumerate(places):
        x = LEFT + index * STEP
        station(sheet, x, y, 70, fill, f"link {RUNS[index][1]}")
        if at:
            sheet.line((LEFT + places[at - 1] * STEP + 70, y + BOX / 2), (x, y + BOX / 2))
    end = LEFT + places[-1] * STEP + 70
    station(sheet, 770, y, 200, SIGNED, f"COMMANDS_SIGNED by {name}")
    sheet.line((end, y + BOX / 2), (770, y + BOX / 2), dashed=True)


def venue_lane(sheet: Sheet, y: float) -> None:
    """Draw the runs in the order in which the book has carried them out, and the heads over them."""
    sheet.text(20, y + 15, "the book", size=12, bold=True)
    sheet.text(20, y + 31, "carries out runs", size=12, colour=FAINT)
    for index, (name, first) in enumerate(RUNS):
        x = LEFT + index * STEP
        station(sheet, x, y, 70, FIRST if name == "A" else SECOND, f"{name} {first}")
        if index:
            sheet.line((x - STEP + 70, y + BOX / 2), (x, y + BOX / 2))
    top = y - 74
    sheet.text(20, top + 15, "heads", size=12, bold=True)
    sheet.text(20, top + 31, "one in 10 ms", size=12, colour=FAINT)
    for number, (begin, end) in enumerate(HEADS, 1):
        x = LEFT + begin * STEP
        width = (end - begin - 1) * STEP + 70
        station(sheet, x, top, width, VENUE, f"head {number}: root of {end - begin} leaves")
        for index in range(begin, end):
            sheet.line((LEFT + index * STEP + 35, y), (LEFT + index * STEP + 35, top + BOX), colour=FAINT)
        if number > 1:
            sheet.line((x - STEP + 70, top + BOX / 2), (x, top + BOX / 2))
    station(sheet, 770, top, 200, SIGNED, "CHAIN_HEAD by the venue")
    sheet.line((LEFT + 5 * STEP + 70, top + BOX / 2), (770, top + BOX / 2), dashed=True)


def draw() -> str:
    """Return the picture."""
    sheet = Sheet(390, "Chains of two members and of the venue over the same runs of commands, and what is signed")
    sheet.text(20, 28, "The same runs in three chains, of which nobody can change one alone", bold=True, size=15)
    sheet.text(20, 48, "a run: commands of one member that the book carries out one after the other", colour=FAINT)
    venue_lane(sheet, 150)
    member_lane(sheet, "A", 228, FIRST)
    member_lane(sheet, "B", 290, SECOND)
    for index, (name, _) in enumerate(RUNS):
        x = LEFT + index * STEP + 12
        sheet.line((x, 228 if name == "A" else 290), (x, 150 + BOX), colour=FAINT, dashed=True)
    sheet.text(
        20, 352, "A receipt is the path from one run to its head. A match needs a signature of the venue,", colour=FAINT
    )
    sheet.text(20, 370, "and of both members a link to the run that their order is in.", colour=FAINT)
    return sheet.svg()


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
