"""Plugins made for a test: distributions written into a folder, which then goes on the path."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from openoutcry import __version__
from openoutcry.host.installed import installed
from openoutcry.host.loading import load
from openoutcry.host.plugins import Plugins
from openoutcry.host.settings import PluginSettings

PIN: Final = f"openoutcry~={__version__.rpartition('.')[0]}.0"

CHECK: Final = """
import numpy as np
from openoutcry.host import hookimpl


class Plugin:
    @hookimpl
    def check_orders(self, commands):
        {body}
"""
"""A plugin with one order check."""


def write_plugin(
    folder: Path,
    name: str,
    source: str,
    *,
    value: str = "{package}:Plugin",
    requires: Sequence[str] = (PIN,),
    distribution: str = "",
    commands: str = "",
) -> None:
    """Write a plugin as it lies in a folder when it is installed: a module and the metadata of its distribution.

    value: what its entry point names. distribution: its name, else made from the plugin's. commands: an entry point
    of the group openoutcry.commands, "name = module:object".
    """
    package = f"openoutcry_{name}" if not distribution else distribution.replace("-", "_")
    (folder / f"{package}.py").write_text(source)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {package.replace('_', '-')}", "Version: 1.0"]
    (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {one}" for one in requires)]) + "\n")
    points = f"[openoutcry]\n{name} = {value.format(package=package)}\n"
    (info / "entry_points.txt").write_text(points + (f"[openoutcry.commands]\n{commands}\n" if commands else ""))


def write_check(folder: Path, name: str, body: str, before: str = "") -> None:
    """Write a plugin with one order check. body: of the hook, indented by 8. before: what stands above the class."""
    write_plugin(folder, name, before + CHECK.format(body=body))


class Heard:
    """Keeps what the host tells."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str | int]]] = []

    def __call__(self, event: str, /, **fields: str | int) -> None:
        self.events.append((event, fields))

    def text(self) -> str:
        """Everything in one text."""
        return "\n".join(f"{event}: {fields}" for event, fields in self.events)


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Find what is written in a folder while the block runs, and forget its modules afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if name.startswith("openoutcry_"):
                del sys.modules[name]


@contextmanager
def loaded(folder: Path, heard: Heard, **names: PluginSettings) -> Iterator[Plugins]:
    """Load plugins of a folder while the block runs."""
    with on_path(folder):
        plugins = load(names, tell=heard, among=installed())
        try:
            yield plugins
        finally:
            plugins.close()
