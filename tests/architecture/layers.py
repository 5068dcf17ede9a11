"""Who may import whom, as a table, and the function that finds in a module's source what breaks it.

The rules are explained in docs/explanation/architecture.md; `faults` takes source text, so that the tests can also give
it text that breaks each rule.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ENGINE: Final = "openoutcry"
PLUGIN_PREFIX: Final = "openoutcry_"

LINES: Final = {
    "domain": 0,
    "wire": 1,
    "role": 2,
    "moves": 2,
    "book": 2,
    "assets": 2,
    "trust": 2,
    "marketdata": 3,
    "replay": 3,
    "solver": 3,
    "mandate": 3,
    "settlement": 4,
    "venue": 4,
    "peers": 4,
    "wallet": 5,
    "host": 6,
    "node": 7,
    "simulation": 8,
    "client": 8,
    "cli": 9,
}
"""Package of the engine to its line: it imports from itself and from lines with a smaller number."""

PURE_LINE_MAX: Final = 5
"""Up to this line a package is a function of what it is given: no clock, socket, randomness, environment or log."""

ONLY_PACKAGES: Final = {"node": frozenset({"domain", "wire", "role", "moves", "host"})}
"""The node meets roles only through the host."""

IMPURE: Final = frozenset(["zmq", "asyncio", "time", "os", "random", "secrets", "uuid", "logging"])
OUTSIDE: Final = frozenset(
    ["socket", "ssl", "select", "selectors", "subprocess", "threading", "multiprocessing", "signal"]
)
FILES: Final = frozenset(
    ["io", "pathlib", "shutil", "tempfile", "mmap", "gzip", "bz2", "lzma", "zipfile", "tarfile", "csv"]
)
NUMPY_FILES: Final = frozenset(["load", "save", "savez", "fromfile", "memmap", "loadtxt", "savetxt", "genfromtxt"])

EXCEPTIONS: Final = {
    "openoutcry.replay": FILES | {"open"},
    "openoutcry.book.kernel.compiling": frozenset({"pathlib"}),
    "openoutcry.book.warm": frozenset({"subprocess"}),
}
"""What modules of the pure lines may use all the same: replay reads and writes files; `compiling` says in which folder
machine code is kept; `warm` is a command of the set-up that compiles in a process of its own. No book reaches these."""

ONLY_IMPORTERS: Final = {
    "zmq": ("openoutcry.node.zmq_io",),
}
"""Library to the only modules that may import it."""

DOMAIN_NUMPY: Final = "openoutcry.domain.records"
"""The only module of the domain that imports numpy: the rest is read where numpy must not be loaded."""

PLUGIN_ALSO: Final = {"commands": "client", "tests": "simulation"}
"""Part of a plugin to the package that this part alone may import beside lines 0 to 5 and host."""


def imports(source: str, module: str, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Yield line number and full name of everything that the source imports, wherever in it the import stands.

    `from a import b` yields "a.b": b may be a module. Relative names are resolved against `module`; a literal name
    given to importlib.import_module or __import__ counts. Raises SyntaxError for source that does not parse.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = ""
            if node.level:
                parts = module.split(".")
                start = ".".join(parts[: len(parts) - node.level + is_package])
            base = ".".join(part for part in (start, node.module) if part)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args:
            name = called_name(node)
            argument = node.args[0]
            if name in {"import_module", "__import__"} and isinstance(argument, ast.Constant):
                yield node.lineno, str(argument.value)


def called_name(node: ast.Call) -> str:
    """Return the last part of the name that is called, or "" where it has none."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def uses(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and word for what reaches outside without an import: "open", "random" (numpy's)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node.lineno, "open"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"np", "numpy"}:
            if node.attr == "random":
                yield node.lineno, "random"
            elif node.attr in NUMPY_FILES:
                yield node.lineno, "open"


def faults(source: str, module: str, is_package: bool = False) -> list[str]:
    """Return one line for each import or use in the source that module `module` may not have, in source order."""
    found = [
        (line, f"{module}:{line}: {fault}")
        for line, name in imports(source, module, is_package)
        for fault in import_faults(module, name)
    ]
    if is_pure(module):
        found += [
            (line, f"{module}:{line}: uses {word}") for line, word in uses(source) if not is_excepted(module, word)
        ]
    return [text for _, text in sorted(found)]


def import_faults(module: str, name: str) -> Iterator[str]:
    """Yield why `module` may not import `name`."""
    library = name.partition(".")[0]
    if library == ENGINE:
        yield from engine_faults(module, package_of(name))
        return
    if library.startswith(PLUGIN_PREFIX):
        if is_under(module, ENGINE):
            yield f"the engine imports plugin {library}"
        elif not is_under(module, library):
            yield f"a plugin imports plugin {library}"
        return
    if library in {"tests", "benchmarks", "tools", "plugins"} and not is_under(module, "tests", "benchmarks", "tools"):
        yield f"shipped code imports {library}"
    if library in ONLY_IMPORTERS and not is_under(module, *ONLY_IMPORTERS[library]):
        yield f"only {', '.join(ONLY_IMPORTERS[library])} may import {library}"
    if library == "numpy" and is_under(module, f"{ENGINE}.domain") and module != DOMAIN_NUMPY:
        yield f"only {DOMAIN_NUMPY} may import numpy in the domain"
    if is_pure(module) and library in IMPURE | OUTSIDE | FILES and not is_excepted(module, library):
        yield f"lines 0 to {PURE_LINE_MAX} are pure functions, and {library} is not"


def engine_faults(module: str, target: str) -> Iterator[str]:
    """Yield why `module` may not import package `target` of the engine ("" is the root, which has only the version)."""
    if not target:
        return
    if target not in LINES:
        yield f"package {target} has no line in the table of layers"
    elif module.startswith(PLUGIN_PREFIX):
        also = {package for part, package in PLUGIN_ALSO.items() if part in module.split(".")}
        if target != "host" and target not in also and LINES[target] > PURE_LINE_MAX:
            yield f"a plugin imports {target}"
    elif is_under(module, ENGINE):
        own = package_of(module)
        if not own:
            yield f"the root of the engine imports {target}: importing it must cost nothing"
        elif own not in LINES:
            yield f"package {own} has no line in the table of layers"
        elif own != target and LINES[target] >= LINES[own]:
            yield f"{own} (line {LINES[own]}) imports {target} (line {LINES[target]})"
        elif own != target and target not in ONLY_PACKAGES.get(own, LINES):
            yield f"{own} imports {target}: it may import only {', '.join(sorted(ONLY_PACKAGES[own]))}"


def is_pure(module: str) -> bool:
    """Tell whether a module is on one of the pure lines."""
    return is_under(module, ENGINE) and LINES.get(package_of(module), PURE_LINE_MAX + 1) <= PURE_LINE_MAX


def is_excepted(module: str, word: str) -> bool:
    """Tell whether a module of the pure lines may use what others there may not."""
    return any(is_under(module, package) and word in words for package, words in EXCEPTIONS.items())


def is_under(module: str, *packages: str) -> bool:
    """Tell whether a module is one of the packages or lies in one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def package_of(name: str) -> str:
    """Return the package of the engine that a full name lies in: "book" for "openoutcry.book.kernel.step"."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and not parts[1].startswith("__") else ""


def modules(root: Path, source_root: str) -> Iterator[tuple[str, Path]]:
    """Yield module name and path of every Python file below `root`/`source_root`, in order of path."""
    base = root / source_root
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
