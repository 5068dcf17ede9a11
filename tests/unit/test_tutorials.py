"""The tutorials are programs: every page has some, and the one about books says the same of either kind of books.

That the examples of all pages run is shown in tests/architecture/test_documentation.py.
"""

import doctest
from pathlib import Path

import pytest

from openoutcry.book import ReferenceBooks
from tools.check_docs import python_blocks

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorial"
IMPORT = "from openoutcry.book import Books, commands\n"


@pytest.mark.parametrize("page", sorted(TUTORIALS.glob("*.md")), ids=lambda page: page.name)
def test_every_tutorial_has_examples_that_run(page: Path) -> None:
    """Python blocks with prompts, which the test of all pages executes."""
    assert any(">>> " in block for _, block in python_blocks(page.read_text(encoding="utf-8")))


def test_the_tutorial_of_the_books_holds_for_the_plain_ones() -> None:
    """Its examples as one program, with the plain books under the name of the fast ones."""
    text = (TUTORIALS / "read-a-book.md").read_text(encoding="utf-8")
    program = "\n".join(block for _, block in python_blocks(text))
    assert program.count(f">>> {IMPORT}") == 1
    program = program.replace(f">>> {IMPORT}", ">>> from openoutcry.book import commands\n")
    example = doctest.DocTestParser().get_doctest(program, {"Books": ReferenceBooks}, "plain", "read-a-book.md", 0)
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert (runner.tries > 20, runner.failures) == (True, 0)
