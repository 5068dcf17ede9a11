"""The pages about simulation: their code runs, and they name every kind of fault with what it means."""

import doctest
from pathlib import Path

from openoutcry.simulation.faults import MEANING
from tools.check_docs import python_blocks

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = DOCS / "how-to" / "simulate.md"
EXPLANATION = DOCS / "explanation" / "simulation.md"


def test_the_session_on_the_page_is_what_happens() -> None:
    """Run as a doctest."""
    results = doctest.testfile(str(EXPLANATION), module_relative=False, encoding="utf-8")
    assert results.attempted >= 4 and results.failed == 0


def test_the_code_of_the_how_to_runs() -> None:
    """Its blocks one after the other, in one namespace."""
    namespace: dict[str, object] = {}
    blocks = list(python_blocks(HOW_TO.read_text(encoding="utf-8")))
    for _, block in blocks:
        exec(block, namespace)
    assert len(blocks) == 2


def test_every_kind_of_fault_has_its_row() -> None:
    """Name and meaning, word by word as the program has them."""
    text = HOW_TO.read_text(encoding="utf-8")
    assert [
        f"| `{fault}` | {words} |" for fault, words in MEANING.items() if f"| `{fault}` | {words} |" not in text
    ] == []
