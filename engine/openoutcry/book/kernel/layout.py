"""Where everything lies: the records of the pools, the words of the header, and their offsets as constants.

Offsets are taken from the dtypes, so numpy views (snapshots, queries) and kernels (addresses) cannot disagree. Numba
freezes module constants into the compiled code. A picture is in docs/explanation/kernel.md.
"""

from typing import Final

import numpy as np

from openoutcry.domain.records import COMMAND

ORDER: Final = np.dtype(
    [
        ("next", "<u4"),  # towards the back of its level; free slots: the next free slot
        ("prev", "<u4"),
        ("older", "<u4"),  # among the orders of its account and pair
        ("newer", "<u4"),
        ("position", "<u4"),
        ("price", "<u4"),  # its limit, ticks
        ("bits", "<u4"),
        ("generation", "<u4"),
        ("displayed", "<i8"),
        ("reserve", "<i8"),
        ("original", "<i8"),
        ("client_id", "<u8"),
    ]
)
"""One cache line. `price` is below 2^28, see PRICE_TICKS_MAX. A taker's leaves are its `displayed`."""
ORDER_MORE: Final = np.dtype([("peak", "<i8"), ("expiry", "<i8"), ("trigger", "<i8"), ("spare", "<i8")])
"""What few orders have; valid where the type or time in force says so, untouched memory otherwise."""
LEVEL: Final = np.dtype([("head", "<u4"), ("tail", "<u4"), ("lots", "<i8")])
PAIR: Final = np.dtype(
    [
        ("best", "<i8", (6,)),  # per ladder; NO_LOW or NO_HIGH when empty
        ("last", "<i8"),
        ("known", "u1"),  # 1 added, 2 retired
        ("phase", "u1"),
        ("closing", "u1"),
        ("allocation", "u1"),
        ("iceberg_rule", "u1"),
        ("auction_rule", "u1"),
        ("pro_rata_top", "u1"),
        ("hashed", "u1"),
        ("open_lots", "<i8"),
        ("ladder_at", "<i8"),  # bitmap index of price 0 of ladder 0
        ("level_shift", "<i8"),  # direct ladders: index of a level less its bitmap index
        ("stride", "<i8"),  # ticks from one ladder of this pair to the next
        ("price_min", "<i8"),
        ("price_max", "<i8"),
        ("qty_max", "<i8"),
        ("base", "<u4"),
        ("quote", "<u4"),
        ("band_low", "<i8"),
        ("band_high", "<i8"),
        ("reference", "<i8"),
        ("pro_rata_minimum", "<i8"),
        ("top", "<u8", (2,)),
        ("single", LEVEL, (4,)),  # MARKET_BID, MARKET_ASK, ELECTED, PARKED
        ("spare", "<i8", (2,)),
    ]
)
"""The first two cache lines hold what every order needs, the others what trades, auctions and operators need."""
ACCOUNT: Final = np.dtype(
    [
        ("open_orders", "<u4"),
        ("open_orders_max", "<u4"),
        ("group", "<u4"),
        ("flags", "<u4"),
        ("order_lots_max", "<i8"),
        ("notional_max", "<i8"),
        ("collar", "<i8"),
        ("position_max", "<i8"),
        ("protect_interval", "<i8"),
        ("broker", "<u4"),
        ("session", "<u4"),
    ]
)
ACCOUNT_MORE: Final = np.dtype(
    [("protect_lots", "<i8"), ("protect_delta", "<i8"), ("protect_fills", "<i8"), ("spare", "<i8")]
)
POSITION: Final = np.dtype(
    [
        ("account", "<u4"),
        ("pair", "<u4"),
        ("base_backing", "<u4"),
        ("quote_backing", "<u4"),
        ("net", "<i8"),
        ("open_buy", "<i8"),
        ("open_sell", "<i8"),
        ("newest", "<u4"),
        ("tripped", "<u4"),
        ("next_trip", "<u4"),
        ("used", "<u4"),
        ("spare", "<i8"),
    ]
)
POSITION_MORE: Final = np.dtype(
    [("window_begin", "<i8"), ("window_lots", "<i8"), ("window_net", "<i8"), ("window_fills", "<i8")]
)
BACKING: Final = np.dtype([("key", "<i8"), ("available", "<i8"), ("drawn", "<i8"), ("spent", "<i8")])
"""`key`: account << 32 | instrument, plus 1; 0 in a free record, since the records are a hash table of their own."""
EXPIRY: Final = np.dtype([("expiry", "<i8"), ("slot", "<u4"), ("generation", "<u4")])
ENTRY: Final = np.dtype([("reference", "<u4"), ("tag", "<u4")])
"""One place of a hash index: what it points to (0: free place) and the 32-bit hash of its key."""

assert ORDER.itemsize == 64 and ACCOUNT.itemsize == 64 and POSITION.itemsize == 64
assert ORDER_MORE.itemsize == 32 and LEVEL.itemsize == 16 and BACKING.itemsize == 32
assert PAIR.itemsize == 256 and ENTRY.itemsize == 8 and EXPIRY.itemsize == 16
assert ACCOUNT_MORE.itemsize == 32 and POSITION_MORE.itemsize == 32


def _at(dtype: np.dtype[np.void], field: str) -> int:
    fields = dtype.fields
    assert fields is not None
    return int(fields[field][1])


# order
NEXT: Final = _at(ORDER, "next")
PREV: Final = _at(ORDER, "prev")
OLDER: Final = _at(ORDER, "older")
NEWER: Final = _at(ORDER, "newer")
POS: Final = _at(ORDER, "position")
PRICE: Final = _at(ORDER, "price")
BITS: Final = _at(ORDER, "bits")
GENERATION: Final = _at(ORDER, "generation")
DISPLAYED: Final = _at(ORDER, "displayed")
RESERVE: Final = _at(ORDER, "reserve")
ORIGINAL: Final = _at(ORDER, "original")
CLIENT_ID: Final = _at(ORDER, "client_id")
PEAK: Final = _at(ORDER_MORE, "peak")
EXPIRES: Final = _at(ORDER_MORE, "expiry")
TRIGGER: Final = _at(ORDER_MORE, "trigger")
# bits of an order: side 0, queue 1-4, kind 5-8, tif 9-11, stp 12-14, flags 16-19 (OrderFlag), live 20
QUEUE_SHIFT: Final = 1
KIND_SHIFT: Final = 5
TIF_SHIFT: Final = 9
STP_SHIFT: Final = 12
QUEUE_MASK: Final = 15 << QUEUE_SHIFT
NO_CLIENT_ID_BIT: Final = 1 << 16
REDUCE_ONLY_BIT: Final = 2 << 16
BACKED_BIT: Final = 4 << 16
PRICED_BIT: Final = 8 << 16
LIVE_BIT: Final = 1 << 20
FILLED_BIT: Final = 1 << 21
"""Set on a market-to-limit order that the running auction has filled in part."""
# level
HEAD: Final = _at(LEVEL, "head")
TAIL: Final = _at(LEVEL, "tail")
LOTS: Final = _at(LEVEL, "lots")
# pair
BEST: Final = _at(PAIR, "best")
LAST: Final = _at(PAIR, "last")
OPEN_LOTS: Final = _at(PAIR, "open_lots")
LADDER_AT: Final = _at(PAIR, "ladder_at")
LEVEL_SHIFT: Final = _at(PAIR, "level_shift")
STRIDE: Final = _at(PAIR, "stride")
PRICE_MIN: Final = _at(PAIR, "price_min")
PRICE_MAX: Final = _at(PAIR, "price_max")
QTY_MAX: Final = _at(PAIR, "qty_max")
BAND_LOW: Final = _at(PAIR, "band_low")
BAND_HIGH: Final = _at(PAIR, "band_high")
KNOWN: Final = _at(PAIR, "known")
PHASE: Final = _at(PAIR, "phase")
CLOSING: Final = _at(PAIR, "closing")
ALLOCATION: Final = _at(PAIR, "allocation")
ICEBERG_RULE: Final = _at(PAIR, "iceberg_rule")
AUCTION_RULE: Final = _at(PAIR, "auction_rule")
PRO_RATA_TOP: Final = _at(PAIR, "pro_rata_top")
IS_HASHED: Final = _at(PAIR, "hashed")
BASE: Final = _at(PAIR, "base")
QUOTE: Final = _at(PAIR, "quote")
REFERENCE: Final = _at(PAIR, "reference")
PRO_RATA_MINIMUM: Final = _at(PAIR, "pro_rata_minimum")
TOP: Final = _at(PAIR, "top")
SINGLE: Final = _at(PAIR, "single")
# account
OPEN_ORDERS: Final = _at(ACCOUNT, "open_orders")
OPEN_ORDERS_MAX: Final = _at(ACCOUNT, "open_orders_max")
GROUP: Final = _at(ACCOUNT, "group")
ACCOUNT_FLAGS: Final = _at(ACCOUNT, "flags")
ORDER_LOTS_MAX: Final = _at(ACCOUNT, "order_lots_max")
ACCOUNT_NOTIONAL_MAX: Final = _at(ACCOUNT, "notional_max")
COLLAR: Final = _at(ACCOUNT, "collar")
POSITION_MAX: Final = _at(ACCOUNT, "position_max")
PROTECT_INTERVAL: Final = _at(ACCOUNT, "protect_interval")
BROKER: Final = _at(ACCOUNT, "broker")
SESSION: Final = _at(ACCOUNT, "session")
PROTECT_LOTS: Final = _at(ACCOUNT_MORE, "protect_lots")
PROTECT_DELTA: Final = _at(ACCOUNT_MORE, "protect_delta")
PROTECT_FILLS: Final = _at(ACCOUNT_MORE, "protect_fills")
ACCOUNT_OPEN: Final = 1
ACCOUNT_BACKED: Final = 2
# position
ACCOUNT_ID: Final = _at(POSITION, "account")
PAIR_ID: Final = _at(POSITION, "pair")
BASE_BACKING: Final = _at(POSITION, "base_backing")
QUOTE_BACKING: Final = _at(POSITION, "quote_backing")
NET: Final = _at(POSITION, "net")
OPEN_BUY: Final = _at(POSITION, "open_buy")
OPEN_SELL: Final = _at(POSITION, "open_sell")
NEWEST: Final = _at(POSITION, "newest")
TRIPPED: Final = _at(POSITION, "tripped")
USED: Final = _at(POSITION, "used")
NEXT_TRIP: Final = _at(POSITION, "next_trip")
WINDOW_BEGIN: Final = _at(POSITION_MORE, "window_begin")
WINDOW_LOTS: Final = _at(POSITION_MORE, "window_lots")
WINDOW_NET: Final = _at(POSITION_MORE, "window_net")
WINDOW_FILLS: Final = _at(POSITION_MORE, "window_fills")
# backing
AVAILABLE: Final = _at(BACKING, "available")
DRAWN: Final = _at(BACKING, "drawn")
SPENT: Final = _at(BACKING, "spent")

NO_LOW: Final = -1
"""Best price of an empty ladder whose best is the highest."""
NO_HIGH: Final = 1 << 40
"""Best price of an empty ladder whose best is the lowest."""
M32: Final = 0xFFFFFFFF

# Ladders of a pair and the queues that they hold; the other queues are the PAIR's `single` levels.
LADDERS: Final = 6
LADDER_STOP_BUY: Final = 4
LADDER_STOP_SELL: Final = 5

_WORDS: Final = (
    "orders more levels level_keys hashed_levels level_mask bits0 bits1 bits2 bits3 pairs pair_count "
    "accounts accounts_more account_count account_capacity positions positions_more position_count "
    "position_mask backings backing_count backing_mask "
    "id_index id_mask expiries expiry_count expiry_capacity "
    "free high capacity live sequence clock room seed "
    "event event_end events need taker stage atomic owed trip_first trip_last "
    "command command_end resume op_stage prefetch scratch"
).split()
HEADER_WORDS: Final = 64
assert len(_WORDS) <= HEADER_WORDS
HEADER: Final = {name: index for index, name in enumerate(_WORDS)}
"""Index of each int64 word of the header."""

# Byte offsets of the header's words.
ORDERS: Final = 8 * HEADER["orders"]
MORE: Final = 8 * HEADER["more"]
LEVELS: Final = 8 * HEADER["levels"]
LEVEL_KEYS: Final = 8 * HEADER["level_keys"]
HASHED_LEVELS: Final = 8 * HEADER["hashed_levels"]
LEVEL_MASK: Final = 8 * HEADER["level_mask"]
BITS0: Final = 8 * HEADER["bits0"]
BITS1: Final = 8 * HEADER["bits1"]
BITS2: Final = 8 * HEADER["bits2"]
BITS3: Final = 8 * HEADER["bits3"]
PAIRS: Final = 8 * HEADER["pairs"]
PAIR_COUNT: Final = 8 * HEADER["pair_count"]
ACCOUNTS: Final = 8 * HEADER["accounts"]
ACCOUNTS_MORE: Final = 8 * HEADER["accounts_more"]
ACCOUNT_CAPACITY: Final = 8 * HEADER["account_capacity"]
ACCOUNT_COUNT: Final = 8 * HEADER["account_count"]
POSITIONS_AT: Final = 8 * HEADER["positions"]
POSITIONS_MORE: Final = 8 * HEADER["positions_more"]
POSITION_COUNT: Final = 8 * HEADER["position_count"]
POSITION_MASK: Final = 8 * HEADER["position_mask"]
BACKINGS: Final = 8 * HEADER["backings"]
BACKING_COUNT: Final = 8 * HEADER["backing_count"]
BACKING_MASK: Final = 8 * HEADER["backing_mask"]
ID_INDEX: Final = 8 * HEADER["id_index"]
ID_MASK: Final = 8 * HEADER["id_mask"]
EXPIRIES: Final = 8 * HEADER["expiries"]
EXPIRY_COUNT: Final = 8 * HEADER["expiry_count"]
EXPIRY_CAPACITY: Final = 8 * HEADER["expiry_capacity"]
FREE: Final = 8 * HEADER["free"]
HIGH: Final = 8 * HEADER["high"]
CAPACITY: Final = 8 * HEADER["capacity"]
LIVE: Final = 8 * HEADER["live"]
SEQUENCE: Final = 8 * HEADER["sequence"]
CLOCK: Final = 8 * HEADER["clock"]
ROOM: Final = 8 * HEADER["room"]
SEED: Final = 8 * HEADER["seed"]
EVENT_AT: Final = 8 * HEADER["event"]
EVENT_END: Final = 8 * HEADER["event_end"]
EVENTS_AT: Final = 8 * HEADER["events"]
NEED: Final = 8 * HEADER["need"]
TAKER: Final = 8 * HEADER["taker"]
STAGE: Final = 8 * HEADER["stage"]
ATOMIC: Final = 8 * HEADER["atomic"]
OWED: Final = 8 * HEADER["owed"]
TRIP_FIRST: Final = 8 * HEADER["trip_first"]
TRIP_LAST: Final = 8 * HEADER["trip_last"]
COMMAND_AT: Final = 8 * HEADER["command"]
COMMAND_END: Final = 8 * HEADER["command_end"]
RESUME: Final = 8 * HEADER["resume"]
OP_STAGE: Final = 8 * HEADER["op_stage"]
PREFETCH: Final = 8 * HEADER["prefetch"]
SCRATCH: Final = 8 * HEADER["scratch"]

# What a kernel returns to `Books`.
DONE: Final = 0
NEED_EVENTS: Final = 1
NEED_ROOM: Final = 2
NEED_MEMORY: Final = 3

EVENTS_PER_STEP: Final = 16
"""Events that one step (a command without its matching, one maker met) can emit at most, with a margin."""

# command
C_PAIR: Final = _at(COMMAND, "pair")
C_ACCOUNT: Final = _at(COMMAND, "account")
C_CLIENT_ID: Final = _at(COMMAND, "client_id")
C_PRICE: Final = _at(COMMAND, "price_ticks")
C_QTY: Final = _at(COMMAND, "qty_lots")
C_DISPLAY: Final = _at(COMMAND, "display_lots")
C_TRIGGER: Final = _at(COMMAND, "trigger_ticks")
C_EXPIRY: Final = _at(COMMAND, "expiry_ns")
