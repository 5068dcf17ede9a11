"""The page on auctions describes every rule, and its picture is the one that the tool draws."""

from pathlib import Path

from openoutcry.domain import AuctionRule
from tools.draw_auction import PICTURE, draw

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "auctions.md"


def test_every_rule_has_a_section_and_a_row() -> None:
    """Headings and first cells of the table, against the members of `AuctionRule`."""
    text = PAGE.read_text(encoding="utf-8")
    for rule in AuctionRule:
        name = rule.name.lower()
        assert f"\n### {name}\n" in text
        assert any(f"`{name}`" in line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))


def test_the_picture_is_up_to_date() -> None:
    """The committed file equals what is drawn now (python tools/draw_auction.py writes it)."""
    assert PICTURE.read_text(encoding="utf-8") == draw()
