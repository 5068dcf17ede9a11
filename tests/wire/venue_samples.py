"""One or more messages of every tag of a venue, each beside its content as plain values, written out by hand."""

from typing import Any, Final

from openoutcry.domain import Phase
from openoutcry.venue.messages import (
    CancelFor,
    CommandsRefused,
    CommandsTaken,
    EntryFault,
    KeepAlive,
    MemberAdd,
    MemberLimit,
    MemberRate,
    MemberSuspend,
    OperatorDone,
    OrderEntry,
    PairList,
    PairListed,
    PairPhase,
    Pairs,
    PairsAsk,
    SessionClose,
    SessionClosed,
    SessionOpen,
    SessionOpened,
    TakenRun,
)
from openoutcry.wire.tags import Message

MEMBER, BASE, QUOTE, COMMAND = b"M" * 32, b"B" * 32, b"Q" * 32, bytes(range(64))
LARGEST: Final = 2**63 - 1
TIME_NS: Final = 1_700_000_000_000_000_000

VENUE_SAMPLES: Final[tuple[tuple[Message, list[Any]], ...]] = (
    (SessionOpen(True, 2_000_000_000), [60, True, 2_000_000_000]),
    (SessionOpen(False), [60, False, 0]),
    (
        SessionOpened(3, 18, 2**32 + 3, 44, (7, 8), True, 0, 1_000, TIME_NS),
        [61, 3, 18, 2**32 + 3, 44, [7, 8], True, 0, 1_000, TIME_NS],
    ),
    (SessionClose(3, True), [62, 3, True]),
    (SessionClosed(3, 12, "silent"), [63, 3, 12, "silent"]),
    (KeepAlive(65_536), [64, 65_536]),
    (OrderEntry(3, 18, COMMAND), [65, 3, 18, COMMAND]),
    (
        CommandsTaken(3, 18, (TakenRun(256, 1_000), TakenRun(1, LARGEST)), 45),
        [66, 3, 18, [[256, 1_000], [1, LARGEST]], 45],
    ),
    (CommandsRefused(3, 18, EntryFault.GAP, 0, 17), [67, 3, 18, 3, 0, 17, 0, ""]),
    (CommandsRefused(LARGEST, 1, EntryFault.CHECK, 5, 1, 200, "no"), [67, LARGEST, 1, 7, 5, 1, 200, "no"]),
    (PairsAsk(9), [68, 9]),
    (
        Pairs((PairListed(7, BASE, QUOTE, "OUT/EUR", 10, 1, 2**28 - 1, 10**6, Phase.AUCTION, -20, 35, 1, 0),), True),
        [69, [[7, BASE, QUOTE, "OUT/EUR", 10, 1, 2**28 - 1, 10**6, 2, -20, 35, 1, 0]], True],
    ),
    (MemberAdd(MEMBER, 2, 10_000, "maker one", 1), [70, MEMBER, 2, 10_000, "maker one", 1]),
    (MemberSuspend(MEMBER, True, False), [71, MEMBER, True, False]),
    (MemberLimit(MEMBER, -1, 2, -(2**62)), [72, MEMBER, -1, 2, -(2**62)]),
    (MemberRate(MEMBER, 10**8), [73, MEMBER, 10**8]),
    (PairList(COMMAND, BASE, QUOTE, "OUT/EUR", 10), [74, COMMAND, BASE, QUOTE, "OUT/EUR", 10]),
    (PairPhase(7, Phase.PRE_OPEN, True, "at 9"), [75, 7, 1, True, "at 9"]),
    (CancelFor(MEMBER, -1), [76, MEMBER, -1]),
    (OperatorDone(70, 0, 3), [77, 70, 0, 3, ""]),
)
