"""Write docs/reference/hooks.md from the specifications of the hooks.

Run it after a change: python -m tools.hooks_page. A test says when the page is stale.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from openoutcry.host.settings import PluginSettings
from openoutcry.host.specs import CARRYING, HOOKS, Hooks

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "hooks.md"

PARTS: Final = ("Asked by", "Answers", "None")
"""What every specification says, each at the start of a line."""

HEAD: Final = """# Hooks

What the engine asks of a plugin, one question each. This page is written from `engine/openoutcry/host/specs.py` by
`python -m tools.hooks_page`.

A hook is a function of the module, or a method of the object, that the plugin's entry point names, marked with
`openoutcry.host.hookimpl`; where a class is named, it is made once, with its settings. Hooks are asked plugin by
plugin, in order of the plugins' names. How to write one: [write a plugin](../how-to/write-a-plugin.md); why they are as
they are: [plugins](../explanation/plugins.md).

| hook | asked | runs |
|---|---|---|
"""

COMMANDS: Final = """
## openoutcry.commands

No hook, but a second group of entry points: each is a command of `outcry`, by the name of the entry point, and names
a typer app or a function. A plugin's command is looked for only when its name is none of the engine's, and only then it
is imported, so `outcry --help` costs the same with any number of plugins. It runs in the process of `outcry`: who types
its name asks for it.
"""

SETTINGS: Final = """
## Settings of a plugin

The table `[plugins.NAME]` of a node's configuration; a plugin that is not named there is not even imported.

| setting | as it is | |
|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    return "".join((HEAD, *_overview(), "\n", *_sections(), COMMANDS.lstrip(), SETTINGS, *_settings()))


def question(hook: str) -> tuple[str, str]:
    """Return the first line of a specification and what follows it."""
    text = inspect.getdoc(getattr(Hooks, hook))
    assert text is not None, f"hook {hook} has no documentation"
    first, _, rest = text.partition("\n")
    return first, rest.strip()


def missing_parts(text: str) -> list[str]:
    """Return what a specification does not say: each of PARTS, what an exception does, what being slow does."""
    lacks = [part for part in PARTS if not re.search(rf"^{part}: ", text, re.MULTILINE)]
    return lacks + [word for word in ("exception", "Slow") if word not in text]


def _overview() -> Iterator[str]:
    for hook in HOOKS:
        runs = "in the process that asks" if hook in CARRYING else "in a process of its own, unless trusted"
        yield f"| [`{hook}`](#{hook}) | {question(hook)[0]} | {runs} |\n"


def _sections() -> Iterator[str]:
    for hook in HOOKS:
        first, rest = question(hook)
        function = getattr(Hooks, hook)
        signature = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
        for long, short in (("openoutcry.host.kinds.", ""), ("collections.abc.", ""), ("numpy.", "np.")):
            signature = signature.replace(long, short)
        signature = re.sub(
            r"np\.ndarray\[(?:[^\[\]]|\[[^\[\]]*\])*?np\.dtype\[(?:np\.)?(\w+)\]\]", r"NDArray[np.\1]", signature
        )
        yield f"## {hook}\n\n{first}\n\n```text\n{hook}{signature}\n```\n\n{_paragraphs(rest)}\n"


def _paragraphs(text: str) -> str:
    """Give each part of a specification a paragraph of its own, with its first words in bold."""
    marked = re.sub(r"^(Asked by|Answers|None): ", r"\n**\1:** ", text, flags=re.MULTILINE)
    paragraphs = [" ".join(one.split()) for one in re.split(r"\n\s*\n", marked.strip())]
    return (
        "\n\n".join(textwrap.fill(one, 118, break_long_words=False, break_on_hyphens=False) for one in paragraphs)
        + "\n"
    )


def _settings() -> Iterator[str]:
    doc = inspect.getdoc(PluginSettings)
    assert doc is not None
    said = " ".join(doc.split())
    for field in PluginSettings.__struct_fields__:
        found = re.search(rf"(?:^|\. ){field}: (.*?)\.(?= [a-z_]+: |$)", said)
        assert found is not None, f"the documentation of PluginSettings does not say what {field} is"
        value = getattr(PluginSettings(), field)
        shown = "none" if value == {} else f"`{str(value).lower()}`" if isinstance(value, bool) else f"{value:,}"
        yield f"| `{field}` | {shown} | {found[1]} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
