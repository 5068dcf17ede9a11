"""The dictionaries, floats and errors of ccxt's unified API, and what its callers give: see `ccxt_shape`.

Numbers become floats at this edge and only here; prices are rounded to ticks and amounts cut to lots, as ccxt does.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any, Final, TypeAlias

from openoutcry.client.errors import (
    ClientError,
    Full,
    NoAnswer,
    NotConnected,
    NotRepresentable,
    Refused,
    Rejected,
    UnknownOrder,
    UnknownPair,
)
from openoutcry.client.listing import Listed, decimal_of
from openoutcry.client.orders import Order, OrderEvent, OrderState
from openoutcry.client.watching import BookView
from openoutcry.domain import OrderType, Phase, RejectCode, Side, TimeInForce
from openoutcry.marketdata.followers import Top, Trade

Shape: TypeAlias = dict[str, Any]

PPM: Final = 1_000_000
NEWS_MAX: Final = 1_000
"""Trades or orders that one call of a `watch_` function returns at most, as ccxt's default cache of a thousand."""

STATUS: Final[dict[OrderState, str]] = {
    OrderState.SENT: "open",
    OrderState.LIVE: "open",
    OrderState.FILLED: "closed",
    OrderState.CANCELLED: "canceled",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "rejected",
    OrderState.REFUSED: "rejected",
    OrderState.LOST: "closed",
}

TYPES: Final[dict[str, OrderType]] = {
    "limit": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
    "iceberg": OrderType.ICEBERG,
}

TIMES: Final[dict[str, TimeInForce]] = {
    "GTC": TimeInForce.GTC,
    "DAY": TimeInForce.DAY,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}


class BaseError(ClientError):
    """The base of ccxt's errors; what the client itself raised is the cause."""


class ExchangeError(BaseError):
    """The venue says no."""


class BadSymbol(ExchangeError):
    """The venue lists no such pair."""


class InvalidOrder(ExchangeError):
    """An order that the venue does not take."""


class OrderNotFound(InvalidOrder):
    """There is no such live order."""


class InsufficientFunds(ExchangeError):
    """The account's backing, or one of its limits, does not cover the order."""


class NetworkError(BaseError):
    """The venue is not reached; what was sent may be done all the same."""


class RequestTimeout(NetworkError):
    """The venue has not answered in time; what was sent may be done all the same."""


class RateLimitExceeded(NetworkError):
    """Too much waits for the venue already."""


_FUNDS: Final = frozenset(
    [
        RejectCode.BACKING_LIMIT,
        RejectCode.POSITION_LIMIT,
        RejectCode.NOTIONAL_LIMIT,
        RejectCode.OPEN_ORDERS_LIMIT,
        RejectCode.ORDER_SIZE_LIMIT,
    ]
)

_ERRORS: Final[tuple[tuple[type[ClientError], type[BaseError]], ...]] = (
    (UnknownPair, BadSymbol),
    (UnknownOrder, OrderNotFound),
    (NotRepresentable, InvalidOrder),
    (Refused, InvalidOrder),
    (NoAnswer, RequestTimeout),
    (Full, RateLimitExceeded),
    (NotConnected, NetworkError),
    (ClientError, ExchangeError),
)


@contextmanager
def as_ccxt() -> Iterator[None]:
    """Raise what the client raises as ccxt would call it."""
    try:
        yield
    except BaseError:
        raise
    except Rejected as error:
        kind: type[BaseError] = InvalidOrder
        if error.code is RejectCode.UNKNOWN_ORDER:
            kind = OrderNotFound
        elif error.code in _FUNDS:
            kind = InsufficientFunds
        raise kind(str(error)) from error
    except ClientError as error:
        found = next(kind for known, kind in _ERRORS if isinstance(error, known))
        raise found(str(error)) from error


def price_of(listed: Listed, price: float | str | Decimal | int) -> Decimal:
    """Return a price of a bot at the nearest tick."""
    return _at(price, listed.scale.tick, "price", ROUND_HALF_EVEN)


def amount_of(listed: Listed, amount: float | str | Decimal | int) -> Decimal:
    """Return an amount of a bot, cut to whole lots."""
    return _at(amount, listed.scale.lot, "amount", ROUND_DOWN)


def order_book(view: BookView, listed: Listed, limit: int | None = None) -> Shape:
    """Return a book: bids and asks as [price, amount], best first."""
    scale = listed.scale
    bids, asks = (
        [[float(scale.price(price)), float(scale.qty(lots))] for price, lots, _ in side.tolist()[:limit]]
        for side in (view.depth.bids, view.depth.asks)
    )
    now_ms = _now_ms()
    return {
        "symbol": listed.name,
        "bids": bids,
        "asks": asks,
        "timestamp": now_ms,
        "datetime": _iso(now_ms),
        "nonce": view.sequence,
    }


def trade(one: Trade, listed: Listed) -> Shape:
    """Return a public trade."""
    price, amount = listed.scale.price(one.price_ticks), listed.scale.qty(one.qty_lots)
    ms = one.time_ns // 1_000_000
    return _trade(str(one.number), ms, listed, None, one.side, None, price, amount, one._asdict())


def order(one: Order, listed: Listed, timestamp_ms: int | None = None) -> Shape:
    """Return an own order. id and clientOrderId: the client id. timestamp: when this client sent it, else None."""
    scale = listed.scale
    average = scale.price(1) * one.value / one.filled_lots if one.filled_lots else None
    return {
        "id": str(one.client_id),
        "clientOrderId": str(one.client_id),
        "timestamp": timestamp_ms,
        "datetime": _iso(timestamp_ms),
        "lastTradeTimestamp": None,
        "lastUpdateTimestamp": None,
        "symbol": listed.name,
        "type": "limit" if one.price_ticks else "market",
        "timeInForce": None,
        "postOnly": None,
        "reduceOnly": None,
        "side": one.side.name.lower(),
        "price": float(scale.price(one.price_ticks)) if one.price_ticks else None,
        "stopPrice": None,
        "triggerPrice": None,
        "average": None if average is None else float(average),
        "amount": float(scale.qty(one.qty_lots)),
        "filled": float(scale.qty(one.filled_lots)),
        "remaining": float(scale.qty(one.leaves_lots)),
        "cost": float(one.value * scale.tick * scale.lot),
        "status": STATUS[one.state],
        "trades": [],
        "fee": None,
        "fees": [],
        "info": {"handle": one.handle, "account": one.account, "state": one.state.name, "reason": one.reason_name},
    }


def my_trade(event: OrderEvent, listed: Listed) -> Shape:
    """Return a fill of an own order. id: the number of its event."""
    price, amount = listed.scale.price(event.price_ticks), listed.scale.qty(event.qty_lots)
    side, role = event.order.side, "maker" if event.is_maker else "taker"
    info = {"number": event.number, "sequence": event.sequence}
    return _trade(str(event.number), _now_ms(), listed, str(event.order.client_id), side, role, price, amount, info)


def ticker(top: Top, listed: Listed) -> Shape:
    """Return the best prices."""
    scale, now_ms = listed.scale, _now_ms()
    return {
        "symbol": listed.name,
        "timestamp": now_ms,
        "datetime": _iso(now_ms),
        "bid": float(scale.price(top.bid_ticks)) if top.bid_lots else None,
        "bidVolume": float(scale.qty(top.bid_lots)) if top.bid_lots else None,
        "ask": float(scale.price(top.ask_ticks)) if top.ask_lots else None,
        "askVolume": float(scale.qty(top.ask_lots)) if top.ask_lots else None,
        "last": None,
        "info": top._asdict(),
    }


def market(listed: Listed) -> Shape:
    """Return what is traded in a pair."""
    said, scale = listed.said, listed.scale
    base, _, quote = listed.name.partition("/")
    return {
        "id": str(listed.number),
        "symbol": listed.name,
        "base": base,
        "quote": quote,
        "baseId": said.base.hex(),
        "quoteId": said.quote.hex(),
        "type": "spot",
        "spot": True,
        "active": said.phase is not Phase.CLOSED,
        "maker": said.maker_ppm / PPM,
        "taker": said.taker_ppm / PPM,
        "precision": {"price": float(scale.tick), "amount": float(scale.lot)},
        "limits": {
            "price": {"min": float(scale.price(said.price_ticks_min)), "max": float(scale.price(said.price_ticks_max))},
            "amount": {"min": float(scale.lot), "max": float(scale.qty(said.qty_lots_max))},
            "cost": {"min": None, "max": None},
        },
        "info": {"phase": said.phase.name, "tick_units": said.tick_units},
    }


class Times:
    """When orders were sent: the venue's events have no time."""

    def __init__(self) -> None:
        self._ms: dict[tuple[int, int], int] = {}

    def note(self, one: Order) -> None:
        """Note that an order was sent just now."""
        self._ms[one.pair, one.client_id] = _now_ms()
        if len(self._ms) > NEWS_MAX:
            del self._ms[next(iter(self._ms))]

    def of(self, one: Order) -> int | None:
        """Return when an order was sent, None where that is not known."""
        return self._ms.get((one.pair, one.client_id))


class Wanted:
    """What `create_order` is given, as `Venue.place` takes it."""

    def __init__(self, listed: Listed, type_: str, side: str, amount: Any, price: Any, params: Shape) -> None:
        known = {"timeInForce", "postOnly", "reduceOnly", "clientOrderId", "stopPrice", "triggerPrice", "account"}
        for name in params:
            if name not in known:
                raise InvalidOrder(
                    f"params has {name[:40]!r}, which is not known here: one of {', '.join(sorted(known))}"
                )
        trigger = params.get("triggerPrice", params.get("stopPrice"))
        kind = TYPES.get(type_)
        if kind is None:
            raise InvalidOrder(f"type {type_[:40]!r} is not known here: one of {', '.join(TYPES)}")
        if trigger is not None and kind in (OrderType.LIMIT, OrderType.MARKET):
            kind = OrderType.STOP_LIMIT if kind is OrderType.LIMIT else OrderType.STOP
        tif = str(params.get("timeInForce", "IOC" if kind is OrderType.MARKET else "GTC"))
        if tif == "PO" or params.get("postOnly"):
            kind, tif = OrderType.POST_ONLY, "GTC"
        if tif not in TIMES:
            raise InvalidOrder(f"timeInForce {tif!r} is not known here: one of {', '.join(TIMES)}, PO")
        if side not in ("buy", "sell"):
            raise InvalidOrder(f"side {side[:40]!r} is none: buy or sell")
        needs_price = kind not in (OrderType.MARKET, OrderType.STOP)
        if needs_price and price is None:
            raise InvalidOrder(f"an order of type {type_} needs a price")
        self.side = Side.BUY if side == "buy" else Side.SELL
        self.qty = amount_of(listed, amount)
        self.price = price_of(listed, price) if needs_price else None
        client_id = params.get("clientOrderId")
        if client_id is not None and not (str(client_id).isascii() and str(client_id).isdigit()):
            raise InvalidOrder(f"clientOrderId {str(client_id)[:40]!r}: a venue takes whole numbers only")
        self.options: Shape = {
            "kind": kind,
            "tif": TIMES[tif],
            "trigger": None if trigger is None else price_of(listed, trigger),
            "reduce_only": bool(params.get("reduceOnly")),
            "client_id": None if client_id is None else int(client_id),
            "account": params.get("account"),
        }


def _trade(
    id: str,
    ms: int,
    listed: Listed,
    order_id: str | None,
    side: Side,
    role: str | None,
    price: Decimal,
    amount: Decimal,
    info: Shape,
) -> Shape:
    return {
        "id": id,
        "timestamp": ms,
        "datetime": _iso(ms),
        "symbol": listed.name,
        "order": order_id,
        "type": None,
        "side": side.name.lower(),
        "takerOrMaker": role,
        "price": float(price),
        "amount": float(amount),
        "cost": float(price * amount),
        "fee": None,
        "fees": [],
        "info": info,
    }


def id_of(id: str) -> int:
    """Return the client id that an id of an order is. Raises OrderNotFound for what is none."""
    if not (id.isascii() and id.isdigit() and len(id) < 20):
        raise OrderNotFound(f"order {id[:40]!r}: an id is a whole number, as create_order returns it")
    return int(id)


def _at(number: float | str | Decimal | int, unit: Decimal, what: str, rounding: str) -> Decimal:
    # The shortest text that gives the same float is what was meant by it.
    value = decimal_of(str(number) if isinstance(number, float) else number, what)
    return (value / unit).to_integral_value(rounding) * unit


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _iso(ms: int | None) -> str | None:
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
