"""The page about the kernel is about the kernel as it is."""

import re
from pathlib import Path

import pytest

from openoutcry.book.kernel import layout
from tools.draw_kernel import GROUPS, PICTURES, set_scene

KERNEL = Path(layout.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "kernel.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", list(PICTURES), ids=lambda path: str(path.name))
def test_the_pictures_are_up_to_date(path: Path) -> None:
    """The committed files equal what is drawn now (python -m tools.draw_kernel writes them)."""
    assert path.read_text(encoding="utf-8") == PICTURES[path]()
    assert f"]({path.name})" in PAGE


def test_the_picture_of_the_arrays_shows_every_pool() -> None:
    """Every word of the header that is the address of an array has that array's name among the pools drawn."""
    arrays = set_scene().books._storage.arrays.keys()
    drawn = {name for group in GROUPS for pool in group.pools for name in re.findall(r"\w+", pool.name)}
    assert {re.sub(r"^bits\d$", "bits", name) for name in arrays} <= drawn


def test_the_page_names_every_module() -> None:
    """Files of the kernel against the first cells of the table."""
    cells = {name for line in PAGE.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    assert {path.stem for path in KERNEL.glob("*.py")} - {"__init__"} <= cells
