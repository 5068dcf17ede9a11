"""Plugins: what they may bring, how they are found and loaded, and how a node is kept from harm by them.

Line 6 of the engine. A node knows roles, checks and readers only through here; a plugin marks its hooks with
`hookimpl`.
"""

from openoutcry.host.specs import hookimpl

__all__ = ["hookimpl"]
