"""The page about nodes is about the node as it is."""

from pathlib import Path

from openoutcry.node.journal import CrashPoint
from openoutcry.wire.faults import FaultCode
from tools.draw_node import PICTURE, draw

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "nodes.md").read_text(encoding="utf-8")


def test_the_picture_is_up_to_date() -> None:
    """The committed file equals what is drawn now (python tools/draw_node.py writes it)."""
    assert PICTURE.read_text(encoding="utf-8") == draw()
    assert f"]({PICTURE.name})" in PAGE


def test_the_page_knows_every_crash_point_and_code_that_it_names() -> None:
    """The crash points of the journal are rows of the table; codes in capitals are codes of the wire."""
    for point in CrashPoint:
        assert point.value.split(", ")[0].removeprefix("after ").removeprefix("before ") in PAGE
    for code in ("NOT_DURABLE", "ROLE_FAILED"):
        assert code in PAGE and code in FaultCode.__members__
