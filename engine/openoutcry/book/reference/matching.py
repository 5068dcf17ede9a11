"""An incoming order, the taker, meets the orders of the other side (rules, section 4)."""

from __future__ import annotations

from openoutcry.book.reference.allocation import levels_of_broker, serve_in_turn, serve_level
from openoutcry.book.reference.checks import IMMEDIATE, WAITING, reaches
from openoutcry.book.reference.dry_run import could_trade
from openoutcry.book.reference.market import Market
from openoutcry.book.reference.order import Order
from openoutcry.book.reference.phases import change_phase
from openoutcry.book.reference.resting import rest
from openoutcry.domain import CancelReason, OrderType, Phase, TimeInForce


def match(market: Market, taker: Order, minimum_lots: int = 0) -> None:
    """Let the taker trade as far as its limit reaches, then rest or cancel what is left of it."""
    if taker.kind == OrderType.MARKET_TO_LIMIT and not taker.priced:
        market.cancel(taker, CancelReason.NO_LIQUIDITY)
        return
    fill_or_kill = taker.tif == TimeInForce.FOK
    need_lots = taker.leaves if fill_or_kill else minimum_lots
    if need_lots and not could_trade(taker, need_lots):
        market.cancel(taker, CancelReason.FOK if fill_or_kill else CancelReason.MINIMUM)
        return
    taker.atomic = need_lots > 0
    breached = trade_to_limit(market, taker)
    market.pull_tripped()
    if not taker.live:
        return
    market_like = taker.kind in (OrderType.MARKET, OrderType.STOP)
    if breached and (market_like or taker.tif not in WAITING):
        market.cancel(taker, CancelReason.BAND)
    elif taker.tif in IMMEDIATE:
        market.cancel(taker, CancelReason.IOC)
    elif market_like:
        market.cancel(taker, CancelReason.NO_LIQUIDITY)
    else:
        rest(market, taker)


def trade_to_limit(market: Market, taker: Order) -> bool:
    """Serve level after level until the taker is gone or nothing is within its limit; True when the band stops it."""
    for level in levels_of_broker(taker):
        if breaches(market, taker, level[0]):
            return True
        serve_in_turn(market, taker, level)
        if not taker.live:
            return False
    while taker.live:
        best = taker.book.best(taker.side.opposite)
        if best is None or not reaches(taker.side, taker.price_ticks, best.price_ticks):
            return False
        if breaches(market, taker, best):
            return True
        serve_level(market, taker, best)
    return False


def breaches(market: Market, taker: Order, maker: Order) -> bool:
    """Where the taker would trade outside the band, stop continuous trading instead."""
    if taker.book.in_band(maker.price_ticks):
        return False
    market.log.band_breached(taker, maker.price_ticks)
    change_phase(market, taker.book, Phase.AUCTION, closing=False)
    return True
