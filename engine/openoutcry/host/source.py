"""A plugin's folder as its author has it, tried without being installed."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from openoutcry.host.account import one_line
from openoutcry.host.errors import PluginError
from openoutcry.host.groups import GROUP
from openoutcry.host.installed import ENGINE, Installed, unfit


class _Project(msgspec.Struct):
    """What is read of the table [project]; other keys do not matter here."""

    name: str = "?"
    version: str = "?"
    dependencies: list[str] = []
    entry_points: dict[str, dict[str, str]] = msgspec.field(default_factory=dict, name="entry-points")


class _File(msgspec.Struct):
    project: _Project = msgspec.field(default_factory=_Project)


def in_folder(folder: Path) -> list[Installed]:
    """Return the plugins that the pyproject.toml of a folder declares, by name. Raises PluginError.

    `Installed.place` is the folder to be put on the path.
    """
    file = folder / "pyproject.toml"
    try:
        project = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File).project
    except OSError as error:
        raise PluginError("", f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PluginError("", f"{file}: {one_line(str(error))}") from error
    points = project.entry_points.get(GROUP, {})
    if not points:
        raise PluginError("", f"{file}: declares no plugin: expected a table [project.entry-points.{GROUP}]")
    pins = list(_pins(file, project.dependencies))
    pin = None
    for one in pins:
        pin = one if pin is None else pin & one
    place = folder / "src" if (folder / "src").is_dir() else folder
    return [
        Installed(
            name,
            value,
            project.name,
            project.version,
            str(place.resolve()),
            "path",
            "" if pin is None else str(pin),
            unfit(pin),
        )
        for name, value in sorted(points.items())
    ]


def _pins(file: Path, lines: list[str]) -> Iterator[SpecifierSet]:
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise PluginError("", f"{file}: dependency {line!r}: {error}") from error
        if canonicalize_name(requirement.name) == ENGINE:
            yield requirement.specifier
