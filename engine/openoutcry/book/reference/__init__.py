"""The books in plain Python: the explanation of the rules, and the twin that the fast books are compared with.

Read `placing` first, then `matching` and `allocation`; `checks` has the order of the reject codes, `market` the moves
that keep every sum in step. Nothing here is compiled and numpy appears only where records come in and go out.
"""

from openoutcry.book.reference.books import ReferenceBooks

__all__ = ["ReferenceBooks"]
