"""The pages about proof of order are about it as it is."""

import re
from pathlib import Path

from openoutcry.venue.proof.findings import OWN, FindingCode
from openoutcry.venue.proof.limits import HEAD_NS, SEALED_NS, SIGN_NS, WAIT_NS
from openoutcry.venue.proof.session_file import MAGIC, EntryKind
from tools.draw_proof import PICTURE, draw

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "explanation" / "proof-of-order.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "verify-a-session.md").read_text(encoding="utf-8")


def test_the_picture_is_up_to_date() -> None:
    """The committed file equals what is drawn now (python tools/draw_proof.py writes it)."""
    assert PICTURE.read_text(encoding="utf-8") == draw()
    assert f"]({PICTURE.name})" in PAGE


def test_every_finding_is_explained() -> None:
    """First column of the table of findings, and the sentence about those of the file itself, against the codes."""
    section = HOW_TO.split("## Read what is found", 1)[1]
    rows = re.findall(r"^\| ([a-z ,]+) \|", section, re.MULTILINE)
    named = {name.strip() for row in rows if row != "finding" for name in row.split(",")}
    said = re.search(r"nothing against the venue: ([a-z ,]+)\.", HOW_TO)
    assert said is not None
    own = {name.strip() for name in said[1].split(",")}
    words = {code: code.name.lower().replace("_", " ") for code in FindingCode}
    assert named == {word for code, word in words.items() if code not in OWN}
    assert own == {words[code] for code in OWN}


def test_the_times_on_the_page_are_those_of_the_code() -> None:
    """How often is signed, how long a sealed command may be closed, when something counts as withheld."""
    assert f"every {SIGN_NS // 10**6} ms while it trades" in PAGE
    assert f"at most every {HEAD_NS // 10**6} ms" in PAGE
    assert f"within {SEALED_NS // 10**6} ms" in PAGE
    assert "a second later" in HOW_TO and WAIT_NS == 10**9


def test_the_kinds_of_entries_on_the_page_are_those_of_the_code() -> None:
    """Name and number of each row."""
    rows = dict(re.findall(r"^\| ([A-Z]+) \| (\d) \|", HOW_TO, re.MULTILINE))
    assert rows == {kind.name: str(int(kind)) for kind in EntryKind}
    assert MAGIC == b"OOSES 1\n" and "`OOSES 1` and a line feed" in HOW_TO
