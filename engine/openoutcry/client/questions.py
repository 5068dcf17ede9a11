"""Questions that a venue answers page by page: a member's statement, an operator's day report.

`Questions` is without a socket; `ask_statement` and `ask_day_report` put it behind one, for a command that asks and
ends.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeAlias, TypeVar

from openoutcry.client.access import Access
from openoutcry.client.errors import ClientError, NoAnswer, NotConnected
from openoutcry.client.line import SETTINGS
from openoutcry.node.core.traffic import Outgoing
from openoutcry.node.zmq_io import LinkError, Links
from openoutcry.venue.messages import MESSAGES as VENUE_MESSAGES
from openoutcry.venue.messages import CommandsRefused, OperatorDone, OperatorFault
from openoutcry.venue.statements.answers import next_day_report, next_statement
from openoutcry.venue.statements.messages import MESSAGES as STATEMENT_MESSAGES
from openoutcry.venue.statements.messages import DayReport, DayReportAsk, Statement, StatementAsk
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.faults import WireFault, name_of
from openoutcry.wire.frames import is_record_frame
from openoutcry.wire.messages import Refuse
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import Message, tag_of

CODEC: Final = Codec(MESSAGES.extended([*VENUE_MESSAGES, *STATEMENT_MESSAGES]))

RETRY_NS: Final = 1_000_000_000
"""A page that has not come by then is asked for again."""

PAGES_MAX: Final = 4_096
"""Pages of one answer: a million lines."""

TURN_S: Final = 0.05
"""How long one wait for frames takes at most."""

TIMEOUT_S: Final = 10.0
"""How long the next page may take."""

Ask: TypeAlias = StatementAsk | DayReportAsk
Page = TypeVar("Page", Statement, DayReport)


class Questions(Generic[Page]):
    """Asks for one page after the other. Times are of a clock that never runs back.

    pages: what has come, in order. error: why no more will come. is_done: whether one of the two is final.
    """

    def __init__(self, first: Ask, page: type[Page], following: Callable[[Page], Ask | None]) -> None:
        """first: the question. page: type of the answers. following: what to ask behind a page, None for nothing."""
        self.pages: list[Page] = []
        self.error: ClientError | None = None
        self.is_done = False
        self._asked: Ask = first
        self._page: type[Page] = page
        self._following: Callable[[Page], Ask | None] = following
        self._due_ns = 0

    def tick(self, now_ns: int) -> list[bytes]:
        """Return the frames that are to be sent now."""
        if self.is_done or now_ns < self._due_ns:
            return []
        self._due_ns = now_ns + RETRY_NS
        return [encode(self._asked)]

    def arrive(self, frames: Iterable[bytes | memoryview]) -> None:
        """Take frames of the venue; what is no answer is left alone."""
        for frame in frames:
            message = None if is_record_frame(frame) else CODEC.decode(frame)
            if message is not None and not isinstance(message, WireFault) and not self.is_done:
                self._hear(message)

    def _hear(self, message: Message) -> None:
        match message:
            case Refuse() if message.about == tag_of(type(self._asked)):
                self._end(
                    ClientError(f"the venue does not answer: {name_of(message.reason)} {message.detail}".rstrip())
                )
            case OperatorDone() if message.about == tag_of(type(self._asked)):
                codes = OperatorFault._value2member_map_
                name = OperatorFault(message.code).name if message.code in codes else str(message.code)
                self._end(ClientError(f"the venue does not answer: {name}; are these an operator's keys?"))
            case CommandsRefused():
                self._end(ClientError(f"the venue does not answer: {message.reason.name}; are these a member's keys?"))
            case Statement() | DayReport() if isinstance(message, self._page) and self._is_answer(message):
                self.pages.append(message)
                asked = self._following(message)
                if asked is not None and len(self.pages) == PAGES_MAX:
                    self._end(ClientError(f"the venue answers with more than {PAGES_MAX} pages"))
                elif asked is None:
                    self.is_done = True
                else:
                    self._asked, self._due_ns = asked, 0
            case _:
                return

    def _is_answer(self, page: Statement | DayReport) -> bool:
        """Tell an answer to this question from a late one to the question before."""
        asked = self._asked
        if isinstance(page, Statement) and isinstance(asked, StatementAsk):
            start = (asked.account, asked.pair)
            return page.month == asked.month and all((line.account, line.pair) >= start for line in page.lines)
        if isinstance(page, DayReport) and isinstance(asked, DayReportAsk):
            return page.day == asked.day and all(line.pair >= asked.pair for line in page.lines)
        return False

    def _end(self, error: ClientError) -> None:
        self.error, self.is_done = error, True


def ask_statement(access: Access, month: int, timeout_s: float = TIMEOUT_S) -> list[Statement]:
    """Ask a venue for the statement of a member, all pages. month: year x 12 + month - 1. Raises ClientError."""
    return _ask(access, Questions(StatementAsk(month), Statement, next_statement), timeout_s)


def ask_day_report(access: Access, day: int, timeout_s: float = TIMEOUT_S) -> list[DayReport]:
    """Ask a venue for the report of a day, all pages. day: since 1970. Raises ClientError."""
    return _ask(access, Questions(DayReportAsk(day), DayReport, next_day_report), timeout_s)


def _ask(access: Access, questions: Questions[Page], timeout_s: float) -> list[Page]:
    """Open a link of its own, ask, and close it."""
    venue = access.venue
    try:
        links = Links(SETTINGS, access.identity, ("wallet",), [venue], time.time_ns, lambda key: False, "")
    except LinkError as error:
        raise NotConnected(str(error)) from error
    where = f"{venue.name or venue.key.hex()[:16]} at {venue.address}"
    try:
        have, until_ns = -1, 0
        while not questions.is_done:
            now_ns = time.monotonic_ns()
            if len(questions.pages) > have:
                have, until_ns = len(questions.pages), now_ns + int(timeout_s * 1e9)
            if now_ns >= until_ns:
                status = links.peers_status()[0]
                if not links.counters.admitted:
                    raise NotConnected(f"no link to {where}: {status.detail or 'it does not answer'}; is it running?")
                raise NoAnswer(f"{where} does not answer a question of {timeout_s:g} s ago")
            if links.counters.admitted:
                links.send([Outgoing(venue.key, memoryview(frame)) for frame in questions.tick(now_ns)])
            questions.arrive([frame for _, frame in links.receive(TURN_S, 64)])
    finally:
        links.close()
    if questions.error is not None:
        raise questions.error
    return questions.pages
