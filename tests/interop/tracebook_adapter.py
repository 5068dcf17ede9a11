"""Lets `tracebook-conformance` drive our books: a child process that speaks its protocol on standard input and output.

    tracebook-conformance qualify --profile fifo-full-v1 --seed 7 --output-dir out \
        --candidate python -m tests.interop.tracebook_adapter

Books match; this file only translates, where the two sets of rules differ:

- Prices and quantities are decimal there. Prices are rounded to the tick of the configuration, as there. A lot is a
  quarter of 10^-12, the finest quantity that a report prints: campaigns halve quantities again and again (10 times in
  one of 900 traces that were tried), and this keeps 14 halvings exact. A pair's price range is 2^14 - 1 ticks, so that
  an order may be 2^48 lots (70 units) large: what is beyond is refused as INVALID_ORDER.
- Order ids are unique per symbol there, per account here: the client id here numbers (symbol, order id).
- An owner is an account; the anonymous owner is in no group, so it may trade with itself.
- CANCEL_RESTING is CANCEL_OLDEST, CANCEL_INCOMING is CANCEL_NEWEST.
- A replacement always loses priority there. Here it keeps it when only the quantity goes down: then it is sent as
  CANCEL and PLACE.
- Reducing by more than is left is refused there, and a cancellation here: it is refused before it is sent.
- `clear` is MASS_CANCEL of the pair. A symbol is listed from its first `new` or `clear`, also when that is refused.
- A pro-rata share is rounded down to the lot here, and what that leaves is given first in, first out.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Any, Final, Protocol

from numpy.typing import NDArray
from tracebook.conformance import (
    BookSnapshot,
    BookState,
    ConformanceConfig,
    EngineMetadata,
    Observation,
    Outcome,
    RestingOrder,
    TradeFill,
    canonical_decimal,
    serve_stdio,
)
from tracebook.core.order import NO_OWNER, OrderSide, SelfTradePolicy
from tracebook.core.order import OrderType as TheirType
from tracebook.core.price_level import infer_price_decimals
from tracebook.events import MarketEvent

import openoutcry
from openoutcry.book import commands
from openoutcry.book.state import Queue
from openoutcry.domain import (
    AccountField,
    Allocation,
    EventKind,
    MassCancelScope,
    OrderType,
    Pair,
    RejectCode,
    SelfTrade,
    Side,
    TimeInForce,
)
from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.domain.records import Commands, Events

PRICE_TICKS_MAX: Final = 2**14 - 1
LOTS_PER_UNIT: Final = 4 * 10**12
INT64_MAX: Final = 2**63 - 1
QUOTE: Final = 0
NO_PAIR: Final = PAIRS_MAX - 1
"""Stands for a symbol that was never seen; the books know no such pair."""
ANONYMOUS: Final = 0
"""Account of the owner NO_OWNER."""

STP: Final = {
    SelfTradePolicy.NONE: SelfTrade.NONE,
    SelfTradePolicy.CANCEL_RESTING: SelfTrade.CANCEL_OLDEST,
    SelfTradePolicy.CANCEL_INCOMING: SelfTrade.CANCEL_NEWEST,
}
SIDES: Final = {OrderSide.BUY: Side.BUY, OrderSide.SELL: Side.SELL}
INSTRUCTIONS: Final = {
    TheirType.LIMIT: (OrderType.LIMIT, TimeInForce.GTC),
    TheirType.IOC: (OrderType.LIMIT, TimeInForce.IOC),
    TheirType.FOK: (OrderType.LIMIT, TimeInForce.FOK),
    TheirType.MARKET: (OrderType.MARKET, TimeInForce.IOC),
}
ALLOCATIONS: Final = {"fifo": Allocation.PRICE_TIME, "pro_rata": Allocation.PRO_RATA}

APPLIED: Final = Outcome("applied")
REASONS: Final = {
    RejectCode.UNKNOWN_ORDER: "ORDER_NOT_ACTIVE",
    RejectCode.UNKNOWN_PAIR: "ORDER_NOT_ACTIVE",
    RejectCode.DUPLICATE_ID: "DUPLICATE_ORDER_ID",
}
"""Any other code says that the request itself is at fault."""


class BookSet(Protocol):
    """What the adapter asks of books; the fast and the plain ones both have it."""

    def apply(self, commands: Commands) -> Events: ...

    def orders(self, pair: int) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class _Resting:
    """What the books say of one of their resting orders."""

    account: int
    side: Side
    ticks: int
    lots: int


class OpenOutcryAdapter:
    """One set of books behind the protocol's `EngineAdapter` interface."""

    def __init__(self, config: ConformanceConfig, open_books: Callable[[], BookSet]) -> None:
        self.config = config
        self.metadata = EngineMetadata("openoutcry", openoutcry.__version__, "Python")
        self.books = open_books()
        self.price_decimals = infer_price_decimals(config.tick_size)
        self.pairs: dict[str, int] = {}
        self.accounts: dict[int, int] = {}
        self.owners: list[int] = []
        self.keys: list[tuple[str, int]] = []
        """Symbol and order id of each client id."""
        self.client_ids: dict[tuple[str, int], int] = {}
        self.placed: dict[int, tuple[int, Side]] = {}
        """Client id and side of each handle."""
        self.resting: dict[tuple[str, int], _Resting] = {}
        self.trades: list[TradeFill] = []
        self._account(NO_OWNER)
        self._send(commands.set_limits(ANONYMOUS, AccountField.GROUP, 0))

    def apply(self, event: MarketEvent, index: int) -> Observation:
        """Carry out one event of theirs; say what it traded and what rests now."""
        self.trades.clear()
        carry_out = {
            "new": self._new,
            "cancel": self._cancel,
            "reduce": self._reduce,
            "replace": self._replace,
            "clear": self._clear,
        }[event.op]
        outcome = carry_out(event)
        state = self.snapshot()
        return Observation(index, outcome, tuple(self.trades), state.digest(), state.order_count)

    def snapshot(self) -> BookState:
        """Return every order that rests, in priority, as the books list them."""
        self.resting.clear()
        return BookState(tuple(self._list(symbol) for symbol in sorted(self.pairs)))

    def close(self) -> None:
        """Books own nothing that must be given back."""

    def _new(self, event: MarketEvent) -> Outcome:
        key = _key(event)
        self._pair(event.symbol)
        assert event.side is not None and event.quantity is not None and event.price is not None
        kind, tif = INSTRUCTIONS[event.order_type]
        ticks = 0 if kind is OrderType.MARKET else self._ticks(event.price)
        account = self.resting[key].account if key in self.resting else self._account(event.owner)
        return self._place(key, account, SIDES[event.side], _lots(event.quantity), ticks, kind, tif)

    def _cancel(self, event: MarketEvent) -> Outcome:
        return _outcome(self._send(commands.cancel(*self._names(event))), "INVALID_CANCEL")

    def _reduce(self, event: MarketEvent) -> Outcome:
        order = self.resting.get(_key(event))
        if order is None:
            return self._cancel(event)
        assert event.quantity is not None
        lots = _lots(event.quantity)
        if lots > order.lots:
            return Outcome("rejected", "INVALID_ORDER", f"{lots} lots off an order of {order.lots}")
        return _outcome(self._send(commands.reduce(*self._names(event), lots)), "INVALID_ORDER")

    def _replace(self, event: MarketEvent) -> Outcome:
        key = _key(event)
        order = self.resting.get(key)
        if order is None:
            return self._cancel(event)
        ticks = order.ticks if event.price is None else self._ticks(event.price)
        lots = order.lots if event.quantity is None else _lots(event.quantity)
        if ticks != order.ticks or lots > order.lots or lots <= 0:
            return _outcome(self._send(commands.replace(*self._names(event), lots, ticks)), "INVALID_REPLACEMENT")
        self._cancel(event)
        return self._place(key, order.account, order.side, lots, ticks)

    def _clear(self, event: MarketEvent) -> Outcome:
        pair = self._pair(event.symbol)
        return _outcome(self._send(commands.mass_cancel(MassCancelScope.PAIR, pair=pair)), "INVALID_ORDER")

    def _place(
        self,
        key: tuple[str, int],
        account: int,
        side: Side,
        lots: int,
        ticks: int,
        kind: OrderType = OrderType.LIMIT,
        tif: TimeInForce = TimeInForce.GTC,
    ) -> Outcome:
        pair, client_id, stp = self.pairs[key[0]], self._client_id(key), STP[self.config.self_trade_policy]
        placed = commands.place(pair, account, client_id, side, lots, ticks, kind=kind, tif=tif, stp=stp)
        return _outcome(self._send(placed), "INVALID_ORDER")

    def _names(self, event: MarketEvent) -> tuple[int, int, int]:
        """Name the order of an event, whether or not there is one: pair, account, client id."""
        key = _key(event)
        account = self.resting[key].account if key in self.resting else ANONYMOUS
        return self.pairs.get(event.symbol, NO_PAIR), account, self._client_id(key)

    def _send(self, command: Commands) -> RejectCode | None:
        """Apply one command, note orders and trades, and return why it was refused, if it was."""
        rejected = None
        for event in self.books.apply(command):
            if event["kind"] == EventKind.REJECTED:
                rejected = RejectCode(event["code"])
            elif event["kind"] == EventKind.ACCEPTED and event["maker"]:
                self.placed[int(event["maker"])] = (int(event["taker"]), Side(event["side"]))
            elif event["kind"] == EventKind.TRADED:
                self.trades.append(self._trade(event))
        return rejected

    def _trade(self, event: Any) -> TradeFill:
        maker, side = self.placed[int(event["maker"])]
        taker, _ = self.placed[int(event["taker"])]
        buy, sell = (maker, taker) if side is Side.BUY else (taker, maker)
        return TradeFill(
            symbol=self.keys[buy][0],
            buy_order_id=self.keys[buy][1],
            sell_order_id=self.keys[sell][1],
            price=self._price(int(event["price_ticks"])),
            quantity=self._quantity(int(event["qty_lots"])),
        )

    def _list(self, symbol: str) -> BookSnapshot:
        sides: dict[Queue, list[RestingOrder]] = {Queue.BID: [], Queue.ASK: []}
        for order in self.books.orders(self.pairs[symbol]):
            key = self.keys[int(order["client_id"])]
            account, ticks = int(order["account"]), int(order["price_ticks"])
            lots = int(order["displayed_lots"]) + int(order["reserve_lots"])
            self.resting[key] = _Resting(account, Side(order["side"]), ticks, lots)
            sides[Queue(order["queue"])].append(
                RestingOrder(key[1], self._price(ticks), self._quantity(lots), self.owners[account])
            )
        return BookSnapshot(symbol, tuple(sides[Queue.BID]), tuple(sides[Queue.ASK]))

    def _pair(self, symbol: str) -> int:
        """Return the pair of a symbol, added when it is first asked for."""
        if symbol not in self.pairs:
            number = len(self.pairs)
            allocation = ALLOCATIONS[self.config.matching_algorithm]
            pair = Pair(number, base=number + 1, quote=QUOTE, price_ticks_max=PRICE_TICKS_MAX, allocation=allocation)
            self._send(commands.add_pair(pair))
            self.pairs[symbol] = number
        return self.pairs[symbol]

    def _account(self, owner: int) -> int:
        """Return the account of an owner, opened when it is first asked for."""
        if owner not in self.accounts:
            number = len(self.owners)
            self._send(commands.set_limits(number, AccountField.OPEN))
            self.accounts[owner] = number
            self.owners.append(owner)
        return self.accounts[owner]

    def _client_id(self, key: tuple[str, int]) -> int:
        if key not in self.client_ids:
            self.client_ids[key] = len(self.keys)
            self.keys.append(key)
        return self.client_ids[key]

    def _ticks(self, price: float) -> int:
        return _int64(round(min(price / self.config.tick_size, float(INT64_MAX))))

    def _price(self, ticks: int) -> str:
        return canonical_decimal(round(ticks * self.config.tick_size, self.price_decimals))

    def _quantity(self, lots: int) -> str:
        return canonical_decimal(Decimal(lots) / LOTS_PER_UNIT, self.config.quantity_decimal_places)


def _outcome(rejected: RejectCode | None, otherwise: str) -> Outcome:
    if rejected is None:
        return APPLIED
    return Outcome("rejected", REASONS.get(rejected, otherwise), rejected.name)


def _key(event: MarketEvent) -> tuple[str, int]:
    assert event.order_id is not None
    return event.symbol, event.order_id


def _lots(quantity: float) -> int:
    lots = Decimal(str(quantity)) * LOTS_PER_UNIT
    return _int64(int(lots.to_integral_value(ROUND_HALF_EVEN)))


def _int64(value: int) -> int:
    """Bring a number into what a command can carry; the books refuse the ends of that range."""
    return max(-INT64_MAX, min(value, INT64_MAX))


def open_fast() -> BookSet:
    """Open the numba books."""
    from openoutcry.book import Books

    return Books([], accounts=1)


def open_plain() -> BookSet:
    """Open the plain books."""
    from openoutcry.book.reference import ReferenceBooks

    return ReferenceBooks([], accounts=1)


OPENERS: Final = {"fast": open_fast, "plain": open_plain}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one conversation over standard input and output."""
    parser = argparse.ArgumentParser(description="Order books for tracebook-conformance to test, as a child process.")
    parser.add_argument("--book", choices=tuple(OPENERS), default="fast")
    chosen = parser.parse_args(arguments)
    return serve_stdio(partial(OpenOutcryAdapter, open_books=OPENERS[chosen.book]))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # The kit ends a child that is still there after half a second; on a busy machine numba takes that long to leave.
    os._exit(status)
