"""A pair: a base instrument priced in a quote instrument, with ticks, lots and rules of its own."""

from dataclasses import dataclass
from enum import IntEnum

from openoutcry.domain.limits import INSTRUMENTS_MAX, NOTIONAL_MAX, PAIRS_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX


class Phase(IntEnum):
    """Phase of a pair; what each takes is a table in docs/reference/rules.md."""

    CLOSED = 0
    PRE_OPEN = 1
    AUCTION = 2
    CONTINUOUS = 3
    HALTED = 4


class Allocation(IntEnum):
    """Who at one price is filled first."""

    PRICE_TIME = 0
    PRICE_SIZE_TIME = 1
    PRO_RATA = 2
    BROKER_PRICE_TIME = 3


class IcebergRule(IntEnum):
    """How the undisplayed part of an iceberg trades."""

    PEAK_ROTATION = 0
    DISPLAYED_FIRST = 1


class AuctionRule(IntEnum):
    """Named variant of the uniform-price auction; what each means is in docs/reference/auctions.md."""

    XETRA_EQUITIES = 0
    XETRA_CONTINUOUS_AUCTION = 1
    OKC_BINANCE_DEX = 2
    LSE_SETS = 3
    EURONEXT = 4
    NSE = 5
    HKEX = 6
    SGX = 7
    ASX = 8
    VOLUME_ONLY = 9


class Ladder(IntEnum):
    """How the kernel finds a price level: an array with a place for every tick, or a hash of the levels in use."""

    DIRECT = 0
    HASHED = 1


LADDER_DIRECT_TICKS_MAX = 1 << 17
"""Up to this many ticks a direct ladder stays in the cache near the best price (2 MiB a side, touched where used)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What ADD_PAIR fixes for the life of a pair. Prices in ticks, quantities in lots, all int.

    pair_id: 0 to PAIRS_MAX - 1, never reused. base, quote: instrument indices inside this `Books`; backing is kept
    per account and instrument. qty_lots_max: largest order; None takes the most that the notional bound allows.
    pro_rata_minimum_lots: a pro-rata share below it becomes 0 (CME allocation A: 2). pro_rata_top: the order that
    bettered the market is filled first. ladder: None lets the price range decide.
    Raises ValueError, naming the field, when a value is out of range.

    >>> Pair(0, price_ticks_max=1000).qty_lots_max > 10**15
    True
    """

    pair_id: int
    base: int = 1
    quote: int = 0
    price_ticks_min: int = 1
    price_ticks_max: int = 65_535
    qty_lots_max: int | None = None
    phase: Phase = Phase.CONTINUOUS
    allocation: Allocation = Allocation.PRICE_TIME
    iceberg_rule: IcebergRule = IcebergRule.PEAK_ROTATION
    auction_rule: AuctionRule = AuctionRule.EURONEXT
    pro_rata_minimum_lots: int = 1
    pro_rata_top: bool = False
    reference_ticks: int = 0
    ladder: Ladder | None = None

    def __post_init__(self) -> None:
        if self.qty_lots_max is None:
            most = NOTIONAL_MAX // max(1, self.price_ticks_max)
            object.__setattr__(self, "qty_lots_max", min(QTY_LOTS_MAX, most))
        if self.ladder is None:
            ticks = self.price_ticks_max - self.price_ticks_min + 1
            kind = Ladder.DIRECT if ticks <= LADDER_DIRECT_TICKS_MAX else Ladder.HASHED
            object.__setattr__(self, "ladder", kind)
        fault = self.fault()
        if fault is not None:
            raise ValueError(f"pair {self.pair_id}: {fault}")

    def fault(self) -> str | None:
        """Say what is out of range (field, value, what was expected), or None."""
        lots = self.qty_lots_max
        assert lots is not None
        checks = (
            ("pair_id", self.pair_id, 0, PAIRS_MAX - 1),
            ("base", self.base, 0, INSTRUMENTS_MAX - 1),
            ("quote", self.quote, 0, INSTRUMENTS_MAX - 1),
            ("price_ticks_max", self.price_ticks_max, 1, PRICE_TICKS_MAX),
            ("price_ticks_min", self.price_ticks_min, 1, self.price_ticks_max),
            ("qty_lots_max", lots, 1, min(QTY_LOTS_MAX, NOTIONAL_MAX // max(1, self.price_ticks_max))),
            ("pro_rata_minimum_lots", self.pro_rata_minimum_lots, 1, QTY_LOTS_MAX),
            ("reference_ticks", self.reference_ticks, 0, PRICE_TICKS_MAX),
        )
        for name, value, low, high in checks:
            if not low <= value <= high:
                return f"{name} is {value}, expected {low} to {high}"
        if self.base == self.quote:
            return f"base and quote are both {self.base}, expected two instruments"
        by_level = (Allocation.PRICE_TIME, Allocation.PRICE_SIZE_TIME)
        if self.iceberg_rule == IcebergRule.DISPLAYED_FIRST and self.allocation not in by_level:
            return f"iceberg_rule is DISPLAYED_FIRST, expected PEAK_ROTATION with {self.allocation.name}"
        return None
