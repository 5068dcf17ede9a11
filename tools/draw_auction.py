"""Draw demand and supply of one call auction, as docs/reference/auction-crossing.svg.

Run it after a change: python tools/draw_auction.py. The book is the London Stock Exchange's worked example of market
pressure (tests/data/auctions.json, lse-3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from openoutcry.book.auction import AuctionOrder, uncross
from openoutcry.domain import Side

PICTURE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "auction-crossing.svg"

TICKS_A_PENNY: Final = 2  # the tick of the example is half a penny
BUYS: Final = ((10_000, 105.5), (5_600, 105.0), (1_000, 104.0))
SELLS: Final = ((2_500, None), (6_900, 103.0), (1_000, 104.0), (200, 106.0))

FIRST_TICKS, LAST_TICKS = 205, 213  # 102.5 to 106.5
LOTS_MAX: Final = 18_000
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 430, 74, 150, 46, 62

INK: Final = "#222"
FAINT: Final = "#8a8a8a"
DEMAND: Final = "#1f5fa8"
SUPPLY: Final = "#b5471b"
VOLUME: Final = "#dfe8d8"
CHOSEN: Final = "#2c7a3f"


@dataclass(frozen=True, slots=True)
class Curve:
    """Lots as a function of price, constant between neighbouring half ticks."""

    name: str
    colour: str
    lots: Callable[[float], int]


def orders() -> list[AuctionOrder]:
    """Return the orders of the example."""
    return [
        AuctionOrder(side, lots, None if price is None else round(price * TICKS_A_PENNY))
        for side, book in ((Side.BUY, BUYS), (Side.SELL, SELLS))
        for lots, price in book
    ]


def x(ticks: float) -> float:
    """Return the horizontal place of a price."""
    return LEFT + (WIDTH - LEFT - RIGHT) * (ticks - FIRST_TICKS) / (LAST_TICKS - FIRST_TICKS)


def y(lots: float) -> float:
    """Return the vertical place of a quantity."""
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * lots / LOTS_MAX


def text(at_x: float, at_y: float, words: str, colour: str = INK, anchor: str = "start", weight: str = "normal") -> str:
    """Return a label."""
    return (
        f'<text x="{at_x:.1f}" y="{at_y:.1f}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{words}</text>"
    )


def line(from_x: float, from_y: float, to_x: float, to_y: float, colour: str, extra: str = "") -> str:
    """Return a line."""
    return f'<path d="M{from_x:.1f} {from_y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{colour}" fill="none" {extra}/>'


def steps(lots: Callable[[float], int], limits: Sequence[int]) -> list[tuple[float, float]]:
    """Return the corners of a staircase: level from limit to limit, a jump at each limit."""
    edges = [FIRST_TICKS, *sorted(set(limits)), LAST_TICKS]
    corners = []
    for left, right in pairwise(edges):
        level = y(lots((left + right) / 2))
        corners += [(x(left), level), (x(right), level)]
    return corners


def staircase(curve: Curve, limits: Sequence[int]) -> str:
    """Return a curve as one path."""
    corners = steps(curve.lots, limits)
    path = "L".join(f"{at_x:.1f} {at_y:.1f}" for at_x, at_y in corners)
    return f'<path d="M{path}" stroke="{curve.colour}" stroke-width="2.5" fill="none"/>'


def draw() -> str:
    """Return the picture as SVG."""
    book = orders()
    clearing = uncross(book, reference_ticks=100 * TICKS_A_PENNY, tick=1, rule="lse_sets")
    assert clearing.price_ticks is not None
    limits = [order.price_ticks for order in book if order.price_ticks is not None]

    def demand(ticks: float) -> int:
        return sum(o.qty_lots for o in book if o.side is Side.BUY and (o.price_ticks is None or o.price_ticks >= ticks))

    def supply(ticks: float) -> int:
        return sum(
            o.qty_lots for o in book if o.side is Side.SELL and (o.price_ticks is None or o.price_ticks <= ticks)
        )

    grid = range(FIRST_TICKS, LAST_TICKS + 1)
    best = [ticks for ticks in grid if min(demand(ticks), supply(ticks)) == clearing.volume_lots]
    least = [ticks for ticks in best if demand(ticks) - supply(ticks) == clearing.surplus_lots]
    volume_corners = steps(lambda ticks: min(demand(ticks), supply(ticks)), limits)
    volume = "L".join(f"{at_x:.1f} {at_y:.1f}" for at_x, at_y in volume_corners)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="Demand and supply of a call auction by price">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{x(FIRST_TICKS):.1f} {y(0):.1f}L{volume}L{x(LAST_TICKS):.1f} {y(0):.1f}Z" fill="{VOLUME}"/>',
    ]
    for lots in range(0, LOTS_MAX + 1, 3_000):
        parts.append(line(LEFT, y(lots), WIDTH - RIGHT, y(lots), "#e6e6e6"))
        parts.append(text(LEFT - 8, y(lots) + 4, f"{lots:,}", FAINT, "end"))
    for ticks in grid:
        parts.append(line(x(ticks), y(0), x(ticks), y(0) + 5, FAINT))
        parts.append(text(x(ticks), y(0) + 20, f"{ticks / TICKS_A_PENNY:g}", FAINT, "middle"))
    parts.append(line(LEFT, y(0), WIDTH - RIGHT, y(0), INK))
    parts.append(text(x((FIRST_TICKS + LAST_TICKS) / 2), HEIGHT - 14, "price", INK, "middle"))
    parts.append(text(LEFT - 8, TOP - 20, "lots", INK, "end"))

    price_x = x(clearing.price_ticks)
    parts.append(line(price_x, y(0), price_x, y(demand(clearing.price_ticks)), CHOSEN, 'stroke-width="1.5"'))
    parts.append(staircase(Curve("demand", DEMAND, demand), limits))
    parts.append(staircase(Curve("supply", SUPPLY, supply), limits))
    parts.append(text(x(FIRST_TICKS) + 6, y(demand(FIRST_TICKS)) - 8, "demand: buys at this price or above", DEMAND))
    parts.append(text(x(LAST_TICKS) + 8, y(supply(LAST_TICKS)) - 4, "supply: sells at", SUPPLY))
    parts.append(text(x(LAST_TICKS) + 8, y(supply(LAST_TICKS)) + 12, "this price or below", SUPPLY))

    for ticks in best:
        parts.append(f'<circle cx="{x(ticks):.1f}" cy="{y(clearing.volume_lots):.1f}" r="4" fill="{INK}"/>')
    for ticks in least:
        parts.append(
            f'<circle cx="{x(ticks):.1f}" cy="{y(clearing.volume_lots):.1f}" r="7.5" fill="none" stroke="{INK}"/>'
        )
    said_x, said_y = x(206) + 12, y(7_000)
    parts.append(text(said_x, said_y, f"1  most trades: {clearing.volume_lots:,} lots, at the dots"))
    parts.append(text(said_x, said_y + 20, f"2  least left over: {clearing.surplus_lots:,}, at the rings"))
    parts.append(text(said_x, said_y + 40, "3  all of it bids: the highest ring"))
    parts.append(
        text(
            price_x + 8,
            y(demand(clearing.price_ticks)) - 8,
            f"clears at {clearing.price_ticks / TICKS_A_PENNY:g}",
            CHOSEN,
            weight="bold",
        )
    )
    middle = (y(clearing.volume_lots) + y(demand(clearing.price_ticks))) / 2
    parts.append(text(price_x + 8, middle + 4, f"surplus {clearing.surplus_lots:,}", CHOSEN))
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
