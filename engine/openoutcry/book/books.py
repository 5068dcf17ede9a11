"""The fast books: `Books`, the kernels' memory behind the interface that the plain books have too.

Importing this module loads numba (half a second); the kernels are compiled once per version and then loaded from disk.
"""

import ctypes
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openoutcry.book.depth import DEPTH, Depth
from openoutcry.book.invariants import check_invariants
from openoutcry.book.kernel.layout import DONE, NEED_EVENTS, NEED_ROOM
from openoutcry.book.kernel.operating import indicate
from openoutcry.book.kernel.running import ARRAY_DATA, run
from openoutcry.book.kernel.surveying import find_backing, find_position, list_depth, list_pair
from openoutcry.book.pair_command import pair_from_fields
from openoutcry.book.snapshots import order_records, restore_storage, state_of
from openoutcry.book.state import State
from openoutcry.book.storage import HASH_SEED, POSITIONS_FIRST, POSITIONS_HINT_MAX, Storage, check_capacity
from openoutcry.domain.event import EventKind
from openoutcry.domain.ids import generation_of, slot_of
from openoutcry.domain.limits import ACCOUNTS_MAX, BATCH_COMMANDS_MAX, ORDERS_MAX
from openoutcry.domain.order import Op
from openoutcry.domain.pair import Ladder, Pair, Phase
from openoutcry.domain.records import COMMAND, EVENT, Commands, Events
from openoutcry.domain.rejects import RejectCode

CODE = 7
"""The bits of a kernel's answer that are a code; the others count events."""

_probe = np.zeros(1, dtype=COMMAND)
if ctypes.c_size_t.from_address(id(_probe) + ARRAY_DATA).value != _probe.ctypes.data:
    raise ImportError("this numpy keeps an array's data pointer elsewhere: openoutcry needs CPython's numpy 2")


class Books:
    """Order books of any number of pairs, with the accounts that trade on them.

    A pure function (state, commands) -> events: same commands, same events and same `state_hash`, on any split of the
    stream into batches, after any `snapshot` and `restore`, and in `ReferenceBooks`. Rules: docs/reference/rules.md.

    pairs: added before the first command. accounts: accounts 0 to accounts - 1 are open, without limits. capacity:
    orders to make room for at first; doubled between two commands when it is short, up to capacity_max; an order that
    finds no room then is rejected (CAPACITY). prefetch: ask for memory ahead of the commands; costs a tenth on one
    dense book and saves a third on many or sparse ones; None lets the pairs decide. hash_seed: of the index of client
    ids and the tables of positions and backings; changes speed only.
    Raises ValueError for impossible arguments. Not thread-safe.

    >>> from openoutcry.book import commands
    >>> books = Books([Pair(0)], accounts=2)
    >>> _ = books.apply(commands.place(0, 0, client_id=1, side=1, price_ticks=100, qty_lots=5))
    >>> events = books.apply(commands.place(0, 1, client_id=2, side=0, price_ticks=101, qty_lots=3))
    >>> [(EventKind(e["kind"]).name, int(e["price_ticks"]), int(e["qty_lots"])) for e in events]
    [('ACCEPTED', 101, 3), ('TRADED', 100, 3)]
    """

    def __init__(
        self,
        pairs: Iterable[Pair] = (),
        *,
        accounts: int = 1,
        capacity: int = 65_536,
        capacity_max: int = ORDERS_MAX,
        prefetch: bool | None = None,
        hash_seed: int = HASH_SEED,
    ) -> None:
        check_capacity(capacity, capacity_max)
        if not 0 <= accounts <= ACCOUNTS_MAX:
            raise ValueError(f"accounts is {accounts}, expected 0 to {ACCOUNTS_MAX}")
        pairs = list(pairs)
        positions = min(max(accounts * len(pairs), POSITIONS_FIRST), POSITIONS_HINT_MAX)
        self._storage = Storage(min(capacity, capacity_max), capacity_max, accounts, hash_seed, positions)
        self._pairs: dict[int, Pair] = {}
        self._address = self._storage.address
        if accounts:
            self._open_accounts(accounts)
        first: list[Pair] = []
        for pair in pairs:
            if pair.pair_id in self._pairs:
                raise ValueError(f"pair {pair.pair_id} is given twice")
            if not self._storage.has_room_for(pair):
                raise ValueError(f"pair {pair.pair_id}: no room for its ladders")
            self._pairs[pair.pair_id] = pair
            first.append(pair)
        self._storage.add_pairs(first)
        self._prefetch = prefetch
        self._choose_prefetch()
        self._storage.make_room()

    def _choose_prefetch(self) -> None:
        """Look ahead where the books do not fit the cache: on several pairs, or one whose ladder is hashed."""
        pairs = self._pairs.values()
        wanted = self._prefetch
        if wanted is None:
            wanted = len(pairs) > 1 or any(pair.ladder == Ladder.HASHED for pair in pairs)
        self._storage.set_word("prefetch", int(wanted))

    def _open_accounts(self, count: int) -> None:
        rows = self._storage.table("accounts")[:count]
        rows["open_orders_max"] = 2**32 - 1
        rows["group"] = np.arange(1, count + 1)
        rows["flags"] = 1
        rows["order_lots_max"] = 2**56 - 1
        rows["notional_max"] = 2**62 - 1
        rows["position_max"] = 2**62 - 1
        self._storage.set_word("account_count", count)

    # -- commands ------------------------------------------------------------------------------------------------

    def apply(self, commands: Commands) -> Events:
        """Carry out commands in order and return what happened.

        commands: (n,) COMMAND, contiguous or not, n up to BATCH_COMMANDS_MAX; only read. Returns (m,) EVENT, a view of
        a buffer that the next call overwrites: copy what must last. A bad command is a REJECTED event and changes
        nothing; only what is no array of COMMAND raises (TypeError for the dtype, ValueError for shape or length).
        Cost: half a microsecond a call and 30 to 150 nanoseconds a command.
        """
        if commands.dtype != COMMAND:
            raise TypeError(f"commands have dtype {commands.dtype}, expected COMMAND ({COMMAND.itemsize} bytes)")
        if commands.ndim != 1:
            raise ValueError(f"commands have {commands.ndim} dimensions, expected 1")
        count = len(commands)
        if count > BATCH_COMMANDS_MAX:
            raise ValueError(f"{count} commands in one batch, expected at most {BATCH_COMMANDS_MAX}")
        if not commands.flags.c_contiguous:
            commands = np.ascontiguousarray(commands)
        answer: int = run(self._address, id(commands), count)
        if answer & CODE:
            answer = self._see_to(answer, commands)
        return self._storage.events[: answer >> 3]

    def _see_to(self, answer: int, commands: Commands) -> int:
        """Meet the kernel's needs until the batch is done; return its last answer."""
        storage = self._storage
        while (code := answer & CODE) != DONE:
            if code == NEED_EVENTS:
                storage.grow_events(storage.word("need"))
            elif code == NEED_ROOM:
                storage.make_room()
            else:
                left = (storage.word("command_end") - storage.word("command")) // COMMAND.itemsize
                self._make_memory(commands[len(commands) - left])
            answer = run(self._address, 0, 0)
        return answer

    def _make_memory(self, command: np.void) -> None:
        """Make room for what a command adds; a new pair is all memory, so ADD_PAIR is carried out here."""
        op = int(command["op"])
        if op == Op.ADD_PAIR:
            self._add_pair(command)
        elif op == Op.SET_LIMITS:
            self._storage.make_accounts(int(command["account"]) + 1)
        else:
            self._storage.make_backing_room()

    def _add_pair(self, command: np.void) -> None:
        storage = self._storage
        names = COMMAND.names
        assert names is not None
        fields: dict[str, Any] = {name: int(command[name]) for name in names if name not in ("op", "spare")}
        pair = pair_from_fields(**fields)
        code = pair if isinstance(pair, RejectCode) else 0
        if isinstance(pair, Pair):
            if pair.pair_id in self._pairs:
                code = RejectCode.DUPLICATE_ID
            elif not storage.has_room_for(pair):
                code = RejectCode.CAPACITY
            else:
                self._pairs[pair.pair_id] = pair
                storage.add_pairs([pair])
                self._choose_prefetch()
        storage.set_word("sequence", storage.word("sequence") + 1)
        storage.set_word("command", storage.word("command") + COMMAND.itemsize)
        at = (storage.word("event") - storage.events_at) >> 6
        if at == len(storage.events):
            storage.grow_events(1)
        event = storage.events[at]
        event["sequence"] = storage.word("sequence")
        event["kind"] = EventKind.REJECTED if code else EventKind.ACCEPTED
        event["side"] = command["side"] if code else 0
        event["code"] = code or Op.ADD_PAIR
        event["flags"] = 0
        event["pair"] = command["pair"]
        event["maker"] = 0
        event["taker"] = command["client_id"]
        event["price_ticks"] = command["price_ticks"]
        event["qty_lots"] = command["qty_lots"]
        event["maker_leaves"] = event["taker_leaves"] = 0
        storage.set_word("event", storage.word("event") + EVENT.itemsize)

    # -- questions -----------------------------------------------------------------------------------------------

    @property
    def sequence(self) -> int:
        """Number of commands carried out or refused so far."""
        return self._storage.word("sequence")

    @property
    def clock_ns(self) -> int:
        """The last CLOCK, nanoseconds UTC."""
        return self._storage.word("clock")

    @property
    def live(self) -> int:
        """Number of live orders."""
        return self._storage.word("live")

    @property
    def next_expiry_ns(self) -> int | None:
        """When a good-till-date order may end next, None for never; the order may have ended before."""
        if not self._storage.word("expiry_count"):
            return None
        return int(self._storage.table("expiries")[0]["expiry"])

    def _row(self, pair: int) -> Any:
        if pair not in self._pairs:
            raise KeyError(f"pair {pair}: never added")
        return self._storage.table("pairs")[pair]

    def depth(self, pair: int, levels: int = 10) -> Depth:
        """Return the best `levels` levels of displayed lots of each side. Cost: O(orders in them)."""
        self._row(pair)
        sides = []
        for side in (1, 0):
            out = np.zeros(min(levels, self.live), dtype=DEPTH)
            # sells first in the kernel's terms: ladder 1 is ASK, ladder 0 BID
            count = list_depth(self._address, pair, side, len(out), out.ctypes.data)
            sides.append(out[:count])
        return Depth(bids=sides[1], asks=sides[0])

    def best(self, pair: int) -> tuple[int | None, int | None]:
        """Return the best displayed bid and ask, None for an empty side."""
        if pair not in self._pairs:
            raise KeyError(f"pair {pair}: never added")
        # The column first: a row of a structured array costs a microsecond to make.
        bid, ask = self._storage.table("pairs")["best"][pair, :2].tolist()
        return (bid if bid >= 0 else None, ask if ask < 1 << 40 else None)

    def slots(self, pair: int) -> NDArray[np.int64]:
        """Return the slots of a pair's live orders in book order."""
        self._row(pair)
        out = np.zeros(self.live + 1, dtype=np.int64)
        return out[: list_pair(self._address, pair, out.ctypes.data)]

    def orders(self, pair: int) -> NDArray[np.void]:
        """Return a pair's live orders in book order, as STATE_ORDER records."""
        return order_records(self._storage, self.slots(pair))

    def order(self, handle: int) -> np.void | None:
        """Return the STATE_ORDER record of a live order, or None."""
        slot = slot_of(handle)
        if not 0 < slot <= self._storage.word("high"):
            return None
        row = self._storage.table("orders")[slot]
        if not int(row["bits"]) >> 20 & 1 or int(row["generation"]) != generation_of(handle):
            return None
        record: np.void = order_records(self._storage, np.array([slot], dtype=np.int64))[0]
        return record

    def position(self, account: int, pair: int) -> int:
        """Return an account's net position in a pair, lots."""
        return int(self._storage.table("positions")[find_position(self._address, account, pair)]["net"])

    def backing(self, account: int, instrument: int) -> tuple[int, int, int]:
        """Return an account's backing in an instrument: available, drawn, spent."""
        row = self._storage.table("backings")[find_backing(self._address, account, instrument)]
        return int(row["available"]), int(row["drawn"]), int(row["spent"])

    def indicative(self, pair: int) -> tuple[int | None, int, int]:
        """Return price, volume and signed surplus of the auction that would be now; none outside PRE_OPEN, AUCTION."""
        if self.phase(pair) not in (Phase.PRE_OPEN, Phase.AUCTION):
            return None, 0, 0
        out = np.zeros(3, dtype=np.int64)
        indicate(self._address, pair, out.ctypes.data)
        return (int(out[0]) or None), int(out[1]), int(out[2])

    def phase(self, pair: int) -> Phase:
        """Return the phase of a pair."""
        return Phase(int(self._row(pair)["phase"]))

    def last(self, pair: int) -> int | None:
        """Return the last price of a pair, None before its first trade."""
        return int(self._row(pair)["last"]) or None

    # -- state ---------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """Return the canonical state. Cost: O(state), some 100 ns an order."""
        return state_of(self._storage, self._pairs)

    def state_hash(self) -> str:
        """Return the SHA-256 of the canonical state, hexadecimal."""
        return self.state().hash()

    def snapshot(self) -> bytes:
        """Return everything that decides what these books will answer, as bytes that either kind of books restores."""
        return self.state().pack()

    @classmethod
    def restore(
        cls, data: bytes, *, capacity: int = 65_536, prefetch: bool | None = None, hash_seed: int = HASH_SEED
    ) -> "Books":
        """Return books from a snapshot. Raises ValueError naming what is wrong with it."""
        state = State.unpack(data)
        books = cls(accounts=0, capacity=capacity, prefetch=prefetch, hash_seed=hash_seed)
        most = int(state.header[0]["capacity_max"])
        check_capacity(capacity, most)
        books._storage = Storage(min(capacity, most), most, 1, hash_seed)
        books._address = books._storage.address
        books._pairs = restore_storage(books._storage, state)
        books._choose_prefetch()
        books._storage.make_room()
        return books

    def check(self) -> None:
        """Raise AssertionError, naming it, when an invariant of the books' own is broken. Cost: O(state)."""
        check_invariants(self._storage, self._pairs)
