"""What a target is, and which ones there are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from random import Random
from typing import Final, TypeAlias

Raw: TypeAlias = Callable[[bytes, int], bytes]
"""What libFuzzer does to bytes of which it knows nothing: the bytes, the longest that may come out."""

Change: TypeAlias = Callable[[bytes, Random, Raw], bytes]
"""Returns an input changed a little."""


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder, or several that take the same bytes.

    run: given any bytes; raises for a fault. seeds: good inputs. change: keeps what it can of their structure.
    bytes_max: longest input.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    change: Change
    bytes_max: int = 4_096


MODULES: Final[dict[str, str]] = {
    "messages": "wire",
    "signed": "wire",
    "records": "wire",
    "capture": "wire",
    "streams": "wire",
    "node": "nodes",
    "handshake": "nodes",
    "keystore": "nodes",
    "key_service": "nodes",
    "statements": "nodes",
    "configuration": "nodes",
    "plugin_pipe": "nodes",
    "journal": "files",
    "archive": "files",
    "snapshot": "files",
    "book_snapshot": "files",
    "reader_csv": "readers",
    "reader_lobster": "readers",
    "reader_bitstamp": "readers",
    "reader_itch": "readers",
    "reader_dbn": "readers",
}
"""Name of each target to its module here. "planted" is none of them: it has a fault, to show that faults are found."""

INSTRUMENTED: Final = (
    "openoutcry.wire",
    "openoutcry.domain",
    "openoutcry.role",
    "openoutcry.node",
    "openoutcry.host.pipe",
    "openoutcry.host.off",
    "openoutcry.replay",
    "openoutcry.book.state",
    "openoutcry.book.reference",
    "tomllib",
    "tests.fuzz.targets.planted",
)
"""Modules whose branches guide the search; not the kernel: numba compiles it from its bytecode, which has to stay."""


def load(name: str) -> Target:
    """Return a target."""
    module = import_module(f"tests.fuzz.targets.{MODULES.get(name, name)}")
    targets: dict[str, Target] = module.TARGETS
    return targets[name]
