"""The view of the journal in SQL, one database for each role that has tables; never a second truth.

`core.parts.ViewStore` is the interface, `SqliteStore` the one in a file, `MemoryStore` the one for simulation.
"""

from openoutcry.node.store.errors import StoreError
from openoutcry.node.store.memory_store import MemoryStore, MemoryView
from openoutcry.node.store.sqlite_store import SqliteStore, view_path
from openoutcry.node.store.view import View

__all__ = ["MemoryStore", "MemoryView", "SqliteStore", "StoreError", "View", "view_path"]
