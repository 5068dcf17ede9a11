"""The layers of the engine, read from its imports."""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.layers import LINES, faults, imports, modules

ROOT = Path(__file__).parents[2]
ENGINE_FILES = list(modules(ROOT, "engine"))
PLUGIN_FILES = [
    # A plugin's tests are part of that plugin.
    (f"openoutcry_{folder.name}.{module}" if module.startswith("tests") else module, path)
    for folder in sorted((ROOT / "plugins").glob("*/"))
    for module, path in modules(folder, ".")
]


@pytest.mark.parametrize(("module", "path"), ENGINE_FILES + PLUGIN_FILES, ids=lambda value: str(value))
def test_a_module_imports_only_what_its_layer_may(module: str, path: Path) -> None:
    """Every import of every file is held against the table in layers.py."""
    assert faults(path.read_text(encoding="utf-8"), module, path.name == "__init__.py") == []


def test_the_table_of_layers_names_every_package_that_exists() -> None:
    """Packages on the disk against the table, since one without a line would be held against nothing."""
    found = {module.split(".")[1] for module, _ in ENGINE_FILES if module.count(".")}
    assert {"domain", "book", "replay", "cli"} <= found <= LINES.keys()


def test_no_book_reaches_the_command_that_compiles() -> None:
    """No module of the engine imports `openoutcry.book.warm`, which may start processes."""
    importers = [
        module
        for module, path in ENGINE_FILES
        for _, name in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
        if name.startswith("openoutcry.book.warm") and module != "openoutcry.book.warm"
    ]
    assert importers == []


def test_every_library_that_the_engine_imports_is_declared() -> None:
    """Imported names, mapped to distributions, against the dependencies and extras of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["replay"] + extras["itch"] + extras["dbn"]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    owners = packages_distributions()
    undeclared = {
        f"{module}: {library}"
        for module, path in ENGINE_FILES
        for _, name in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
        for library in [name.partition(".")[0]]
        if library in owners and library != "openoutcry"
        if not {canonicalize_name(owner) for owner in owners[library]} & (declared | {"llvmlite"})
    }
    assert undeclared == set()


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("openoutcry.domain.pair", "import openoutcry.wire.codec", "domain (line 0) imports wire (line 1)"),
        ("openoutcry.domain.pair", "from openoutcry import book", "domain (line 0) imports book (line 2)"),
        ("openoutcry.book.books", "from openoutcry.replay import bitstamp", "book (line 2) imports replay (line 3)"),
        ("openoutcry.book.books", "from openoutcry.role import Role", "book (line 2) imports role (line 2)"),
        ("openoutcry.book.books", "from ..replay import bitstamp", "book (line 2) imports replay (line 3)"),
        ("openoutcry.book.books", "def f():\n    import openoutcry.cli", "book (line 2) imports cli (line 9)"),
        ("openoutcry.wallet.trade", "from openoutcry.host import load", "wallet (line 5) imports host (line 6)"),
        ("openoutcry.book.books", "import_module('openoutcry.cli')", "book (line 2) imports cli (line 9)"),
        ("openoutcry.node.runner", "import openoutcry.wallet", "node imports wallet: it may import only"),
        ("openoutcry.sundry", "import openoutcry.domain", "package sundry has no line"),
        ("openoutcry.cli.main", "import openoutcry.sundry", "package sundry has no line"),
        ("openoutcry", "from openoutcry.domain import Side", "the root of the engine imports domain"),
        ("openoutcry.domain.pair", "import numpy as np", "only openoutcry.domain.records may import numpy"),
        ("openoutcry.domain.pair", "from numpy.typing import NDArray", "only openoutcry.domain.records may import"),
        ("openoutcry.book.books", "import time", "pure functions, and time is not"),
        ("openoutcry.book.books", "from os import environ", "pure functions, and os is not"),
        ("openoutcry.book.books", "import os.path", "pure functions, and os is not"),
        ("openoutcry.replay.bitstamp", "import random", "pure functions, and random is not"),
        ("openoutcry.replay.bitstamp", "import logging.config", "pure functions, and logging is not"),
        ("openoutcry.venue.session", "import asyncio", "pure functions, and asyncio is not"),
        ("openoutcry.book.kernel.step", "import socket", "pure functions, and socket is not"),
        ("openoutcry.book.kernel.step", "from pathlib import Path", "pure functions, and pathlib is not"),
        ("openoutcry.book.warm", "from pathlib import Path", "pure functions, and pathlib is not"),
        ("openoutcry.book.kernel.step", "text = open('x').read()", "uses open"),
        ("openoutcry.book.kernel.step", "import numpy as np\nnp.load('x')", "uses open"),
        ("openoutcry.replay.bitstamp", "import numpy as np\nnp.random.default_rng()", "uses random"),
        ("openoutcry.venue.session", "import zmq", "only openoutcry.node.zmq_io may import zmq"),
        ("openoutcry.node.runner", "import zmq.asyncio", "only openoutcry.node.zmq_io may import zmq"),
        ("openoutcry.host.load", "import openoutcry_darkpool", "the engine imports plugin openoutcry_darkpool"),
        ("openoutcry_escrow.role", "import openoutcry_darkpool.role", "a plugin imports plugin openoutcry_darkpool"),
        ("openoutcry_escrow.role", "from openoutcry.node import runner", "a plugin imports node"),
        ("openoutcry_escrow.role", "from openoutcry.client import sync", "a plugin imports client"),
        ("openoutcry_escrow.commands", "import openoutcry.simulation", "a plugin imports simulation"),
        ("openoutcry.book.books", "from tests.unit import helper", "shipped code imports tests"),
    ],
)
def test_the_checker_finds_each_fault(module: str, source: str, expected: str) -> None:
    """One small source for each rule that breaks it: a checker that finds nothing would pass every tree."""
    assert any(expected in fault for fault in faults(source, module)), faults(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("openoutcry.domain.records", "import numpy as np"),
        (
            "openoutcry.book.books",
            "from openoutcry.domain import Side\nimport numpy\nfrom openoutcry.book import depth",
        ),
        ("openoutcry.book.books", "from . import depth\nfrom .kernel import step"),
        ("openoutcry.replay.bitstamp", "import gzip\nfrom pathlib import Path\nopen(Path('x'))"),
        ("openoutcry.replay.bitstamp", "from openoutcry.book import Books"),
        ("openoutcry.book.kernel.compiling", "from pathlib import Path"),
        ("openoutcry.node.zmq_io", "import zmq, os, time\nopen('x')"),
        ("openoutcry.node.runner", "from openoutcry.host import load\nfrom openoutcry.role import Role"),
        ("openoutcry.cli.main", "from openoutcry import __version__\nimport openoutcry.client"),
        ("openoutcry_escrow.role", "from openoutcry.settlement import sale\nfrom openoutcry.host import hookimpl"),
        ("openoutcry_escrow.commands", "import openoutcry.client\nimport openoutcry_escrow.role"),
        ("tests.test_escrow_role", "import openoutcry.simulation"),
    ],
)
def test_the_checker_passes_what_is_allowed(module: str, source: str) -> None:
    """One small source for each exception and for ordinary imports."""
    assert faults(source, module) == []
