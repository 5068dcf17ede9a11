"""The pages about a venue say what the code says."""

import re
from pathlib import Path

from openoutcry.book.state import STATE_ORDER
from openoutcry.venue.limits import EVENTS_KEPT, EVENTS_KEPT_BYTES, HEARD_NS, KEPT_FRAMES, SILENCE_NS
from openoutcry.venue.messages import LEASE_NS_MIN, EntryFault, OperatorFault
from openoutcry.venue.operators import DEEDS
from openoutcry.wire.tags import snake_case

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "sessions.md").read_text(encoding="utf-8")


def test_every_reason_and_code_is_on_the_page() -> None:
    """Names and numbers of both tables, and no other ones."""
    rows = re.findall(r"^\| ([A-Z_]+) \| (\d+) \|", PAGE, re.MULTILINE)
    enums = [(one.name, str(int(one))) for enum in (EntryFault, OperatorFault) for one in enum]
    assert rows == enums


def test_every_message_of_an_operator_is_on_the_page() -> None:
    """By its name on the wire."""
    for message in DEEDS:
        assert f"| {snake_case(message.__name__).upper()} |" in PAGE


def test_bounds_are_those_of_the_code() -> None:
    """As the page writes them."""
    assert f"{SILENCE_NS // 10**9} s without a word" in PAGE
    assert f"at least {LEASE_NS_MIN // 10**9} s" in PAGE and HEARD_NS == 10**8
    assert f"The last {KEPT_FRAMES:,} frames of each member" in PAGE
    assert f"the last {EVENTS_KEPT:,} frames or {EVENTS_KEPT_BYTES >> 20} MiB" in PAGE
    assert f"STATE_ORDER records of {STATE_ORDER.itemsize} bytes" in PAGE
