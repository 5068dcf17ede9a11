"""Random command streams: the same seed gives the same commands, and every rule is reached.

A `Driver` feeds a book in chunks and reads its events, so that it can cancel, reduce and replace orders that really
live, by handle or client id. What it sent is recorded and can be replayed on another book. `stream` gives commands
without a book; it then only guesses what lives.

Prices stay within some ticks of a slowly moving centre, so that orders meet; a few commands in a hundred carry absurd
values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeVar

import numpy as np

from openoutcry.book import commands as build
from openoutcry.domain import (
    AccountField,
    AdjustMode,
    Allocation,
    AuctionRule,
    CommandFlag,
    EventKind,
    IcebergRule,
    Ladder,
    MassCancelScope,
    Op,
    OrderType,
    Pair,
    Phase,
    RejectCode,
    SelfTrade,
    Side,
    TimeInForce,
)
from openoutcry.domain.limits import PRICE_TICKS_MAX, QTY_LOTS_MAX, TIME_NS_MAX
from openoutcry.domain.records import COMMAND, Commands, Events

T = TypeVar("T")

ACCOUNTS: Final = 24
CLIENT_IDS: Final = 400
"""Client ids of one account: few enough that some are given twice."""

SECOND_NS: Final = 1_000_000_000

OPS: Final = (
    (Op.PLACE, 0.60),
    (Op.CANCEL, 0.07),
    (Op.REDUCE, 0.05),
    (Op.REPLACE, 0.13),
    (Op.MASS_CANCEL, 0.002),
    (Op.SET_PHASE, 0.014),
    (Op.UNCROSS, 0.004),
    (Op.CLOCK, 0.03),
    (Op.SET_BAND, 0.008),
    (Op.SET_LIMITS, 0.012),
    (Op.FUND, 0.012),
    (Op.MOVE_REFERENCE, 0.003),
    (Op.ADD_PAIR, 0.0004),
    (Op.RETIRE_PAIR, 0.0004),
    (Op.ADJUST_PAIR, 0.0015),
    (Op.RESET_PROTECTION, 0.012),
)

KINDS: Final = (*OrderType, OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.ICEBERG, OrderType.ICEBERG)
STPS: Final = (*SelfTrade, SelfTrade.NONE, SelfTrade.NONE)
WAITING: Final = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
IMMEDIATE: Final = (TimeInForce.IOC, TimeInForce.FOK)
NOT_IMMEDIATE: Final = (OrderType.ICEBERG, OrderType.HIDDEN, OrderType.POST_ONLY, OrderType.POST_ONLY_SLIDE)
NOT_IN_AUCTION: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.POST_ONLY, OrderType.POST_ONLY_SLIDE)
STOPS: Final = (OrderType.STOP, OrderType.STOP_LIMIT)
COLLECTING: Final = (Phase.PRE_OPEN, Phase.AUCTION)

NEXT_PHASES: Final = {
    Phase.CLOSED: (Phase.PRE_OPEN, Phase.PRE_OPEN, Phase.CONTINUOUS, Phase.CLOSED),
    Phase.PRE_OPEN: (Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.AUCTION, Phase.HALTED),
    Phase.AUCTION: (Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.PRE_OPEN, Phase.CLOSED),
    Phase.CONTINUOUS: (
        Phase.AUCTION,
        Phase.AUCTION,
        Phase.PRE_OPEN,
        Phase.HALTED,
        Phase.HALTED,
        Phase.CLOSED,
        Phase.CONTINUOUS,
    ),
    Phase.HALTED: (Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.AUCTION, Phase.CLOSED),
}

LIMITS: Final[dict[AccountField, tuple[int, ...]]] = {
    AccountField.OPEN: (1,),
    AccountField.OPEN_ORDERS_MAX: (5, 40, 2**32 - 1, 2**32 - 1),
    AccountField.ORDER_LOTS_MAX: (15, 30, QTY_LOTS_MAX, QTY_LOTS_MAX),
    AccountField.NOTIONAL_MAX: (20_000, 2**62 - 1, 2**62 - 1),
    AccountField.COLLAR_TICKS: (0, 0, 5, 9),
    AccountField.POSITION_LOTS_MAX: (60, 300, 2**62 - 1, 2**62 - 1),
    AccountField.GROUP: (0, 1, 2, 3, 2**32 - 1),
    AccountField.BROKER: (0, 1, 2, 3),
    AccountField.SESSION: (0, 1, 2, 3, 4),
    AccountField.BACKED: (0, 0, 1),
    AccountField.PROTECT_INTERVAL_NS: (0, 0, SECOND_NS, 20 * SECOND_NS),
    AccountField.PROTECT_LOTS: (0, 40, 150),
    AccountField.PROTECT_DELTA_LOTS: (0, 30, 100),
    AccountField.PROTECT_FILLS: (0, 3, 10),
}
"""What SET_LIMITS draws for each field: values that bind now and then, and those that never do."""

ABSURD: Final = (0, 1, -1, 2**63 - 1, -(2**63), 2**62, 2**62 - 1, 2**56, 2**56 - 1, 2**32, 2**31, PRICE_TICKS_MAX + 1)


class Applies(Protocol):
    """Any set of books."""

    def apply(self, commands: Commands) -> Events: ...


class Dice:
    """Random numbers drawn ahead in blocks: one call per number would cost more than the commands."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._drawn: list[float] = []

    def roll(self) -> float:
        """A number from 0 up to but not including 1."""
        if not self._drawn:
            self._drawn = self._rng.random(4096).tolist()
        return self._drawn.pop()

    def chance(self, share: float) -> bool:
        """True in that share of calls."""
        return self.roll() < share

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends possible."""
        return low + int(self.roll() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[int(self.roll() * len(values))]


class Known(NamedTuple):
    """What the driver knows of a live order. client_id is None when it is named by handle only."""

    pair: int
    account: int
    client_id: int | None
    kind: int
    side: int
    price_ticks: int
    qty_lots: int
    trigger_ticks: int


@dataclass
class Place:
    """Where a pair trades now, as far as the driver knows."""

    pair: Pair
    phase: Phase
    centre: float
    closing: bool = False


def pairs_to_stream(count: int = 12) -> list[Pair]:
    """Pairs with every allocation, iceberg rule, ladder and auction rule; narrow, wide and very wide ranges."""
    return [pair_to_stream(pair_id, pair_id) for pair_id in range(count)]


def pair_to_stream(pair_id: int, variant: int, phase: Phase = Phase.CONTINUOUS) -> Pair:
    """One of the kinds of pairs that streams use. Variants 5, 11 ... take quantities up to the largest."""
    widest = PRICE_TICKS_MAX if variant == 28 else 1 << 20
    low, high = ((1, 400), (980, 1020), (1, 65_535), (500, 900), (1, widest), (1, 60))[variant % 6]
    ticks = high - low + 1
    return Pair(
        pair_id,
        base=2 + pair_id % 3,
        quote=pair_id % 2,
        price_ticks_min=low,
        price_ticks_max=high,
        phase=phase,
        allocation=Allocation(variant % 4),
        iceberg_rule=IcebergRule(variant // 4 % 2 if variant % 4 < Allocation.PRO_RATA else 0),
        auction_rule=AuctionRule(variant % len(AuctionRule)),
        pro_rata_minimum_lots=1 + variant % 3,
        pro_rata_top=variant % 8 < 4,
        ladder=Ladder.HASHED if ticks > 1 << 17 or variant % 5 == 1 else Ladder.DIRECT,
    )


@dataclass
class Driver:
    """Makes commands for a book whose events it reads. pairs, accounts: those that the book was made with."""

    seed: int
    pairs: Sequence[Pair] = field(default_factory=pairs_to_stream)
    accounts: int = ACCOUNTS
    absurd: float = 0.03
    adds_pairs: bool = True

    def __post_init__(self) -> None:
        self.dice = Dice(self.seed)
        self.places = {pair.pair_id: Place(pair, pair.phase, centre_of(pair)) for pair in self.pairs}
        self.added = set(self.places)
        self.next_pair = max(self.places) + 1
        self.known: dict[int, Known] = {}
        self.handles: list[int] = []
        self.protected: dict[tuple[int, int], int] = {}
        self.clock_ns = 0
        self.sequence = 0
        self.thresholds = np.cumsum([share for _, share in OPS]) / sum(share for _, share in OPS)
        self.makers = {
            Op.PLACE: self.place,
            Op.CANCEL: self.cancel,
            Op.REDUCE: self.reduce,
            Op.REPLACE: self.replace,
            Op.MASS_CANCEL: self.mass_cancel,
            Op.SET_PHASE: self.set_phase,
            Op.UNCROSS: self.uncross,
            Op.CLOCK: self.clock,
            Op.SET_BAND: self.set_band,
            Op.SET_LIMITS: self.set_limits,
            Op.FUND: self.fund,
            Op.MOVE_REFERENCE: self.move_reference,
            Op.ADD_PAIR: self.add_pair,
            Op.RETIRE_PAIR: self.retire_pair,
            Op.ADJUST_PAIR: self.adjust_pair,
            Op.RESET_PROTECTION: self.reset_protection,
        }
        self.rows: list[tuple[int, ...]] = []

    def set_up(self) -> Commands:
        """Limits for most accounts, and backing for those that will be backed."""
        for account in range(2, self.accounts):
            self.add(Op.SET_LIMITS, kind=AccountField.GROUP, account=account, qty_lots=account % 5)
            self.add(Op.SET_LIMITS, kind=AccountField.BROKER, account=account, qty_lots=account % 4)
            for _ in range(3):
                field_ = self.dice.pick(list(AccountField))
                self.add(Op.SET_LIMITS, kind=field_, account=account, qty_lots=self.dice.pick(LIMITS[field_]))
        for account in range(self.accounts):
            for instrument in range(5):
                self.add(Op.FUND, account=account, pair=instrument, qty_lots=self.dice.between(1, 500_000))
        return self.take()

    def chunk(self, count: int) -> Commands:
        """The next commands, at least `count` of them."""
        ops = [op for op, _ in OPS]
        self.handles = list(self.known)
        while len(self.rows) < count:
            op = ops[int(np.searchsorted(self.thresholds, self.dice.roll(), side="right"))]
            self.makers[op]()
        return self.take()

    def drive(self, books: Applies, count: int, chunk: int = 128) -> tuple[Commands, Events]:
        """Feed a book at least so many commands. Returns all of them and all events."""
        sent, got, done = [], [], 0
        while done < count:
            commands = self.chunk(min(chunk, count - done))
            events = books.apply(commands).copy()
            self.learn(commands, events)
            sent.append(commands)
            got.append(events)
            done += len(commands)
        return np.concatenate(sent), np.concatenate(got)

    def learn(self, commands: Commands, events: Events) -> None:
        """Read what has become of the orders, phases and prices."""
        first = self.sequence + 1
        self.sequence += len(commands)
        for sequence, kind, _, code, _, pair, maker, taker, price, qty, maker_leaves, taker_leaves in events.tolist():
            if kind == EventKind.ACCEPTED and code == Op.PLACE:
                row = commands[sequence - first]
                indexed = not row["flags"] & CommandFlag.BY_HANDLE
                self.known[maker] = Known(
                    pair, int(row["account"]), taker if indexed else None, int(row["kind"]), int(row["side"]), price,
                    qty, int(row["trigger_ticks"]),
                )  # fmt: skip
            elif kind == EventKind.TRADED:
                if maker_leaves == 0:
                    self.known.pop(maker, None)
                if taker_leaves == 0:
                    self.known.pop(taker, None)
            elif kind in (EventKind.CANCELLED, EventKind.EXPIRED) and maker_leaves == 0:
                self.known.pop(maker, None)
            elif kind == EventKind.REPLACED and maker in self.known:
                self.known[maker] = self.known[maker]._replace(price_ticks=price, qty_lots=qty)
            elif kind == EventKind.TRIGGERED and maker in self.known:
                self.known[maker] = self.known[maker]._replace(trigger_ticks=0)
            elif kind == EventKind.PHASE_CHANGED and pair in self.places:
                self.places[pair].phase = Phase(code)
            elif kind == EventKind.REJECTED and code == RejectCode.PROTECTED:
                self.protected[int(commands[sequence - first]["account"]), pair] = sequence
            elif kind == EventKind.ACCEPTED and code == Op.RETIRE_PAIR:
                self.places.pop(pair, None)
            elif kind == EventKind.ACCEPTED and code == Op.ADD_PAIR:
                self.added.add(pair)
            elif kind == EventKind.REJECTED and pair in self.places and pair not in self.added:
                del self.places[pair]

    def take(self) -> Commands:
        """The rows so far as records."""
        rows, self.rows = self.rows, []
        return np.array(rows, dtype=COMMAND)

    def add(
        self,
        op: int,
        *,
        side: int = 0,
        kind: int = 0,
        tif: int = 0,
        stp: int = 0,
        flags: int = 0,
        pair: int = 0,
        account: int = 0,
        client_id: int = 0,
        price_ticks: int = 0,
        qty_lots: int = 0,
        display_lots: int = 0,
        trigger_ticks: int = 0,
        expiry_ns: int = 0,
    ) -> None:
        """Append a command; now and then one of its fields is made absurd."""
        row = [
            op, side, kind, tif, stp, flags, 0, pair, account, client_id, price_ticks, qty_lots, display_lots,
            trigger_ticks, expiry_ns,
        ]  # fmt: skip
        if self.dice.chance(self.absurd):
            self.spoil(row)
        self.rows.append(tuple(row))

    def spoil(self, row: list[int]) -> None:
        """Make one field absurd, but never a time that would end all others, or a ladder of gigabytes."""
        at = self.dice.between(0, 14)
        wide = self.dice.pick(ABSURD)
        if at in (10, 11, 12, 13, 14):
            if row[0] == Op.CLOCK and at == 14:
                wide = self.dice.pick((-1, 2**63 - 1, TIME_NS_MAX + 1))
            if row[0] == Op.ADD_PAIR and at == 10:
                wide = self.dice.pick((-1, 0, 2**62))
            row[at] = wide
        elif at == 9:
            row[at] = self.dice.pick((0, 1, 2**64 - 1, 2**63, 2**32 + 1))
        elif at in (7, 8):
            row[at] = self.dice.pick((2**32 - 1, 2**16, 2**24, 9_999))
        elif at != 6:
            row[at] = self.dice.between(0, 255 if self.dice.chance(0.3) else 8)

    def somewhere(self) -> Place:
        """A pair that lives."""
        return self.dice.pick(list(self.places.values()))

    def price(self, place: Place, side: int, reach: int = 3) -> int:
        """A price near the centre: buys mostly below, sells mostly above."""
        away = self.dice.between(-reach, 10)
        ticks = round(place.centre) + (away if side == Side.SELL else -away)
        return max(place.pair.price_ticks_min, min(ticks, place.pair.price_ticks_max))

    def lots(self, place: Place) -> int:
        """Small, but in pairs that take them sometimes as much as there is."""
        most = place.pair.qty_lots_max or 1
        if most > QTY_LOTS_MAX // 2 and self.dice.chance(0.6):
            return self.dice.pick((most, most - 1, most // 3))
        return self.dice.between(1, 30)

    def place(self) -> None:
        """An order, mostly one that the pair's phase takes."""
        dice, place = self.dice, self.somewhere()
        if dice.chance(0.02):
            drift = dice.roll() - 0.5 + (0.1 if place.centre < centre_of(place.pair) else -0.1)
            place.centre = max(place.pair.price_ticks_min, min(place.centre + 4 * drift, place.pair.price_ticks_max))
        kind, side = dice.pick(KINDS), dice.between(0, 1)
        tif = self.time_in_force(place, kind)
        qty_lots = self.lots(place) * (5 if kind == OrderType.ICEBERG and dice.chance(0.7) else 1)
        qty_lots = min(qty_lots, place.pair.qty_lots_max or 1)
        display_lots = 0
        if kind == OrderType.ICEBERG:
            display_lots = dice.between(1, min(qty_lots, 12)) + (qty_lots // 40 if qty_lots > 1000 else 0)
        elif kind not in NOT_IN_AUCTION and tif in (*WAITING, TimeInForce.IOC) and dice.chance(0.15):
            display_lots = dice.between(1, qty_lots) if place.phase == Phase.CONTINUOUS or dice.chance(0.1) else 0
        priceless = kind == OrderType.MARKET_TO_LIMIT or (
            kind in (OrderType.MARKET, OrderType.STOP) and dice.chance(0.6)
        )
        expiry_ns = self.clock_ns + dice.between(1, 60 * SECOND_NS) if tif == TimeInForce.GTD else 0
        flags = (CommandFlag.BY_HANDLE if dice.chance(0.4) else 0) | (
            CommandFlag.REDUCE_ONLY if dice.chance(0.06) else 0
        )
        self.add(
            Op.PLACE,
            side=side,
            kind=kind,
            tif=tif,
            stp=dice.pick(STPS),
            flags=flags,
            pair=place.pair.pair_id,
            account=dice.between(0, self.accounts - 1),
            client_id=dice.between(0, CLIENT_IDS - 1),
            price_ticks=0 if priceless else self.price(place, side),
            qty_lots=qty_lots,
            display_lots=display_lots,
            trigger_ticks=self.price(place, 1 - side, 2) if kind in STOPS else 0,
            expiry_ns=expiry_ns,
        )

    def time_in_force(self, place: Place, kind: int) -> int:
        """One that goes with the order type and the phase, or in a few cases any."""
        if self.dice.chance(0.02):
            return self.dice.pick(list(TimeInForce))
        choices = [*WAITING, TimeInForce.GTC, TimeInForce.GTC]
        if place.phase == Phase.CONTINUOUS:
            if kind not in NOT_IMMEDIATE:
                choices += IMMEDIATE
            if kind not in NOT_IN_AUCTION and self.dice.chance(0.2):
                choices.append(TimeInForce.AT_CLOSE)
        elif kind not in NOT_IN_AUCTION:
            choices.append(TimeInForce.AT_CLOSE if place.closing else TimeInForce.AT_OPEN)
        return self.dice.pick(choices)

    def order(self) -> tuple[int, Known] | None:
        """A live order and its handle, if one is known."""
        if not self.handles:
            return None
        handle = self.dice.pick(self.handles)
        known = self.known.get(handle)
        return None if known is None else (handle, known)

    def change(self, op: Op, **fields: int) -> None:
        """A command about an order that lives, or about one that may."""
        dice, found = self.dice, self.order()
        if found is None or dice.chance(0.04):
            by_handle = dice.chance(0.5)
            name = dice.between(1, 3) << 32 | dice.between(0, 200) if by_handle else dice.between(0, CLIENT_IDS - 1)
            pair, account = self.somewhere().pair.pair_id, dice.between(0, self.accounts - 1)
        else:
            handle, known = found
            by_handle = known.client_id is None or dice.chance(0.4)
            name = handle if by_handle or known.client_id is None else known.client_id
            pair, account = known.pair, known.account
            if dice.chance(0.02):
                account = dice.between(0, self.accounts - 1)
        self.add(
            op, pair=pair, account=account, client_id=name, flags=CommandFlag.BY_HANDLE if by_handle else 0, **fields
        )

    def cancel(self) -> None:
        self.change(Op.CANCEL)

    def reduce(self) -> None:
        self.change(Op.REDUCE, qty_lots=self.dice.between(1, 25))

    def replace(self) -> None:
        dice, found = self.dice, self.order()
        place = self.places.get(found[1].pair) if found else None
        if found is None or place is None:
            self.change(Op.REPLACE, qty_lots=dice.between(1, 30), price_ticks=self.price(self.somewhere(), 0))
            return
        handle, known = found
        keeps_price = known.price_ticks == 0 or dice.chance(0.4)
        price_ticks = known.price_ticks if keeps_price else self.price(place, known.side)
        if known.kind == OrderType.STOP and dice.chance(0.2):
            price_ticks = dice.pick((0, self.price(place, known.side)))
        trigger_ticks = self.price(place, 1 - known.side, 2) if known.trigger_ticks and dice.chance(0.5) else 0
        less = dice.chance(0.5)
        self.add(
            Op.REPLACE,
            pair=known.pair,
            account=known.account,
            client_id=handle,
            flags=CommandFlag.BY_HANDLE,
            qty_lots=max(1, known.qty_lots - dice.between(0, 9)) if less else self.lots(place),
            price_ticks=price_ticks,
            trigger_ticks=trigger_ticks,
        )

    def mass_cancel(self) -> None:
        scope = self.dice.pick((*MassCancelScope, *([MassCancelScope.ACCOUNT_PAIR] * 6)))
        self.add(
            Op.MASS_CANCEL,
            kind=scope,
            account=self.dice.between(0, self.accounts - 1),
            pair=self.somewhere().pair.pair_id,
            client_id=self.dice.between(0, 4),
        )

    def set_phase(self) -> None:
        """Mostly out of phases other than continuous, and mostly with an auction before continuous trading."""
        place = self.somewhere()
        for _ in range(3):
            if place.phase == Phase.CONTINUOUS:
                place = self.somewhere()
        phase = self.dice.pick(NEXT_PHASES[place.phase])
        pair = place.pair.pair_id
        if place.phase in COLLECTING and self.dice.chance(0.85):
            self.add(Op.UNCROSS, pair=pair, client_id=self.dice.between(0, 9))
        place.closing = phase in COLLECTING and self.dice.chance(0.4)
        self.add(Op.SET_PHASE, pair=pair, kind=phase, flags=CommandFlag.CLOSING if place.closing else 0)
        place.phase = phase

    def uncross(self) -> None:
        self.add(Op.UNCROSS, pair=self.somewhere().pair.pair_id, client_id=self.dice.between(0, 9))

    def clock(self) -> None:
        if self.dice.chance(0.03):
            self.add(Op.CLOCK, expiry_ns=max(0, self.clock_ns - self.dice.between(1, SECOND_NS)))
            return
        self.clock_ns += self.dice.between(0, SECOND_NS // 2)
        self.add(Op.CLOCK, expiry_ns=self.clock_ns)

    def set_band(self) -> None:
        place = self.somewhere()
        low_ticks = high_ticks = 0
        if self.dice.chance(0.45):
            centre = round(place.centre)
            low_ticks = max(1, centre - self.dice.between(0, 9))
            high_ticks = min(max(low_ticks, centre + self.dice.between(-1, 9)), PRICE_TICKS_MAX)
            if self.dice.chance(0.05):
                low_ticks, high_ticks = high_ticks, 0
        self.add(Op.SET_BAND, pair=place.pair.pair_id, price_ticks=low_ticks, trigger_ticks=high_ticks)

    def set_limits(self) -> None:
        field_ = self.dice.pick(list(AccountField))
        account = self.dice.between(2, self.accounts + 1)
        self.add(Op.SET_LIMITS, kind=field_, account=account, qty_lots=self.dice.pick(LIMITS[field_]))

    def fund(self) -> None:
        units = self.dice.between(-20_000, 40_000)
        self.add(Op.FUND, account=self.dice.between(0, self.accounts - 1), pair=self.dice.between(0, 5), qty_lots=units)

    def move_reference(self) -> None:
        place = self.somewhere()
        self.add(Op.MOVE_REFERENCE, pair=place.pair.pair_id, price_ticks=self.dice.pick((0, self.price(place, 0))))

    def add_pair(self) -> None:
        """A pair more, of any kind; sometimes one whose id was used."""
        if self.dice.chance(0.3) or not self.adds_pairs:
            pair = pair_to_stream(self.dice.between(0, self.next_pair - 1), self.dice.between(0, 39))
        else:
            pair = pair_to_stream(self.next_pair, self.dice.between(0, 39), self.dice.pick(list(Phase)))
            self.places[pair.pair_id] = Place(pair, pair.phase, centre_of(pair))
            self.next_pair += 1
        names = COMMAND.names or ()
        fields = dict(zip(names, build.add_pair(pair)[0].tolist(), strict=True))
        del fields["spare"]
        self.add(**fields)

    def retire_pair(self) -> None:
        """Only where more pairs live than at first, so that orders still meet."""
        if self.adds_pairs and len(self.places) > len(self.pairs):
            self.add(Op.RETIRE_PAIR, pair=self.somewhere().pair.pair_id)

    def adjust_pair(self) -> None:
        """A ratio that leads the centre back towards the middle of the range, or the end of all orders."""
        place, dice = self.somewhere(), self.dice
        if dice.chance(0.1):
            self.add(Op.ADJUST_PAIR, pair=place.pair.pair_id, kind=AdjustMode.CANCEL)
            return
        up, down = dice.pick(((2, 1), (3, 2), (10, 1), (1, 1), (1, 1), (5, 4)))
        if place.centre > centre_of(place.pair):
            up, down = down, up
        centre = place.centre * up / down
        place.centre = max(place.pair.price_ticks_min, min(centre, place.pair.price_ticks_max))
        self.add(Op.ADJUST_PAIR, pair=place.pair.pair_id, kind=AdjustMode.REPRICE, qty_lots=up, display_lots=down)

    def reset_protection(self) -> None:
        """Of an account that was refused for it, if one is known."""
        account, pair = self.dice.between(0, self.accounts - 1), self.somewhere().pair.pair_id
        if self.protected:
            account, pair = self.dice.pick(list(self.protected))
            self.protected.pop((account, pair))
        self.add(Op.RESET_PROTECTION, pair=pair, account=account)


def centre_of(pair: Pair) -> int:
    """Where a pair begins to trade: the middle of its range, or 1,000 where that is far away."""
    return min((pair.price_ticks_min + pair.price_ticks_max) // 2, 1_000)


def stream(
    seed: int, count: int, *, pairs: Sequence[Pair] | None = None, accounts: int = ACCOUNTS, absurd: float = 0.03
) -> Commands:
    """Commands without a book to read: set-up, then `count` or a few more. Orders that live are only guessed."""
    driver = Driver(seed, pairs or pairs_to_stream(), accounts, absurd)
    return np.concatenate([driver.set_up(), driver.chunk(count)])
