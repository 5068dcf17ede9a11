"""The checker of the pages, and every example in pages and docstrings, run."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.architecture.layers import modules
from tools.check_docs import faults, pages, python_blocks

ROOT = Path(__file__).parents[2]
MODULES_WITH_EXAMPLES = [name for name, path in modules(ROOT, "engine") if ">>> " in path.read_text(encoding="utf-8")]
PAGES_WITH_EXAMPLES = [path for path in pages(ROOT) if ">>> " in path.read_text(encoding="utf-8")]


def test_the_pages_have_titles_and_links_that_lead_somewhere() -> None:
    """The same check that `make check` runs."""
    assert list(faults(ROOT)) == []


def test_the_checker_finds_each_fault(tmp_path: Path) -> None:
    """A folder of pages with one fault of each kind, beside good links of each kind."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(
        "# Index\n[good](#index) [good](page.md#two-words-here) [good](https://example.invalid/x)\n"
        "`[code](nowhere.md)` `docs/page.md` `docs/gone.md`\n```text\n[code](nowhere.md)\n```\n"
        "[no file](gone.md) ![no picture](gone.png)\n[no heading](page.md#three)\n"
    )
    (tmp_path / "docs" / "page.md").write_text("# Page\n## Two words: here\n")
    (tmp_path / "docs" / "lonely.md").write_text("No title\n")
    assert list(faults(tmp_path)) == [
        "docs/index.md:3: no such file: docs/gone.md",
        "docs/index.md:7: nothing at gone.md",
        "docs/index.md:7: nothing at gone.png",
        "docs/index.md:8: no heading for page.md#three",
        "docs/lonely.md:1: the page does not start with a title",
        "docs/lonely.md:1: no chain of links leads here from docs/index.md",
    ]


@pytest.mark.parametrize("module", MODULES_WITH_EXAMPLES)
def test_the_examples_in_docstrings_run(module: str) -> None:
    """Each module's docstrings as doctests."""
    result = doctest.testmod(importlib.import_module(module))
    assert (result.attempted > 0, result.failed) == (True, 0)


@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_in_pages_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks with prompts of one page, in one namespace, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    names: dict[str, object] = {}
    for number, block in python_blocks(page.read_text(encoding="utf-8")):
        example = doctest.DocTestParser().get_doctest(block, names, page.name, str(page), number - 1)
        runner.run(example, clear_globs=False)
        names = example.globs
    assert (runner.tries > 0, runner.failures) == (True, 0)
