"""The tutorials are programs: every page has some, and the one about books says the same of either kind of books.

That the Python of all pages runs is shown in tests/architecture/test_documentation.py; that the commands of the
terminal exist and do what the page says, in tests/unit/test_operation_docs.py and tests/end_to_end/test_node_cli.py.
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
    """Python blocks with prompts, which the test of all pages executes, or commands for the terminal."""
    text = page.read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith(("$ outcry ", "$ make "))]
    assert any(">>> " in block for _, block in python_blocks(text)) or len(commands) >= 3


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
