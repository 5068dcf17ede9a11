"""What may be asked of a venue: pairs, its feeds, and by a member its own stream of events. Changes nothing."""

from collections.abc import Iterator

import numpy as np

from openoutcry.book.state import STATE_ORDER
from openoutcry.marketdata.messages import PublicDigestWanted
from openoutcry.role import Send
from openoutcry.venue import pairs
from openoutcry.venue.floor import Floor
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    CommandsRefused,
    EntryFault,
    OperatorDone,
    OperatorFault,
    PairsAsk,
)
from openoutcry.venue.proof.messages import ProofAsk
from openoutcry.venue.statements import answers
from openoutcry.venue.statements.messages import DayReportAsk, PairName, StatementAsk
from openoutcry.wire.faults import FaultCode, WireFault, fault
from openoutcry.wire.fields import KeyId
from openoutcry.wire.messages import StreamResend, StreamSnapshotWanted
from openoutcry.wire.snapshots import cut
from openoutcry.wire.streams import Resent
from openoutcry.wire.tags import Message, tag_of
from openoutcry.wire.versions import refuse

Question = PairsAsk | StreamResend | StreamSnapshotWanted | PublicDigestWanted | StatementAsk | DayReportAsk | ProofAsk


def answer(floor: Floor, sender: KeyId, question: Question, now_ns: int, is_operator: bool) -> list[Send]:
    """Return what goes back to who asks, a REFUSE for what cannot be answered."""
    if isinstance(question, PairsAsk):
        tariffs = floor.office.tariffs
        return [
            Send(sender, pairs.answer(floor.pairs, question.first, floor.books, lambda pair: tariffs.of(pair, now_ns)))
        ]
    if isinstance(question, ProofAsk):
        if floor.receipts is None:
            return [
                Send(sender, refuse(fault(FaultCode.UNKNOWN_TAG, "this venue gives no receipts"), tag_of(ProofAsk)))
            ]
        return [floor.receipts.answer(question, sender, floor.sessions.numbers.get(sender, 0))]
    if isinstance(question, StatementAsk | DayReportAsk):
        return [Send(sender, _account(floor, sender, question, now_ns, is_operator))]
    if question.stream >= EVENT_STREAM_MIN:
        found = _own(floor, sender, question)
    elif floor.feeds is None:
        found = fault(FaultCode.WRONG_STREAM, "no market data is published here")
    else:
        found = floor.feeds.answer(question, floor.books)
    if isinstance(found, WireFault):
        return [Send(sender, refuse(found, tag_of(type(question))))]
    return [Send(sender, body) for body in found]


def _own(
    floor: Floor, sender: KeyId, question: StreamResend | StreamSnapshotWanted | PublicDigestWanted
) -> list[Message | memoryview] | WireFault:
    """Answer about a member's own events; nobody else's are told."""
    session = question.stream - EVENT_STREAM_MIN
    if floor.sessions.numbers.get(sender) != session or isinstance(question, PublicDigestWanted):
        return fault(FaultCode.WRONG_STREAM, f"stream {question.stream} is not yours")
    stream = floor.router.stream(session, floor.sessions)
    stream.mark_snapshot(stream.head)
    if isinstance(question, StreamResend):
        found = stream.answer(question)
        if isinstance(found, WireFault):
            return found
        return [*(memoryview(item.frame) for item in found.items), found.head] if isinstance(found, Resent) else [found]
    return [*cut(stream.stream, stream.head, open_orders(floor, session).tobytes()), stream.announce()]


def _account(
    floor: Floor, sender: KeyId, question: StatementAsk | DayReportAsk, now_ns: int, is_operator: bool
) -> Message:
    """Answer a member about its own accounts, an operator about a day. Cost: 10 microseconds a line."""
    names = {number: PairName(number, one.name, one.quote) for number, one in floor.pairs.items()}
    accounting = floor.office.accounting
    if isinstance(question, DayReportAsk):
        if not is_operator:
            return OperatorDone(tag_of(DayReportAsk), OperatorFault.NOT_AN_OPERATOR, 0)
        return answers.day_report(accounting.days, question, names, now_ns)
    session = floor.sessions.numbers.get(sender)
    if session is None:
        return CommandsRefused(0, 1, EntryFault.UNKNOWN_SESSION, 0, 1)
    return answers.statement(accounting.ledger, question, floor.sessions.accounts_of(session), names, now_ns)


def open_orders(floor: Floor, session: int) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
    """Return the live orders of a session as STATE_ORDER records, by handle's slot. Cost: 5 microseconds each."""
    rows = list(_orders(floor, session))
    return np.array(rows, STATE_ORDER) if rows else np.zeros(0, STATE_ORDER)


def _orders(floor: Floor, session: int) -> Iterator[np.void]:
    for handle in floor.router.handles_of(floor.sessions.accounts_of(session)):
        order = floor.books.order(handle)
        if order is not None:
            yield order
