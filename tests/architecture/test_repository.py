"""What every tracked file keeps to: no place of one machine, no long file, pinned installs, commands that exist."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import openoutcry

ROOT = Path(__file__).parents[2]
SOURCE_LINES_MAX = 600
"""A newcomer reads a file of this length in one sitting."""

ROOTS = ("work", "root", "farm", "tmp/v", "home/[a-z]+")
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(" + "|".join(ROOTS) + r")/", re.MULTILINE)
HOST = re.compile(r"(pypi|pythonhosted|npmjs|deb\.debian|crates|anaconda)\.(org|io|com)", re.IGNORECASE)
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.+!]*")


def tracked() -> list[Path]:
    """Return the files that git keeps, in order of path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [ROOT / name for name in sorted(listed.split("\0")) if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """Return a tracked file's text; what is no text is searched as Latin-1."""
    content = path.read_bytes()
    return content.decode("latin-1") if b"\0" in content else content.decode("utf-8")


def places(text: str) -> list[str]:
    """Return the paths of a machine and the hosts of a registry that a text names."""
    return [found[0] for pattern in (MACHINE_PATH, HOST) for found in pattern.finditer(text)]


def test_no_tracked_file_names_a_place_on_a_machine_or_a_registry() -> None:
    """Every tracked file is searched; a clone must work anywhere."""
    assert {str(path.relative_to(ROOT)): places(text_of(path)) for path in tracked() if places(text_of(path))} == {}


@pytest.mark.parametrize("root", ["work", "root", "tmp/v", "home/someone"])
def test_the_search_for_places_finds_them(root: str) -> None:
    """Made-up lines with a path or a host, and harmless ones beside them."""
    host = ".".join(("pypi", "org"))
    assert places(f"cd /{root}/x") == [f"/{root}/"]
    assert places(f"see https://{host}/simple") == [host]
    assert places(f"docs/{root}/page.md and ./{root}/x, an artwork/x") == []


def test_no_source_file_is_too_long() -> None:
    """Lines of every tracked Python file."""
    lengths = {
        str(path.relative_to(ROOT)): len(text_of(path).splitlines()) for path in tracked() if path.suffix == ".py"
    }
    assert {name: lines for name, lines in lengths.items() if lines > SOURCE_LINES_MAX} == {}


def test_the_constraints_are_names_with_versions_only() -> None:
    """Each line of constraints.txt is name==version; the lines are sorted and none comes twice."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    names = [canonicalize_name(line.partition("==")[0]) for line in lines]
    assert names == sorted(set(names))


def test_every_distribution_that_gets_installed_is_pinned() -> None:
    """From pyproject.toml through what each installed distribution itself requires, against constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    lines = (
        project["build-system"]["requires"]
        + project["project"]["dependencies"]
        + [line for extra in extras.values() for line in extra]
    )
    pinned = {
        canonicalize_name(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert set(required(lines)) - {"openoutcry"} - pinned == set()


def required(lines: list[str]) -> Iterator[str]:
    """Yield the name of every distribution that these requirements lead to in this environment."""
    seen: set[str] = set()
    ahead = list(lines)
    while ahead:
        requirement = Requirement(ahead.pop())
        name = canonicalize_name(requirement.name)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not applies or name in seen:
            continue
        seen.add(name)
        yield name
        try:
            ahead += requires(name) or []
        except PackageNotFoundError:  # an engine of the extra bench, installed only by `make bench`
            continue


def test_the_pages_name_only_commands_that_exist() -> None:
    """Each `make TARGET` of README and CONTRIBUTING against the Makefile; .ci/run runs the README's test command."""
    readme, contributing, script, makefile = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md", ".ci/run", "Makefile")
    )
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", readme + contributing, re.MULTILINE))
    assert {"demo", "test", "check", "bench", "soak"} <= named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    commands = script.splitlines()
    assert "make test" in commands
    assert "make check" in commands


def test_the_changelog_names_the_present_version() -> None:
    """The first version heading of CHANGELOG.md against the package's own."""
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == openoutcry.__version__
