"""Call auctions: orders collect, then all that can trade do so at one price.

`uncross` is the whole auction for orders that are not in a book; inside `Books` the same rules are a phase of a pair.
Rules differ between venues and are named (`AuctionRule`); each is described in docs/reference/auctions.md. The price
is decided in `openoutcry.book.kernel.clearing`; `openoutcry.book.reference.auction` is its plain twin.

Importing this loads neither numpy nor numba: both come with the first call of `uncross`.
"""

from openoutcry.book.auction.orders import AuctionOrder, Clearing
from openoutcry.book.auction.uncrossing import uncross

__all__ = ["AuctionOrder", "Clearing", "uncross"]
