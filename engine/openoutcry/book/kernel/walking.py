"""Going through a pair's orders in book order: queue by queue, best level first, first in first."""

from openoutcry.book.kernel.compiling import helper
from openoutcry.book.kernel.ladders import best_of, is_lowest_first, level_find, next_price, prev_price, tick_of
from openoutcry.book.kernel.layout import HEAD, NEXT, NO_HIGH, NO_LOW, SINGLE
from openoutcry.book.kernel.memory import get4, put8
from openoutcry.book.kernel.orders import ladder_of, order_at, single_index

QUEUES = 10


@helper
def list_level(h: int, lv: int, at: int) -> int:
    """Write the slots of a level to `at`, a word each; return the address behind them."""
    s = get4(lv + HEAD)
    while s:
        put8(at, s)
        at += 8
        s = get4(order_at(h, s) + NEXT)
    return at


@helper
def list_queue(h: int, p: int, queue: int, at: int) -> int:
    """Write the slots of a queue in order; return the address behind them."""
    single = single_index(queue)
    if single >= 0:
        return list_level(h, p + SINGLE + (single << 4), at)
    ladder = ladder_of(queue)
    price = best_of(p, ladder)
    while price != NO_LOW and price != NO_HIGH:
        at = list_level(h, level_find(h, p, tick_of(p, ladder, price)), at)
        if is_lowest_first(ladder):
            price = next_price(h, p, ladder, price)
        else:
            price = prev_price(h, p, ladder, price)
    return at


@helper
def list_orders(h: int, p: int, at: int) -> int:
    """Write the slots of all of a pair's orders in book order; return the address behind them."""
    for queue in range(QUEUES):
        at = list_queue(h, p, queue, at)
    return at
