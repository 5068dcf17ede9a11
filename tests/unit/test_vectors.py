"""Published examples and the cases of other engines' tests, where their rules are ours.

The cases are in tests/data with their sources. A case whose rules differ is not left out silently: it stands in a table
below with the reason, and is shown to differ in just that.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from openoutcry.book import commands as command
from openoutcry.domain import Allocation, EventKind, IcebergRule, OrderType, Pair, Phase, Side, TimeInForce
from tests.scene import IMPLEMENTATIONS, Make, Scene

DATA: Final = Path(__file__).resolve().parents[1] / "data"
SCALE: Final = 10
"""Ticks and lots of the cases: tenths, which all their prices and quantities are multiples of."""

Case = dict[str, Any]


def cases(name: str) -> list[Case]:
    """The cases of a file; numbers with a point are exact decimals."""
    text = (DATA / f"{name}.json").read_text(encoding="utf-8")
    read: list[Case] = json.loads(text, parse_float=Decimal)
    return read


def published(example: str) -> Case:
    """A published example."""
    examples = json.loads((DATA / "matching.json").read_text(encoding="utf-8"))["examples"]
    found: Case = next(entry for entry in examples if entry["id"] == example)
    return found


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    """Each implementation in turn."""
    return IMPLEMENTATIONS[request.param]


class Player:
    """Plays the commands of a case: each symbol is a pair, each trader an account, times are seconds of the clock."""

    def __init__(self, make: Make) -> None:
        self.scene = Scene(make, others=tuple(Pair(number, price_ticks_max=100_000) for number in (1, 2, 3)))
        self.names: dict[int, str] = {}
        self.handles: dict[Any, int] = {}
        self.pairs: dict[str, int] = {}
        self.accounts: dict[str, int] = {}
        self.owners: dict[int, tuple[int, int]] = {}
        self.trades: list[dict[str, Any]] = []
        self.times: list[str] = []

    def play(self, case: Case) -> None:
        """All commands of a case, in order."""
        self.times = sorted({entry[key] for entry in case["commands"] for key in ("ts", "expiration") if key in entry})
        for entry in case["commands"]:
            if entry["op"] == "match":
                self.scene.do(command.clock(self.time(entry["ts"])))
            elif entry["op"] == "cancel" or entry.get("available") == "CANCEL":
                handle = self.handles[entry["id"]]
                pair, account = self.owners[handle]
                self.scene.do(command.cancel(pair, account, handle, by_handle=True))
            else:
                self.add(entry)
            self.note_trades(entry["step"])

    def time(self, text: str) -> int:
        """Times as their rank: only their order matters."""
        return 1 + self.times.index(text)

    def add(self, entry: Case) -> None:
        """An order; its handle is kept under its id, which a case may give again once the order is gone."""
        pair = self.pairs.setdefault(entry.get("symbol", ""), 1 + len(self.pairs))
        account = self.accounts.setdefault(entry.get("trader", ""), len(self.accounts))
        until = entry.get("expiration", "9999")
        handle = self.scene.place(
            Side.BUY if entry["side"] == "buy" else Side.SELL,
            int(entry["qty"] * SCALE),
            0 if entry["price"] is None else int(entry["price"] * SCALE),
            account,
            kind=OrderType.MARKET if entry["type"] == "market" else OrderType.LIMIT,
            tif=TimeInForce.GTC if until.startswith("9999") else TimeInForce.GTD,
            expiry_ns=0 if until.startswith("9999") else self.time(until),
            pair=pair,
        )
        self.names[handle] = entry["id"]
        self.handles[entry["id"]] = handle
        self.owners[handle] = (pair, account)

    def note_trades(self, step: int) -> None:
        """Keep the trades of the last command in the words of the cases."""
        traders = {account: trader for trader, account in self.accounts.items()}
        for event in self.scene.events:
            if event.kind == EventKind.TRADED:
                buy, sell = (event.taker, event.maker) if event.side == Side.BUY else (event.maker, event.taker)
                self.trades.append(
                    {
                        "step": step,
                        "maker": self.names[event.maker],
                        "taker": self.names[event.taker],
                        "taker_side": "buy" if event.side == Side.BUY else "sell",
                        "buyer": traders[self.owners[buy][1]],
                        "seller": traders[self.owners[sell][1]],
                        "qty": Decimal(event.qty_lots) / SCALE,
                        "price": Decimal(event.price_ticks) / SCALE,
                    }
                )

    def traded_like(self, expected: list[dict[str, Any]], *ignored: str) -> bool:
        """Whether the trades are those of a case, in the fields that it gives."""
        if len(expected) != len(self.trades):
            return False
        return all(
            trade[key] == value
            for trade, wanted in zip(self.trades, expected, strict=True)
            for key, value in wanted.items()
            if key not in ignored
        )

    def book(self, symbol: str = "") -> dict[str, list[dict[str, Any]]]:
        """What rests, in the words of the cases."""
        sides: dict[str, list[dict[str, Any]]] = {"bids": [], "asks": []}
        for queue, handle, price, leaves in self.scene.queue(self.pairs.get(symbol, 1)):
            levels = sides["asks" if queue else "bids"]
            if not levels or levels[-1]["price"] != Decimal(price) / SCALE:
                levels.append({"price": Decimal(price) / SCALE, "orders": []})
            levels[-1]["orders"].append({"id": self.names[handle], "open_qty": Decimal(leaves) / SCALE})
        return sides


@pytest.mark.parametrize("case", cases("quantcup"), ids=lambda case: case["name"])
def test_the_unit_cases_of_quantcup(make: Make, case: Case) -> None:
    """All 14; a trade names buyer, seller, quantity and the price of the order that was there first."""
    player = Player(make)
    player.play(case)
    assert player.traded_like(case["expected"]["trades"])


@pytest.mark.parametrize("case", cases("lightmatchingengine"), ids=lambda case: case["name"])
def test_the_unit_cases_of_lightmatchingengine(make: Make, case: Case) -> None:
    """All 7; trades and what is left in each book."""
    player = Player(make)
    player.play(case)
    assert player.traded_like(case["expected"]["trades"])
    for symbol, book in case["expected"]["book"].items():
        assert player.book(symbol) == book


REST_OF_MARKET_ORDERS_STAYS: Final = (
    "order-matching leaves what a market order could not trade in the book, at price 0 or infinity; ours cancels it"
)
MARKET_ORDERS_MEET: Final = (
    "order-matching keeps a market order in an empty book and trades it against the next one at an infinite price"
)
DIFFERENT: Final = {
    "order-matching/test_matching_with_sell_market_order_after_limit_orders": REST_OF_MARKET_ORDERS_STAYS,
    "order-matching/test_matching_with_buy_market_orders_after_limit_orders": REST_OF_MARKET_ORDERS_STAYS,
    "order-matching/test_matching_with_market_orders_only": MARKET_ORDERS_MEET,
}
"""order-matching collects orders and matches them when it is told to, by time; ours match on arrival. With limit orders
that comes to the same in all its cases, so they are played with `match` as the passing of time."""


@pytest.mark.parametrize("case", cases("order_matching"), ids=lambda case: case["name"])
def test_the_unit_cases_of_order_matching(make: Make, case: Case) -> None:
    """All 22: 19 have the same trades and the same book; the others differ in just what the table says."""
    player = Player(make)
    player.play(case)
    expected, why = case["expected"], DIFFERENT.get(case["name"])
    # a case notes the step of the match that followed, not that of the order that arrived
    assert player.traded_like(expected["trades"], "step") == (why != MARKET_ORDERS_MEET)
    assert (player.book() == expected["book"]) == (why is None)
    if why == REST_OF_MARKET_ORDERS_STAYS:
        assert player.book() == {"bids": [], "asks": []}


def test_every_case_that_differs_exists() -> None:
    """The table of differences names cases of the file."""
    assert {case["name"] for case in cases("order_matching")} > DIFFERENT.keys()


def test_cme_pro_rata_with_top_order(make: Make) -> None:
    """Allocation A: the order that bettered the market first, then by size from 2 lots on, the rest by time."""
    example = published("cme-prorata-1")
    orders, action, expected = example["setup"]["orders"], example["action"], example["expected"]["total"]
    scene = Scene(
        make, allocation=Allocation.PRO_RATA, pro_rata_top=True, pro_rata_minimum_lots=2, price_ticks_max=20_000
    )
    price = round(example["setup"]["price"] * 100)
    names = {scene.buy(order["qty"], price): str(order["id"]) for order in orders}
    scene.sell(action["qty"], price)
    assert {names[maker]: lots for maker, _, lots in scene.trades} == expected
    assert names[scene.trades[0][0]] == "1"


def test_xetra_visible_orders_come_before_hidden_ones(make: Make) -> None:
    """A hidden order waits behind one that came later and is shown."""
    example = published("xetra-hidden-1")
    scene = Scene(make)
    names = {}
    for order in example["setup"]["buys"]:
        kind = OrderType.HIDDEN if order.get("hidden") else OrderType.LIMIT
        names[scene.buy(order["qty"], order["price"], kind=kind)] = order["id"]
    scene.sell(example["action"]["qty"], kind=OrderType.MARKET)
    assert [[names[maker], lots, price] for maker, price, lots in scene.trades] == example["expected"]["trades"]


def test_tmx_displayed_lots_of_all_orders_come_before_the_reserve(make: Make) -> None:
    """Then the reserve in one trade; the iceberg shows a full peak again."""
    example = published("tmx-iceberg")
    scene = Scene(make, iceberg_rule=IcebergRule.DISPLAYED_FIRST, price_ticks_max=2_000, phase=Phase.CONTINUOUS)
    names = {}
    for order in example["setup"]["buys"]:
        price, visible = round(order["price"] * 100), order.get("visible", 0)
        kind = OrderType.ICEBERG if visible else OrderType.LIMIT
        lots = visible + order["hidden"] if visible else order["qty"]
        names[scene.buy(lots, price, kind=kind, display_lots=visible)] = order["id"]
    scene.sell(example["action"]["qty"], round(example["action"]["price"] * 100))
    trades = [[names[maker], lots, price / 100] for maker, price, lots in scene.trades]
    assert trades == example["expected"]["trades"]
    after = example["expected"]["after"]
    iceberg = scene.order(next(handle for handle, name in names.items() if name == after["id"]))
    assert (iceberg["displayed_lots"], iceberg["reserve_lots"]) == (after["visible"], after["hidden"])
