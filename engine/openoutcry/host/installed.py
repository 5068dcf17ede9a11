"""Which plugins are installed: read from the metadata of distributions. Nothing of a plugin is imported here.

The order in which distributions lie in a folder differs between two installs of the same plugins, so everything here is
sorted by the plugin's name.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from openoutcry import __version__
from openoutcry.host.errors import PluginError
from openoutcry.host.groups import GROUP

ENGINE = "openoutcry"


@dataclass(frozen=True, slots=True)
class Installed:
    """One plugin as its distribution declares it.

    name: of the entry point. value: what it names, "package.module:object". distribution, version: who brings it.
    place: the folder that it is imported from, or its source. kind: "installed", "editable" or "path" (found through
    PYTHONPATH or the like). pin: what it requires of the engine, "" for nothing. unfit: why it does not fit this
    engine, None where it does.
    """

    name: str
    value: str
    distribution: str
    version: str
    place: str
    kind: str
    pin: str
    unfit: str | None


def installed(group: str = GROUP, name: str | None = None) -> list[Installed]:
    """Return what is in an entry-point group, by name, then by distribution. About 10 ms in a usual environment.

    name: only entries of this name.
    """
    points = entry_points(group=group) if name is None else entry_points(group=group, name=name)
    found = [_describe(point) for point in points]
    return sorted(found, key=lambda one: (one.name, one.distribution, one.version, one.value))


def find(name: str, among: list[Installed], what: str = "plugin") -> Installed:
    """Return the plugin of that name. Raises PluginError where there is none, or more than one, or it does not fit."""
    fits = [one for one in among if one.name == name]
    if not fits:
        close = get_close_matches(name, [one.name for one in among], n=1)
        hint = f"did you mean {close[0]}?" if close else f"`outcry {what}s` lists what is"
        raise PluginError("", f"{what} {name} is not installed: {hint}")
    if len(fits) > 1:
        owners = " and ".join(f"{one.distribution} {one.version}" for one in fits)
        raise PluginError("", f"{what} {name} is brought by {owners}: uninstall all but one")
    only = fits[0]
    if only.unfit is not None:
        raise PluginError("", f"{what} {name} ({only.distribution} {only.version}): {only.unfit}")
    return only


def unfit(pin: SpecifierSet | None, engine: str = __version__) -> str | None:
    """Say why a plugin that requires this of the engine cannot be loaded by it, None where it can.

    pin: None for a plugin that requires nothing. A plugin is pinned to one minor version: it takes this one and not the
    next, in which a hook may have changed.
    """
    version = Version(engine)
    minor = f"{version.major}.{version.minor}"
    if pin is None:
        return f'it does not say which engine it is made for: require "{ENGINE}~={minor}.0"'
    if not pin.contains(version, prereleases=True):
        return f"it is made for {ENGINE} {pin}, and this is {engine}: install the release that fits"
    if pin.contains(Version(f"{version.major}.{version.minor + 1}.0"), prereleases=True):
        return f'it is not pinned to one minor version of the engine ({pin or "any"}): require "{ENGINE}~={minor}.0"'
    return None


def _describe(point: EntryPoint) -> Installed:
    owner = point.dist
    if owner is None:  # made by hand, not read from a distribution
        return Installed(point.name, point.value, "?", "?", "?", "path", "", "it belongs to no distribution")
    pin = _pin(owner)
    place, kind = _place(owner)
    return Installed(
        point.name,
        point.value,
        str(owner.metadata["Name"]),
        owner.version,
        place,
        kind,
        "" if pin is None else str(pin),
        unfit(pin),
    )


def _pin(owner: Distribution) -> SpecifierSet | None:
    found: SpecifierSet | None = None
    for requirement in _requirements(owner):
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if canonicalize_name(requirement.name) == ENGINE and applies:
            found = requirement.specifier if found is None else found & requirement.specifier
    return found


def _requirements(owner: Distribution) -> Iterator[Requirement]:
    for line in owner.requires or []:
        try:
            yield Requirement(line)
        except InvalidRequirement as error:
            raise PluginError("", f"distribution {owner.metadata['Name']}: requirement {line!r}: {error}") from error


def _place(owner: Distribution) -> tuple[str, str]:
    """Return where a distribution lies, and how it came there."""
    text = owner.read_text("direct_url.json")
    if text is not None:
        origin: Mapping[str, Any] = json.loads(text)
        if origin.get("dir_info", {}).get("editable"):
            return str(origin.get("url", "")).removeprefix("file://"), "editable"
    folder = Path(str(owner.locate_file("")))
    inside = folder.resolve().is_relative_to(Path(sys.prefix).resolve())
    return str(folder), "installed" if inside else "path"
