"""Draw the memory of the fast books as docs/explanation/kernel-arrays.svg and kernel-order.svg.

Run it after a change: python -m tools.draw_kernel. Sizes, fields and header words are read from the kernel's layout,
and the order with all that points at it from the memory of real books.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from openoutcry.book import Books, Queue, commands
from openoutcry.book.kernel import layout
from openoutcry.book.state import OrderFlag
from openoutcry.domain import (
    AccountField,
    EventKind,
    Ladder,
    OrderType,
    Pair,
    Side,
    TimeInForce,
    generation_of,
    slot_of,
)
from openoutcry.domain.records import COMMAND, EVENT
from tools.sheet import INK, Sheet

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "explanation"
FAINT: Final = "#767676"
BLUE: Final = "#1f5fa8"
ORANGE: Final = "#b5621b"
GREEN: Final = "#2c7a3f"
PURPLE: Final = "#6b3fa0"
RED: Final = "#a8323e"
GREY: Final = "#6a6a6a"
LIGHT: Final = {
    BLUE: "#dfeaf7",
    ORANGE: "#fbe9d9",
    GREEN: "#dff0e2",
    PURPLE: "#ebe3f5",
    RED: "#f8e1e3",
    GREY: "#efefef",
}


# -- all arrays ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pool:
    """One array. cells: which of its first places are drawn as in use; hashed: it is a table without an order."""

    name: str
    size: str
    note: str
    cells: tuple[int, ...] = ()
    hashed: bool = False


ORDERS_DRAWN: Final = (1, 2, 3, 5, 6, 8, 9)
"""Slots in use; 4 went first, then 7, so 7 is given out next."""


@dataclass(frozen=True)
class Group:
    """Pools that belong together, and the header words that are about them."""

    title: str
    colour: str
    words: str
    pools: tuple[Pool, ...]


def each(*dtypes: np.dtype[np.void]) -> str:
    """Return the size of the records of a pool, or of pools that go side by side."""
    return " + ".join(str(dtype.itemsize) for dtype in dtypes) + " bytes each"


GROUPS: Final = (
    Group(
        "orders",
        BLUE,
        "orders more free high live capacity",
        (
            Pool("orders", each(layout.ORDER), "a cache line each; the place is the slot, 0 is nobody's", ORDERS_DRAWN),
            Pool("more", each(layout.ORDER_MORE), "peak, trigger, expiry; memory only where they are used", (3, 8)),
        ),
    ),
    Group(
        "prices",
        ORANGE,
        "levels level_keys hashed_levels level_mask bits0 bits1 bits2 bits3",
        (
            Pool("levels", each(layout.LEVEL), "direct ladders: head, tail, lots of every tick", (4, 6, 7, 9, 10, 12)),
            Pool(
                "level_keys, hashed_levels",
                f"8 + {each(layout.LEVEL)}",
                "hashed ladders: only the levels in use",
                (0, 3, 4, 9, 13),
                hashed=True,
            ),
            Pool("bits", "", "set where the word below is not 0: seven loads at most"),
        ),
    ),
    Group(
        "pairs, accounts",
        GREEN,
        "pairs pair_count accounts accounts_more account_count account_capacity positions positions_more "
        "position_count position_mask backings backing_count backing_mask",
        (
            Pool("pairs", each(layout.PAIR), "six best prices, phase, rules, band, open lots", (0, 1, 2, 3)),
            Pool(
                "accounts, accounts_more",
                each(layout.ACCOUNT, layout.ACCOUNT_MORE),
                "limits, group, broker; limits of protection",
                (0, 1, 2, 3, 4, 5, 6),
            ),
            Pool(
                "positions, positions_more",
                each(layout.POSITION, layout.POSITION_MORE),
                "of an account in a pair: lots, newest order; window",
                (1, 2, 5, 8, 9, 12),
                hashed=True,
            ),
            Pool(
                "backings",
                each(layout.BACKING),
                "of an account in an instrument: available, drawn",
                (0, 4, 6, 7, 11),
                hashed=True,
            ),
        ),
    ),
    Group(
        "look-ups",
        PURPLE,
        "id_index id_mask seed expiries expiry_count expiry_capacity",
        (
            Pool(
                "id_index",
                each(layout.ENTRY),
                "account and client id to slot: 32 bits of hash, slot",
                (2, 3, 5, 8, 12, 13),
                hashed=True,
            ),
            Pool("expiries", each(layout.EXPIRY), "a heap: the order that ends next is on top", (0, 1, 2, 3, 4, 5)),
        ),
    ),
    Group(
        "batch",
        RED,
        "command command_end events event event_end need sequence clock room prefetch",
        (
            Pool("commands", each(COMMAND), "the caller's own array, only read", tuple(range(14))),
            Pool("events", each(EVENT), "filled in order; the caller gets a view of them", tuple(range(9))),
        ),
    ),
    Group(
        "work in hand",
        GREY,
        "taker stage atomic owed trip_first trip_last resume op_stage scratch",
        (Pool("scratch", "8 bytes each", "lists: of one auction, of one level shared pro rata", (0, 1, 2)),),
    ),
)

HEADER_X, HEADER_WIDTH = 24, 262
CELLS_X, CELL, CELLS = 346, 18, 14
NOTES_X = CELLS_X + CELLS * CELL + 20
POOL_HEIGHT, STOREYS_HEIGHT, GAP, TOP = 49, 160, 14, 62

STOREYS: Final = (
    ("bits3", "262,144 ticks", (2, 9)),
    ("bits2", "4,096 ticks", (5,)),
    ("bits1", "64 ticks", (3, 11)),
    ("bits0", "a tick", (6, 7, 12)),
)
"""Name, what a bit stands for, and the bits that are drawn as set, from the highest storey."""


def wrapped(words: str, width: int) -> list[str]:
    """Break words into lines of at most so many letters."""
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def pool_height(pool: Pool) -> int:
    """Return the height of a pool's row."""
    return POOL_HEIGHT if pool.cells else STOREYS_HEIGHT


def group_height(group: Group) -> int:
    """Return the height of a group: of its pools, or of its words where those take more."""
    return max(sum(map(pool_height, group.pools)), 34 + 16 * len(wrapped(group.words, 33)))


def draw_arrays() -> str:
    """Return the picture of the header and of every pool that it points at."""
    words = [word for group in GROUPS for word in group.words.split()]
    assert sorted(words) == sorted(layout.HEADER), "the picture must show every word of the header once"
    height = TOP + sum(group_height(group) + GAP for group in GROUPS) + 6
    sheet = Sheet(height, "The header of the fast books and the arrays that it points at")
    sheet.text(HEADER_X, 26, "header", bold=True, size=15)
    sheet.text(HEADER_X, 44, f"{layout.HEADER_WORDS} words of 8 bytes; its address is all", colour=FAINT, size=12)
    sheet.text(HEADER_X, 57, "that a kernel is given", colour=FAINT, size=12)
    sheet.text(CELLS_X, 26, "pools", bold=True, size=15)
    sheet.text(CELLS_X, 44, "flat arrays of records; colours: in use", colour=FAINT, size=12)
    top = TOP + 4.0
    for group in GROUPS:
        tall, y = group_height(group), top
        sheet.box(HEADER_X, top, HEADER_WIDTH, tall, fill=LIGHT[group.colour], edge=group.colour, round_=6)
        lines = wrapped(group.words, 33)
        first = top + tall / 2 - 8 * len(lines) + 7
        sheet.text(HEADER_X + 12, first - 4, group.title, colour=group.colour, bold=True)
        for number, line in enumerate(lines):
            sheet.text(HEADER_X + 12, first + 13 + 16 * number, line, code=True, size=12)
        for pool in group.pools:
            middle = y + 16 if pool.cells else y + 20
            sheet.line((HEADER_X + HEADER_WIDTH, middle), (CELLS_X - 4, middle), colour=group.colour)
            (draw_cells if pool.cells else draw_storeys)(sheet, pool, group.colour, y + 6)
            y += pool_height(pool)
        top += tall + GAP
    return sheet.svg()


def draw_cells(sheet: Sheet, pool: Pool, colour: str, y: float) -> None:
    """Draw the first places of a pool; what is in use in a hashed table is a bar, since it lies anywhere."""
    for place in range(CELLS):
        used, x = place in pool.cells, CELLS_X + place * CELL
        sheet.box(x, y, CELL, 20, fill=LIGHT[colour] if used else "white", edge=colour)
        if pool.hashed and used:
            sheet.box(x + 5, y + 6, CELL - 10, 8, fill=colour, edge=colour)
        elif pool.name == "orders":
            label = str(place) if place else "-"
            sheet.text(x + CELL / 2, y + 14, label, size=11, anchor="middle", colour=INK if used else FAINT)
    if pool.name == "orders":
        draw_free(sheet, colour, y + 20)
    sheet.text(NOTES_X, y + 8, pool.name, bold=True, code=True)
    sheet.text(NOTES_X + 8.1 * len(pool.name) + 10, y + 8, pool.size, colour=colour, size=12)
    sheet.text(NOTES_X, y + 25, pool.note, colour=FAINT, size=12)


def draw_free(sheet: Sheet, colour: str, y: float) -> None:
    """Draw the list of free slots below the orders, and the highest slot ever used."""
    four, seven, nine = (CELLS_X + CELL * (slot + 0.5) for slot in (4, 7, 9))
    sheet.line((seven - 3, y + 2), (seven - 3, y + 10), (four, y + 10), (four, y + 1), colour=colour)
    sheet.line((seven + 5, y + 13), (seven + 5, y + 1), colour=colour)
    sheet.text(seven + 5, y + 24, "free", colour=colour, size=11, anchor="middle")
    sheet.line((nine, y + 13), (nine, y + 1), colour=colour)
    sheet.text(nine, y + 24, "high", colour=colour, size=11, anchor="middle")


def draw_storeys(sheet: Sheet, pool: Pool, colour: str, y: float) -> None:
    """Draw one word of each storey of the bitmaps, and which bit of it stands for the word below."""
    for number, (name, ticks, used) in enumerate(STOREYS):
        row = y + 34 * number
        if number:
            opened = CELLS_X + STOREYS[number - 1][2][-1] * CELL
            ends = ((opened, row - 16), (opened + CELL, row - 16), (CELLS_X + CELLS * CELL, row), (CELLS_X, row))
            sheet.polygon(*ends, fill=LIGHT[colour])
        for place in range(CELLS):
            sheet.box(CELLS_X + place * CELL, row, CELL, 18, fill=colour if place in used else "white", edge=colour)
        sheet.text(NOTES_X, row + 13, name, bold=True, code=True)
        sheet.text(NOTES_X + 60, row + 13, f"a bit for {ticks}", colour=colour, size=12)
    sheet.text(NOTES_X, y + 134, pool.note, colour=FAINT, size=12)


# -- one order ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """Books with an order in the middle of its level and of its account's orders, and what their memory says."""

    books: Books
    slot: int

    def row(self, pool: str, place: int) -> dict[str, int]:
        """Return a record of a pool."""
        values = self.books._storage.table(pool)[place]
        return {name: int(values[name]) for name in values.dtype.names or () if values.dtype[name].shape == ()}

    def place_in_index(self) -> int:
        """Return the place of the order in the index of client ids."""
        references = self.books._storage.table("id_index")["reference"]
        return int(np.flatnonzero(references == self.slot)[0])


def set_scene() -> Scene:
    """Place the orders. Account 1 sells three times, and the middle one stands between orders of others at 101."""
    books = Books([Pair(0, ladder=Ladder.DIRECT)], accounts=4)
    placed = [(2, 50, 101), (1, 70, 103), (0, 60, 110), (1, 71, 101), (3, 80, 101), (1, 72, 102)]
    books.apply(commands.batch(commands.set_limits(1, AccountField.BACKED), commands.fund(1, 1, 100)))
    handles = []
    for account, client_id, price_ticks in placed:
        if client_id == 71:  # so that a slot is used for the second time
            books.apply(commands.cancel(0, 0, 60))
        until = {"tif": TimeInForce.GTD, "expiry_ns": 9_000} if client_id == 71 else {"tif": TimeInForce.GTC}
        order = commands.place(0, account, client_id, Side.SELL, 4 + client_id % 7, price_ticks, **until)
        events = books.apply(order)
        assert events["kind"][0] == EventKind.ACCEPTED
        handles.append(int(events["maker"][0]))
    return Scene(books, slot_of(handles[3]))


FOCUS_X, FOCUS_Y, WORD, CELL_HEIGHT = 250.0, 262.0, 62.5, 46.0


def draw_order() -> str:
    """Return the picture of one order and of all that points at it."""
    scene = set_scene()
    order = scene.row("orders", scene.slot)
    sheet = Sheet(668, "One order in the memory of the fast books, and everything that points at it")
    draw_level(sheet, scene, order)
    draw_names(sheet, scene, order)
    draw_focus(sheet, scene, order)
    draw_account(sheet, scene, order)
    return sheet.svg()


def card(sheet: Sheet, x: float, y: float, width: float, title: str, lines: Sequence[str], colour: str) -> None:
    """Draw a record as a box with a title and lines."""
    sheet.box(x, y, width, 26 + 17 * len(lines), fill=LIGHT[colour], edge=colour, round_=5)
    sheet.text(x + 10, y + 18, title, colour=colour, bold=True)
    for number, line in enumerate(lines):
        sheet.text(x + 10, y + 36 + 17 * number, line, code=True, size=12)


def short(scene: Scene, slot: int) -> list[str]:
    """Return what the card of a neighbour says."""
    row = scene.row("orders", slot)
    position = scene.row("positions", row["position"])
    return [f"account {position['account']}", f"price {row['price']}", f"displayed {row['displayed']}"]


def draw_level(sheet: Sheet, scene: Scene, order: dict[str, int]) -> None:
    """Draw the level with its first and last order, and the neighbours in the queue."""
    row = scene.books._storage.table("pairs")[0]
    tick = int(row["ladder_at"]) + int(row["stride"]) * Queue.ASK + order["price"]
    level = scene.row("levels", tick + int(row["level_shift"]))
    assert (level["head"], level["tail"]) == (order["prev"], order["next"])
    card(sheet, 380, 52, 240, f"level {order['price']} of the ASK ladder",
         [f"head {level['head']}, tail {level['tail']}", f"lots {level['lots']}"], ORANGE)  # fmt: skip
    card(sheet, 30, 20, 214, "pair 0", [f"best ask {row['best'][1]}", f"open lots {row['open_lots']}"], GREEN)
    card(sheet, 756, 20, 214, "bits0", [f"word {tick >> 6}, bit {tick & 63} is set"], ORANGE)
    sheet.line((244, 52), (376, 72), colour=ORANGE, dashed=True)
    sheet.line((756, 48), (624, 70), colour=ORANGE, dashed=True)
    middle = FOCUS_Y + 46
    for slot, x, side in ((level["head"], 30.0, -1), (level["tail"], 810.0, 1)):
        card(sheet, x, FOCUS_Y, 160, f"orders[{slot}]", short(scene, slot), BLUE)
        sheet.line((500 + side * 120, 104), (x + 80, 104), (x + 80, FOCUS_Y - 4), colour=ORANGE)
        near, far = (x + 160, FOCUS_X) if side < 0 else (x, FOCUS_X + 8 * WORD)
        sheet.line((far + 2 * side, middle - 9), (near - 4 * side, middle - 9), colour=BLUE)
        sheet.line((near - 2 * side, middle + 9), (far + 4 * side, middle + 9), colour=BLUE)
        sheet.text((near + far) / 2, middle - 16, "prev" if side < 0 else "next", colour=BLUE, size=12, anchor="middle")
        sheet.text((near + far) / 2, middle + 25, "next" if side < 0 else "prev", colour=BLUE, size=12, anchor="middle")
    sheet.text(126, 98, "head", colour=ORANGE, size=12)
    sheet.text(874, 98, "tail", colour=ORANGE, size=12, anchor="end")


def draw_names(sheet: Sheet, scene: Scene, order: dict[str, int]) -> None:
    """Draw the two ways by which a command names the order."""
    handle = order["generation"] << 32 | scene.slot
    assert (slot_of(handle), generation_of(handle)) == (scene.slot, order["generation"])
    place = scene.place_in_index()
    tag = int(scene.books._storage.table("id_index")[place]["tag"])
    card(sheet, 190, 142, 250, "by handle",
         [f"{handle} =", f"generation {order['generation']} &lt;&lt; 32 | slot {scene.slot}"], PURPLE)  # fmt: skip
    card(sheet, 560, 142, 250, "by account and client id", [f"id_index[{place}]:", f"slot {scene.slot}, tag {tag:08x}"],
         PURPLE)  # fmt: skip
    sheet.line((315, 202), (315, FOCUS_Y - 22), colour=PURPLE)
    sheet.line((685, 202), (685, FOCUS_Y - 22), colour=PURPLE)


def draw_focus(sheet: Sheet, scene: Scene, order: dict[str, int]) -> None:
    """Draw the record of the order as the one cache line that it is."""
    assert sum(dtype.itemsize for dtype, *_ in (layout.ORDER.fields or {}).values()) == 64
    sheet.text(500, FOCUS_Y - 6, f"orders[{scene.slot}]: 64 bytes, one cache line", colour=BLUE, bold=True,
               anchor="middle")  # fmt: skip
    shown = {"bits": f"{order['bits']:x}"}
    x, y = FOCUS_X, FOCUS_Y + 2
    for name, value in order.items():
        width = WORD * (layout.ORDER[name].itemsize // 4)
        if x + width > FOCUS_X + 8 * WORD:
            x, y = FOCUS_X, y + CELL_HEIGHT
        sheet.box(x, y, width, CELL_HEIGHT, fill=LIGHT[BLUE], edge=BLUE)
        sheet.text(x + width / 2, y + 16, name, colour=FAINT, size=11, anchor="middle")
        sheet.text(x + width / 2, y + 36, shown.get(name, str(value)), code=True, anchor="middle")
        x += width
    kind, tif, queue = (OrderType(order["bits"] >> layout.KIND_SHIFT & 15),
                        TimeInForce(order["bits"] >> layout.TIF_SHIFT & 7),
                        Queue(order["bits"] >> layout.QUEUE_SHIFT & 15))  # fmt: skip
    flags = [flag.name for flag in OrderFlag if flag & order["bits"] // layout.NO_CLIENT_ID_BIT]
    names = [Side(order["bits"] & 1).name, f"queue {queue.name}", kind.name, tif.name, *flags, "live"]
    said = f"bits: {', '.join(str(name) for name in names)}"
    sheet.text(FOCUS_X + 4.5 * WORD + 10, FOCUS_Y + 110, said, colour=FAINT, size=11)


def draw_account(sheet: Sheet, scene: Scene, order: dict[str, int]) -> None:
    """Draw the neighbours in the account's list, the position that holds them, and what else is kept by slot."""
    bottom, top = FOCUS_Y + 2 + 2 * CELL_HEIGHT, 440.0
    position = scene.row("positions", order["position"])
    more = scene.row("more", scene.slot)
    heap = scene.row("expiries", 0)
    assert (position["newest"], heap["slot"], heap["expiry"]) == (order["newer"], scene.slot, more["expiry"])
    card(sheet, 30, top, 160, f"orders[{order['older']}]", short(scene, order["older"]), BLUE)
    card(sheet, 300, top, 160, f"orders[{order['newer']}]", short(scene, order["newer"]), BLUE)
    older, newer, held = (FOCUS_X + WORD * (at + 0.5) for at in (2, 3, 4))
    sheet.line((older, bottom), (older, bottom + 34), (110, bottom + 34), (110, top - 4), colour=GREEN)
    sheet.line((newer, bottom), (newer, top - 4), colour=GREEN)
    sheet.text(118, bottom + 50, "older of its account", colour=GREEN, size=12)
    sheet.text(newer - 8, bottom + 50, "newer", colour=GREEN, size=12, anchor="end")
    lines = [
        f"account {position['account']}, pair {position['pair']}",
        f"net {position['net']}, open_sell {position['open_sell']}",
        f"newest {position['newest']}",
    ]
    card(sheet, 560, top, 220, f"positions[{order['position']}]", lines, GREEN)
    sheet.line((held, bottom), (held, bottom + 50), (670, bottom + 50), (670, top - 4), colour=GREEN)
    sheet.line((560, top + 65), (464, top + 65), colour=GREEN)
    sheet.text(512, top + 58, "newest", colour=GREEN, size=12, anchor="middle")
    backing = scene.row("backings", position["base_backing"])
    said = [f"available {backing['available']}", f"drawn {backing['drawn']}"]
    card(sheet, 834, top, 142, f"backings[{position['base_backing']}]", said, GREEN)
    sheet.line((780, top + 38), (830, top + 38), colour=GREEN)
    sheet.text(500, 560, "kept beside it, by its slot", colour=FAINT, size=12, anchor="middle")
    card(sheet, 190, 574, 290, f"more[{scene.slot}]", [f"expiry {more['expiry']}, peak -, trigger -"], BLUE)
    card(sheet, 520, 574, 290, "expiries, top of the heap",
         [f"{heap['expiry']}: slot {heap['slot']}, generation {heap['generation']}"], PURPLE)  # fmt: skip


PICTURES: Final = {FOLDER / "kernel-arrays.svg": draw_arrays, FOLDER / "kernel-order.svg": draw_order}

if __name__ == "__main__":
    for path, draw in PICTURES.items():
        path.write_text(draw(), encoding="utf-8")
