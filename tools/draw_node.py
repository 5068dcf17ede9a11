"""Draw the way of one group through a node, as docs/explanation/node-group.svg.

Run it after a change: python tools/draw_node.py. The names are those of `openoutcry.node.core` and of the runner.
"""

from pathlib import Path
from typing import Final

from tools.sheet import Sheet

PICTURE: Final = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "node-group.svg"

LINKS: Final = "#e8eef6"
CORE: Final = "#f3f0e6"
ROLE: Final = "#e3efe0"
DISK: Final = "#f6e6e2"
FAINT: Final = "#666"
TOP: Final = 70
BOX: Final = 46


def box(sheet: Sheet, x: float, y: float, width: float, fill: str, name: str, words: str) -> None:
    """Draw one station: its name, and what happens there."""
    sheet.box(x, y, width, BOX, fill=fill, round_=4)
    sheet.text(x + width / 2, y + 19, name, anchor="middle", bold=True)
    sheet.text(x + width / 2, y + 37, words, anchor="middle", size=11, colour=FAINT)


def draw() -> str:
    """Return the picture."""
    sheet = Sheet(370, "The way of one group through a node, from its links to its journal and back")
    sheet.text(20, 28, "One group: what has arrived since the last one, and what is due", bold=True, size=15)
    sheet.text(20, 48, "time goes from left to right; nothing is sent before its records are on the disk", colour=FAINT)

    box(sheet, 20, TOP, 150, LINKS, "receive", "rate, size, who it is")
    box(sheet, 200, TOP, 150, CORE, "read", "decode, verify, mark")
    box(sheet, 380, TOP, 150, ROLE, "admit", "judge; change nothing")
    box(sheet, 560, TOP, 130, CORE, "append", "one write")
    for left, right in ((170, 200), (350, 380), (530, 560)):
        sheet.line((left, TOP + BOX / 2), (right, TOP + BOX / 2))

    lane = TOP + 100
    box(sheet, 560, lane, 200, ROLE, "apply", "the only change of state")
    box(sheet, 560, lane + 80, 200, DISK, "fdatasync", "by the thread of the journal")
    sheet.line((600, TOP + BOX), (600, lane))
    sheet.line((580, TOP + BOX), (540, TOP + BOX + 16), (540, lane + 80 + BOX / 2), (560, lane + 80 + BOX / 2))
    box(sheet, 800, lane + 40, 90, CORE, "join", "both done")
    sheet.line((760, lane + BOX / 2), (800, lane + 56))
    sheet.line((760, lane + 80 + BOX / 2), (800, lane + 72))
    box(sheet, 800, lane + 132, 180, LINKS, "commit views, send", "answers leave")
    sheet.line((845, lane + 40 + BOX), (845, lane + 132))

    sheet.line((455, TOP + BOX), (455, lane + 155), (800, lane + 155), dashed=True)
    sheet.text(465, lane + 149, "refusals, answers to queries", size=11, colour=FAINT)

    for at, (fill, words) in enumerate(((LINKS, "links (zmq_io)"), (CORE, "core"), (ROLE, "role"), (DISK, "journal"))):
        sheet.box(20, lane + 20 + 26 * at, 16, 16, fill=fill)
        sheet.text(44, lane + 33 + 26 * at, words, size=12)
    sheet.text(20, 356, "A replay puts the records through apply alone: the same groups, the same bytes.", colour=FAINT)
    return sheet.svg()


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
