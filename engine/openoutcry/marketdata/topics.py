"""Names and numbers of the streams: which topic carries which records of which pair."""

from enum import IntEnum
from typing import Final

from openoutcry.domain.limits import PAIRS_MAX
from openoutcry.marketdata.records import INDICATIONS, L3, LEVELS, TOPS, TRADES
from openoutcry.role import Topic
from openoutcry.wire.frames import RecordKind


class Channel(IntEnum):
    """What of a pair a stream carries; the number is that of its record kind."""

    L3 = 3
    L2 = 4
    TOP = 5
    TRADES = 6
    AUCTION = 7


KIND_OF: Final[dict[Channel, RecordKind]] = {
    Channel.L3: L3,
    Channel.L2: LEVELS,
    Channel.TOP: TOPS,
    Channel.TRADES: TRADES,
    Channel.AUCTION: INDICATIONS,
}

CHANNEL_BITS: Final = 8
"""Low bits of a stream's number that say which channel it is."""


def stream_of(pair: int, channel: Channel) -> int:
    """Return the number of a stream, as it stands in its frames and in all messages about it; below 2^24.

    >>> stream_of(7, Channel.L2)
    1796
    """
    return pair << CHANNEL_BITS | channel


def channel_of(stream: int) -> tuple[int, Channel] | None:
    """Return pair and channel of a stream's number, None where it is no stream of market data.

    >>> channel_of(1796)
    (7, <Channel.L2: 4>)
    """
    pair, number = stream >> CHANNEL_BITS, stream & (1 << CHANNEL_BITS) - 1
    if not 0 <= pair < PAIRS_MAX or number not in Channel._value2member_map_:
        return None
    return pair, Channel(number)


def topic_of(pair: int, channel: Channel) -> Topic:
    """Return the topic that a stream goes out on.

    >>> topic_of(7, Channel.TRADES)
    'trades.7'
    """
    return Topic(f"{channel.name.lower()}.{pair}")


def state_topic_of(pair: int) -> Topic:
    """Return the topic of the signed MARKET_STATE of a pair, as the venue obeys it."""
    return Topic(f"state.{pair}")
