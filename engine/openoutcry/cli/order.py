"""`outcry order`, `cancel` and `orders`."""

from difflib import get_close_matches
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from openoutcry.cli.reach import OK_EXIT, print_json, reach
from openoutcry.cli.usage import UsageError
from openoutcry.client import Listed, Order, Venue
from openoutcry.domain import OrderType, Side, TimeInForce

Choice = TypeVar("Choice", bound=IntEnum)


class Wanted(NamedTuple):
    """An order as it stands on the command line."""

    side: str
    pair: str
    qty: str
    at: tuple[str, ...]
    account: int | None
    client_id: int | None
    type: str | None
    tif: str
    display: str | None
    trigger: str | None
    reduce_only: bool


def run_order(profile: Path, wanted: Wanted, as_json: bool) -> int:
    """Place an order and print what became of it."""
    side = choice("side", wanted.side, Side)
    price = _price(wanted)
    kind = None if wanted.type is None else choice("--type", wanted.type, OrderType)
    tif = choice("--tif", wanted.tif, TimeInForce)
    if tif is TimeInForce.GTD:
        raise UsageError("--tif gtd needs a time, which the command line does not take: use the client from Python")

    def use(venue: Venue) -> int:
        order = venue.place(
            wanted.pair,
            side,
            wanted.qty,
            price,
            account=wanted.account,
            client_id=wanted.client_id,
            kind=kind,
            tif=tif,
            display=wanted.display,
            trigger=wanted.trigger,
            reduce_only=wanted.reduce_only,
        )
        show(venue, [order], as_json)
        return OK_EXIT

    return reach(profile, use)


def run_cancel(
    profile: Path, pair: str | None, client_id: int | None, every: bool, account: int | None, as_json: bool
) -> int:
    """Cancel one order, those of a pair, or all."""
    if pair is None and not every:
        raise UsageError("which orders? give a pair, and the client id of one of them, or --all")

    def use(venue: Venue) -> int:
        if pair is not None and client_id is not None:
            show(venue, [venue.cancel(client_id, pair, account)], as_json)
            return OK_EXIT
        before = {(order.pair, order.client_id) for order in venue.orders()}
        venue.mass_cancel(pair, account)
        gone = before - {(order.pair, order.client_id) for order in venue.orders()}
        show(venue, [venue.order(name, number) for number, name in sorted(gone)], as_json)
        return OK_EXIT

    return reach(profile, use)


def run_orders(profile: Path, as_json: bool) -> int:
    """Print own orders that are live."""

    def use(venue: Venue) -> int:
        show(venue, venue.orders(), as_json)
        return OK_EXIT

    return reach(profile, use)


def show(venue: Venue, orders: list[Order], as_json: bool) -> None:
    """Print orders, in the numbers that people use."""
    if as_json:
        print_json([as_values(order, venue.pair(order.pair)) for order in orders])
        return
    for order in orders:
        print(as_line(order, venue.pair(order.pair)))
    if not orders:
        print("no orders")


def as_line(order: Order, listed: Listed) -> str:
    """Return an order as one line.

    The average price of what was filled stands behind it.
    """
    price = f" @ {listed.scale.price(order.price_ticks)}" if order.price_ticks else ""
    text = f"{order.client_id}: {order.side.name.lower()} {listed.scale.qty(order.qty_lots)} {listed.name}{price}"
    text += f", {order.state.name.lower()}"
    if order.filled_lots:
        average = listed.scale.price(1) * order.value / order.filled_lots
        text += f", filled {listed.scale.qty(order.filled_lots)} at {average:.10g}"
    if order.leaves_lots:
        text += f", left {listed.scale.qty(order.leaves_lots)}"
    return text + (f" ({order.reason_name})" if order.reason else "")


def as_values(order: Order, listed: Listed) -> dict[str, Any]:
    """Return an order as plain values; decimals as text, since JSON has none."""
    scale = listed.scale
    return {
        "id": order.client_id,
        "pair": listed.name,
        "account": order.account,
        "side": order.side.name.lower(),
        "price": str(scale.price(order.price_ticks)) if order.price_ticks else None,
        "qty": str(scale.qty(order.qty_lots)),
        "filled": str(scale.qty(order.filled_lots)),
        "left": str(scale.qty(order.leaves_lots)),
        "value_ticks": order.value,
        "state": order.state.name.lower(),
        "reason": order.reason_name or None,
    }


def choice(what: str, text: str, kind: type[Choice]) -> Choice:
    """Return a member of an enum by its name as it is typed. Raises UsageError, with a suggestion."""
    names = {member.name.lower().replace("_", "-"): member for member in kind}
    found = names.get(text.lower().replace("_", "-"))
    if found is None:
        close = get_close_matches(text.lower(), names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(names)}"
        raise UsageError(f"{what} {text[:40]} is not known: {hint}")
    return found


def _price(wanted: Wanted) -> str | None:
    """Return the price: what follows "@", which may be left out."""
    at = [word for word in wanted.at if word != "@"]
    if len(at) == 1:
        return at[0].removeprefix("@")
    if wanted.at:
        raise UsageError(f"{' '.join(wanted.at)[:40]} is no price: write it as in @ 1.0850")
    return None
