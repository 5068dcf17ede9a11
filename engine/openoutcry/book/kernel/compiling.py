"""How kernels are compiled and where the machine code is kept.

Numba keys its cache by the modification time of the one file that holds the entry point, so a change in a helper would
go on running old machine code. Here the folder of the cache carries a digest of every kernel source instead, and of the
domain, whose constants kernels freeze: another source, another folder. `NUMBA_CACHE_DIR`, when set, is the parent of
that folder.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.core import config as _config

F = TypeVar("F", bound=Callable[..., Any])

# numba's stubs know neither its settings nor the options about wrappers
config: Any = _config
njit: Any = numba.njit

_HERE = Path(__file__).resolve().parent


def _digest() -> str:
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    # constants of the domain are frozen into the machine code too
    for source in (*sorted(_HERE.glob("*.py")), *sorted((_HERE.parents[1] / "domain").glob("*.py"))):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _folder() -> Path:
    name = f"kernels-{_digest()}"
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR) / name
    beside = _HERE / "__pycache__" / name
    return beside if _writable(beside) else Path.home() / ".cache" / "openoutcry" / name


CACHE_FOLDER = _folder()


def entry(function: F) -> F:
    """Compile a function that Python calls; its machine code, helpers included, is cached."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE_FOLDER)
    try:
        compiled = cast(F, njit(cache=True)(function))
    finally:
        config.CACHE_DIR = before
    return compiled


def _for_kernels(function: F, **options: bool) -> F:
    compiled = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)
    template = compiled.get_call_template

    def without_literals(args: Any, kws: Any) -> Any:
        return template([types.unliteral(arg) for arg in args], kws)

    # Numba would compile a helper anew for every constant that it is called with: `emit` 27 times, all kernels 210
    # functions in place of 132. LLVM propagates the constants where it inlines, so nothing is lost.
    compiled.get_call_template = without_literals
    return cast(F, compiled)


def helper(function: F) -> F:
    """Compile a function that only kernels call, as a call of its own: for what happens seldom."""
    return _for_kernels(function)


def inline(function: F) -> F:
    """Compile a function that becomes part of each caller: for what every command does."""
    return _for_kernels(function, forceinline=True)
