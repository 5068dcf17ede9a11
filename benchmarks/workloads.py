"""The flows of `benchmarks.flow` as commands for a book: accounts, limits and backing let every one of them pass.

Every order takes part in all account checks: finite limits, a collar around the last price, a position limit, funded
backing, a group of its own and self-trade prevention. An account only buys or only sells, so that prevention is checked
at each maker and never acts: every engine, also one without accounts, sees the same trades.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import flow
from benchmarks.flow import KINDS, Flow, Kind, Tally
from openoutcry.domain import AccountField, CommandFlag, Op, OrderType, Pair, SelfTrade, TimeInForce
from openoutcry.domain.records import COMMAND, Commands

CACHE: Final = Path(__file__).resolve().parent.parent / ".benchmarks" / "workloads"
"""Where generated flows are kept: drawing one takes 3 to 5 s. Not part of the repository."""

MESSAGES: Final = 1_000_000
ACCOUNTS: Final = 1000
ACCOUNT_SEED: Final = 7
QUOTE: Final = 0
"""Instrument in which every pair is priced; the base instrument of pair n is n + 1."""

PRICE_TICKS_RANGE: Final = {"A": (1, 65_535), "B": (1, 2**24 - 1), "C": (8_192, 12_287)}
FLOW_VERSION: Final = 2
"""Part of a cached file's name: raise it when the same seed draws other rows."""

LIMITS: Final = (
    (AccountField.OPEN_ORDERS_MAX, 2**30),
    (AccountField.ORDER_LOTS_MAX, 2**30),
    (AccountField.NOTIONAL_MAX, 2**54),
    (AccountField.COLLAR_TICKS, 2**24),
    (AccountField.POSITION_LOTS_MAX, 2**50),
    (AccountField.BACKED, 1),
)
"""Finite, so that each is compared, and so wide that none refuses an order."""

FUNDED_UNITS: Final = 2**58
"""Backing of each account in each instrument that it needs; B, the largest, draws less than 2^50 of it."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What to open a book with, and the commands to apply: `setup`, `prefill` (neither timed), then `timed`."""

    name: str
    seed: int
    handles: bool
    pairs: tuple[Pair, ...]
    accounts: int
    capacity: int
    prefetch: bool
    """Whether the books ask for memory ahead of commands: on for B and C, whose orders do not fit the cache."""
    setup: Commands
    prefill: Commands
    timed: Commands
    flow: Flow

    @property
    def expected(self) -> Tally:
        """What the timed part trades, by the flow's own book."""
        return self.flow.timed_tally


def load(
    name: str,
    *,
    handles: bool = False,
    messages: int = MESSAGES,
    seed: int | None = None,
    kind: Kind | None = None,
    cache: Path | None = CACHE,
) -> Workload:
    """Return workload A, B or C.

    handles: orders are placed BY_HANDLE, and cancels and replaces name the engine's handle; else the client id.
    messages: of the timed part, which has some more commands (see `flow.generate`). seed: that of the published
    figures, unless given. kind: another market in place of the named one, with its price range. cache: folder for
    drawn flows; None draws anew (3 to 5 microseconds a message).
    """
    market = KINDS[name] if kind is None else kind
    drawn_seed = market.seed if seed is None else seed
    rows = _cached(market, messages, drawn_seed, cache)
    low, high = PRICE_TICKS_RANGE[name]
    pairs = tuple(
        Pair(
            number,
            base=number + 1,
            quote=QUOTE,
            price_ticks_min=low,
            price_ticks_max=high,
            reference_ticks=market.middle_ticks,
        )
        for number in range(market.books)
    )
    resting_max = max(rows.prefill_tally.resting_max, rows.timed_tally.resting_max)
    return Workload(
        name=name,
        seed=drawn_seed,
        handles=handles,
        pairs=pairs,
        accounts=ACCOUNTS,
        capacity=1 << (resting_max + resting_max // 8).bit_length(),
        prefetch=name != "A",
        setup=_setup(market),
        prefill=_commands(rows.prefill, handles),
        timed=_commands(rows.timed, handles),
        flow=rows,
    )


def accounts_of(orders: NDArray[np.uint32], sides: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Draw the account of each order number: an even one for buys, an odd one for sells, otherwise uniform."""
    drawn = np.random.default_rng(ACCOUNT_SEED).integers(0, ACCOUNTS // 2, int(orders.max(initial=0)) + 1)
    return (2 * drawn[orders] + sides).astype(np.uint32)


def _commands(rows: NDArray[np.void], handles: bool) -> Commands:
    ops = np.array([Op.PLACE, Op.CANCEL, Op.REPLACE], np.uint8)
    commands = np.zeros(rows.size, COMMAND)
    commands["op"] = ops[rows["op"]]
    commands["side"] = rows["side"]
    commands["kind"] = OrderType.LIMIT
    commands["tif"] = TimeInForce.GTC
    commands["stp"] = SelfTrade.CANCEL_OLDEST
    commands["pair"] = rows["book"]
    commands["account"] = accounts_of(rows["order"], rows["side"])
    commands["client_id"] = rows["order"]
    commands["price_ticks"] = rows["price_ticks"]
    commands["qty_lots"] = rows["qty_lots"]
    if handles:
        named = rows["op"] != flow.PLACE
        commands["client_id"][named] = rows["handle"][named]
        commands["flags"] = CommandFlag.BY_HANDLE
    return commands


def _setup(market: Kind) -> Commands:
    """Set every limit of every account and fund it: buyers in the quote instrument, sellers in each base instrument."""
    everyone = np.arange(ACCOUNTS, dtype=np.uint32)
    buyers, sellers = everyone[0::2], everyone[1::2]
    limits = np.zeros((len(LIMITS), ACCOUNTS), COMMAND)
    limits["op"] = Op.SET_LIMITS
    limits["account"] = everyone
    limits["kind"] = np.array([field for field, _ in LIMITS])[:, None]
    limits["qty_lots"] = np.array([value for _, value in LIMITS])[:, None]
    funds = np.zeros(buyers.size + market.books * sellers.size, COMMAND)
    funds["op"] = Op.FUND
    funds["account"] = np.concatenate([buyers, np.tile(sellers, market.books)])
    funds["pair"][buyers.size :] = np.repeat(np.arange(1, market.books + 1), sellers.size)
    funds["qty_lots"] = FUNDED_UNITS
    return np.concatenate([limits.ravel(), funds])


def _cached(market: Kind, messages: int, seed: int, cache: Path | None) -> Flow:
    if cache is None:
        return flow.generate(market, messages=messages, seed=seed)
    shape = f"{market.name}-{market.books}x{market.resting}-{messages}-seed{seed}-v{FLOW_VERSION}"
    path = cache / f"{shape}.npz"
    if not path.exists():
        drawn = flow.generate(market, messages=messages, seed=seed)
        tallies = json.dumps([asdict(drawn.prefill_tally), asdict(drawn.timed_tally)])
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished.npz")
        np.savez(unfinished, prefill=drawn.prefill, timed=drawn.timed, tallies=np.array(tallies))
        unfinished.replace(path)
        return drawn
    with np.load(path) as stored:
        first, second = json.loads(str(stored["tallies"]))
        return Flow(stored["prefill"], stored["timed"], Tally(**first), Tally(**second))
