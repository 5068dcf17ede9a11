"""Every decoder under a search that is guided by coverage, for a moment; `make fuzz` searches for longer."""

import re
from pathlib import Path

import pytest

from tests.fuzz.targets.campaign import CORPUS, search
from tests.fuzz.targets.target import MODULES, load

RUNS = 400
"""Inputs for each target: a third of a second; the process takes twice that to begin."""

PLANTED_RUNS = 30_000
SEED = 1
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "fuzz.md"


@pytest.mark.parametrize("name", MODULES)
def test_a_short_search_finds_no_fault(name: str) -> None:
    """The same inputs in every run: good ones, those that once showed a fault, and changes of both."""
    found = search(name, runs=RUNS, seed=SEED)
    assert found.fault == ""
    assert found.runs >= RUNS
    assert found.covered > 20, "the decoder is not instrumented, or not reached"


def test_a_planted_fault_is_found_where_structure_is_kept_and_not_by_changing_bytes() -> None:
    """Behind a checksum, four types and two lengths: named with its input in one search, missed by the other one."""
    found = search("planted", runs=PLANTED_RUNS, seed=SEED)
    assert "Planted: a sequence that does not fit was taken" in found.fault
    assert re.search(r"input: b[\"']PLNT", found.fault)
    assert search("planted", runs=PLANTED_RUNS, seed=SEED, raw=True).fault == ""


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_that_once_showed_a_fault_shows_none(path: Path) -> None:
    """Each file of the corpus, to the target that its folder is named after."""
    load(path.parent.name).run(path.read_bytes())


def test_every_target_is_explained() -> None:
    """The how-to has one row for each, and for no other."""
    rows = re.findall(r"^\| `(\w+)` \|", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(MODULES)
