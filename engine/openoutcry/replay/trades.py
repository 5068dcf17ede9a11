"""The trades of a replay, in one shape for both modes."""

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from openoutcry.replay.compare import COMPARED
from openoutcry.replay.flow import Action, Flow
from openoutcry.replay.rebuild import Rebuilt
from openoutcry.replay.rematch import Rematched

TRADE_ROW: Final = np.dtype(
    [
        ("time_ns", "<i8"),
        ("maker", "<u8"),
        ("taker", "<u8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("pair", "<u4"),
        ("side", "u1"),
        ("by_venue", "?"),
        ("spare", "V2"),
    ]
)
"""A trade: ids of the recording (0: not named), `side` the taker's, `by_venue`: the venue made the very same trade."""


def trades_of(flow: Flow, outcome: Rebuilt | Rematched) -> NDArray[np.void]:
    """Return the venue's trades after a rebuild, ours after a rematch (TRADE_ROW), in order."""
    return _ours(flow, outcome) if isinstance(outcome, Rematched) else _venues(flow)


def _venues(flow: Flow) -> NDArray[np.void]:
    found = flow.messages[np.isin(flow.messages["action"], (Action.FILL, Action.TRADE, Action.AUCTION))]
    rows = np.zeros(len(found), dtype=TRADE_ROW)
    rows["maker"], rows["taker"] = found["order_id"], found["other_id"]
    rows["side"] = 1 - found["side"]
    rows["by_venue"] = True
    for name in ("time_ns", "price_ticks", "qty_lots", "pair"):
        rows[name] = found[name]
    return rows


def _ours(flow: Flow, outcome: Rematched) -> NDArray[np.void]:
    found = outcome.ours
    rows = np.zeros(len(found), dtype=TRADE_ROW)
    message = outcome.message[found["sequence"].astype(np.int64) - 1]
    rows["time_ns"] = flow.messages["time_ns"][message]
    for name in ("maker", "taker", "price_ticks", "qty_lots", "pair", "side"):
        rows[name] = found[name]
    venue = Counter(zip(*(outcome.trades[name].tolist() for name in COMPARED), strict=True))
    same = []
    for trade in zip(*(found[name].tolist() for name in COMPARED), strict=True):
        same.append(venue[trade] > 0)
        venue[trade] -= 1
    rows["by_venue"] = same
    return rows
