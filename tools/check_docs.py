"""Check the Markdown pages: each has a title, links, anchors and named files exist, every page of docs/ can be reached.

Run by `make check` and `make docs`. Prints one line a fault and exits with 1 where there is one.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PAGES: Final = ("*.md", "docs/**/*.md", "plugins/**/*.md", "benchmarks/**/*.md", "tests/**/*.md")
START: Final = "docs/index.md"
FENCE: Final = re.compile(
    r"^(?P<mark>```+|~~~+)(?P<kind>[^\n]*)\n(?P<body>.*?)^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL
)
LINK: Final = re.compile(r"\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING: Final = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
INLINE_CODE: Final = re.compile(r"`[^`\n]*`")
NAMED_FILE: Final = re.compile(r"`((?:benchmarks|docs|engine|plugins|tests|tools)/[\w./-]*)`")


def pages(root: Path) -> list[Path]:
    """Return every page of the project, in order of path."""
    return sorted({path for pattern in PAGES for path in root.glob(pattern)})


def python_blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and body of each block of Python in a page."""
    for fence in FENCE.finditer(text):
        if fence["kind"].split()[:1] == ["python"]:
            yield text.count("\n", 0, fence.start("body")) + 1, fence["body"]


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line of a page, with blocks of code left empty."""
    prose = FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
    yield from enumerate(prose.split("\n"), 1)


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and target of each link or picture outside code."""
    for number, line in prose_lines(text):
        for link in LINK.finditer(INLINE_CODE.sub("", line)):
            yield number, link[1]


def named_files(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and path of each file or folder of the project that a page names in `code`."""
    for number, line in prose_lines(text):
        for named in NAMED_FILE.finditer(line):
            yield number, named[1]


def anchors(text: str) -> set[str]:
    """Return the names that a link can give after "#" for this page: its headings, as forges spell them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = sum(1 for other in found if re.fullmatch(re.escape(name) + r"(-\d+)?", other))
        found.add(f"{name}-{count}" if count else name)
    return found


def is_outside(target: str) -> bool:
    """Tell whether a link leads out of the project: those are not followed."""
    return re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


def faults(root: Path) -> Iterator[str]:
    """Yield one line for each fault of the pages below `root`."""
    texts = {path: path.read_text(encoding="utf-8") for path in pages(root)}
    leads_to: dict[Path, set[Path]] = {path: set() for path in texts}
    for path, text in texts.items():
        name = path.relative_to(root)
        if not text.startswith("# "):
            yield f"{name}:1: the page does not start with a title"
        for number, named in named_files(text):
            if not (root / named).exists():
                yield f"{name}:{number}: no such file: {named}"
        for number, target in links(text):
            if is_outside(target):
                continue
            file, _, anchor = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            if not there.exists():
                yield f"{name}:{number}: nothing at {target}"
                continue
            leads_to[path].add(there)
            if anchor and anchor not in anchors(texts.get(there, "")):
                yield f"{name}:{number}: no heading for {target}"
    for path in unreached(root / START, leads_to):
        if path.is_relative_to(root / "docs"):
            yield f"{path.relative_to(root)}:1: no chain of links leads here from {START}"


def unreached(start: Path, leads_to: dict[Path, set[Path]]) -> list[Path]:
    """Return the pages that no chain of links reaches from `start`, in order of path."""
    seen = {start}
    ahead = [start]
    while ahead:
        new = {path for path in leads_to.get(ahead.pop(), set()) if path in leads_to} - seen
        seen |= new
        ahead += sorted(new)
    return sorted(leads_to.keys() - seen)


def main() -> int:
    """Check the project that this file lies in."""
    root = Path(__file__).resolve().parents[1]
    found = list(faults(root))
    for line in found:
        print(line)
    print(
        f"{len(pages(root))} pages: {len(found)} faults"
        if found
        else f"{len(pages(root))} pages: links and titles are right"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
