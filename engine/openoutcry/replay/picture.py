"""A replay as a picture: price with its trades, spread, depth, over time."""

from datetime import UTC as UTC_ZONE
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Side
from openoutcry.replay.error import MissingLibrary
from openoutcry.replay.flow import UTC, Flow, FlowPair
from openoutcry.replay.market import Market
from openoutcry.replay.rebuild import Rebuilt
from openoutcry.replay.rematch import Rematched
from openoutcry.replay.tape import DEPTH_LEVELS
from openoutcry.replay.tops import NO_PRICE
from openoutcry.replay.trades import trades_of

BID: Final = "#0072b2"
ASK: Final = "#d55e00"
"""Blue and vermilion: told apart by everyone, and in print."""

INK: Final = "#222222"
MUTED: Final = "#6b6b6b"
GRID: Final = "#e4e4e4"
DOTS_PER_INCH: Final = 150
INCHES: Final = (12.0, 9.0)

STRETCHES: Final = 600
"""The picture's width in stretches of time, for what lasts too short to be drawn as it is: two dots each."""

DOT_SMALLEST: Final = 8.0
DOT_LARGEST: Final = 220.0
DOTS_FREE: Final = 400
"""Area of a trade's dot, in square points; in proportion to its quantity, up to the largest of the picture.
Smaller where there are more trades than DOTS_FREE, so that they do not hide each other."""


def draw(flow: Flow, outcome: Rebuilt | Rematched, pair: int, path: Path) -> None:
    """Draw one pair of a replay into a PNG file. Raises MissingLibrary without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingLibrary("drawing a picture", "matplotlib", "replay") from error
    one, market = flow.pairs[pair], outcome.market[pair]
    trades = trades_of(flow, outcome)
    depth = outcome.tape.all_depth()
    style: dict[Any, Any] = {
        "font.size": 10,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": GRID,
        "axes.axisbelow": True,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
        price, spread, shown = figure.subplots(3, 1, sharex=True, height_ratios=[5, 2, 3])
        _draw_price(price, one, market, trades[trades["pair"] == pair], isinstance(outcome, Rematched))
        _draw_spread(spread, one, market)
        _draw_depth(shown, one, depth[depth["pair"] == pair])
        _label_time(shown, flow, market)
        figure.suptitle(_title(flow, one, outcome), x=0.01, ha="left", fontsize=14, fontweight="bold")
        figure.align_ylabels()
        figure.savefig(path, format="png")


def _title(flow: Flow, pair: FlowPair, outcome: Rebuilt | Rematched) -> str:
    if isinstance(outcome, Rematched):
        comparison = outcome.comparison
        return (
            f"{pair.symbol}, matched anew: {comparison.same:,} of the venue's {comparison.venue:,} trades are the same"
        )
    return f"{pair.symbol}, the venue's book rebuilt: {outcome.executions:,} executions checked"


def _moments(times: NDArray[np.int64]) -> NDArray[Any]:
    return times.astype("datetime64[ns]")


def _draw_price(axes: Any, pair: FlowPair, market: Market, trades: NDArray[np.void], ours: bool) -> None:
    tick = float(pair.tick)
    when = _moments(market.time_ns)
    quotes = market.quotes
    bid = np.where(quotes.bid_ticks == NO_PRICE, np.nan, quotes.bid_ticks * tick)
    ask = np.where(quotes.ask_ticks == NO_PRICE, np.nan, quotes.ask_ticks * tick)
    axes.plot(when, ask, drawstyle="steps-post", color=ASK, linewidth=0.8, alpha=0.8, label="best ask")
    axes.plot(when, bid, drawstyle="steps-post", color=BID, linewidth=0.8, alpha=0.8, label="best bid")
    largest = int(trades["qty_lots"].max(initial=1))
    crowd = min(1.0, (DOTS_FREE / max(1, len(trades))) ** 0.5)
    for side, color, word in ((Side.BUY, ASK, "taker bought"), (Side.SELL, BID, "taker sold")):
        some = trades[trades["side"] == side]
        area = crowd * np.clip(DOT_LARGEST * some["qty_lots"] / largest, DOT_SMALLEST, None)
        axes.scatter(
            _moments(some["time_ns"]),
            some["price_ticks"] * tick,
            s=area,
            color=color,
            alpha=0.65,
            edgecolors="white",
            linewidths=0.5 * crowd,
            zorder=3,
            label=f"{len(some):,} trades, {word}",
        )
    axes.set_ylabel("price")
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.{_places(pair)}f}")
    whose = "trades of our book" if ours else "trades of the venue"
    axes.set_title(f"Price, with the {whose}; areas are quantities", loc="left", fontsize=10, color=MUTED)
    for handle in _legend(axes, 4).legend_handles[2:]:
        handle.set_sizes([30.0])


def _draw_spread(axes: Any, pair: FlowPair, market: Market) -> None:
    """Draw mean and largest spread of each stretch of time: most wide spreads last too short to be seen otherwise."""
    axes.set_ylabel("spread")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.{_places(pair)}f}")
    axes.set_title("Spread between the best prices", loc="left", fontsize=10, color=MUTED)
    stretches = spread_by_stretch(market, STRETCHES)
    if stretches is None:
        return
    edges, mean, largest = stretches
    when = _moments(edges[:-1])
    tick = float(pair.tick)
    axes.fill_between(when, largest * tick, step="post", color=MUTED, alpha=0.35, linewidth=0, label="largest")
    axes.plot(when, mean * tick, drawstyle="steps-post", color=INK, linewidth=1.2, label="mean")
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(mean)) * tick))
    seconds = (edges[1] - edges[0]) / 1e9
    _legend(axes, 2, f"within {seconds:.3g} s: ")


def spread_by_stretch(
    market: Market, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the edges of `count` equal stretches of time and the mean (by time) and largest spread in each, in ticks;
    None where there never were two sides. A stretch without two sides is NaN.
    """
    quotes, times = market.quotes, market.time_ns
    both = (quotes.bid_ticks != NO_PRICE) & (quotes.ask_ticks != NO_PRICE)
    if not both.any() or times[-1] - times[0] < count:
        return None
    spread = np.where(both, quotes.ask_ticks - quotes.bid_ticks, 0).astype(np.float64)
    edges = times[0] + (times[-1] - times[0]) * np.arange(count + 1) // count
    lasted = np.diff(times)
    area = np.interp(edges, times, np.append(0.0, np.cumsum(spread[:-1] * lasted)))
    there = np.interp(edges, times, np.append(0.0, np.cumsum(both[:-1] * lasted)))
    begin = np.searchsorted(times, edges[:-1], side="right") - 1
    end = np.maximum(np.searchsorted(times, edges[1:]), begin + 1)
    bounds = np.stack([begin, end], axis=1).ravel()
    largest = np.maximum.reduceat(np.append(spread, 0.0), bounds)[::2]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.diff(area) / np.diff(there)
    return edges, mean, np.where(np.isnan(mean), np.nan, largest)


def _draw_depth(axes: Any, pair: FlowPair, depth: NDArray[np.void]) -> None:
    """Draw the quantity of the best levels, asks above the line and bids below; darker is nearer to the best."""
    times = np.unique(depth["time_ns"])
    place = np.searchsorted(times, depth["time_ns"])
    table = np.zeros((2, DEPTH_LEVELS, len(times)))
    table[depth["side"], depth["level"] - 1, place] = depth["qty_lots"] * float(pair.lot)
    for side, color, sign in ((Side.SELL, ASK, 1), (Side.BUY, BID, -1)):
        total = np.cumsum(table[side], axis=0)
        lower = np.zeros(len(times))
        for level in (1, DEPTH_LEVELS // 2, DEPTH_LEVELS):
            upper = total[level - 1]
            alpha = 0.9 if level == 1 else 0.5 if level < DEPTH_LEVELS else 0.25
            word = "best level" if level == 1 else f"{level} levels"
            axes.fill_between(
                _moments(times),
                sign * lower,
                sign * upper,
                step="post",
                color=color,
                alpha=alpha,
                linewidth=0,
                label=f"{'asks' if sign > 0 else 'bids'}, {word}",
            )
            lower = upper
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel("quantity")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,g}")
    axes.set_title("Displayed quantity", loc="left", fontsize=10, color=MUTED)
    _legend(axes, 6)


def _legend(axes: Any, columns: int, title: str = "") -> Any:
    """Put the legend above the axes, at the right: there it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    return axes.legend(
        handles,
        [title + label for label in labels],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=9,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.4,
        labelcolor=MUTED,
    )


def _label_time(axes: Any, flow: Flow, market: Market) -> None:
    from matplotlib import dates

    library: Any = dates  # has no types for these two
    locator = library.AutoDateLocator(minticks=5, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(library.ConciseDateFormatter(locator, show_offset=False))
    if len(market.time_ns):
        begin, end = _moments(market.time_ns[[0, -1]])
        if begin < end:
            axes.set_xlim(begin, end)
        day = datetime.fromtimestamp(int(market.time_ns[0]) // 10**9, UTC_ZONE)
        zone = "UTC" if flow.clock == UTC else flow.clock
        axes.set_xlabel(f"{day:%-d %B %Y}, {zone}")


def _places(pair: FlowPair) -> int:
    """Return how many decimal places a price of the pair has."""
    return max(0, -int(pair.tick.normalize().as_tuple().exponent))
