"""Plugins: what they may bring, how they are found and loaded, and how a node is kept from harm by them.

Line 6 of the engine. A node knows roles, checks and readers only through here; a plugin marks its hooks with
`hookimpl`, which is looked up when it is asked for: the command line imports this package without numpy.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openoutcry.host.specs import hookimpl

__all__ = ["hookimpl"]


def __getattr__(name: str) -> object:
    if name != "hookimpl":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from openoutcry.host.specs import hookimpl

    return hookimpl
