"""Everything that a client knows of one venue, without a socket: what arrives is sorted here, and what goes out waits.

The shells (`line`) give it frames and the time. Nothing here raises for what a venue sends: a frame that makes no sense
is counted, and what makes it impossible to go on is `fault`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from openoutcry.client.errors import ClientError, VenueFault
from openoutcry.client.listing import Listing, Scale
from openoutcry.client.market import Market
from openoutcry.client.operator import Operator
from openoutcry.client.orders import OrderEvent
from openoutcry.client.outbox import Batch, BatchState
from openoutcry.client.session import EventFrame, Session, SessionEvent
from openoutcry.marketdata.messages import MESSAGES as FEED_MESSAGES
from openoutcry.marketdata.records import KINDS
from openoutcry.venue.messages import MESSAGES as VENUE_MESSAGES
from openoutcry.venue.messages import OperatorDone, Pairs, PairsAsk
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import EVENTS, RecordTable, is_record_frame
from openoutcry.wire.messages import Refuse
from openoutcry.wire.signed import Signer
from openoutcry.wire.table import MESSAGES
from openoutcry.wire.tags import Message

CODEC: Final = Codec(MESSAGES.extended([*FEED_MESSAGES, *VENUE_MESSAGES]))
RECORDS: Final[RecordTable] = KINDS

ASK_RETRY_NS: Final = 1_000_000_000
"""A question about the listing that is not answered by then is asked again."""

Told = OrderEvent | SessionEvent | EventFrame | Callable[[], object]
"""What has happened, or what is to be called because of it, in order."""


class Part(Protocol):
    """Something more that is said between a member and a venue, such as the proof of its orders. Times as in `Desk`.

    out: frames for the venue; the desk empties it.
    """

    out: list[bytes | bytearray]

    def link_up(self, now_ns: int) -> None:
        """The link is there, or there again."""

    def saw(self, frame: bytes | bytearray | memoryview, is_sent: bool) -> None:
        """A frame goes out, or has come from the link or a topic, whatever it is; before anything is done about it."""

    def hear(self, message: Message, now_ns: int) -> bool:
        """Take a message that nobody else has taken; False for one of another subject."""

    def taken(self, batch: Batch) -> None:
        """A frame is durable at the venue, and so are all before it; `batch.frame` has its bytes until this returns.

        Called once for each frame, fillers among them, in order of their numbers.
        """

    def tick(self, now_ns: int) -> None:
        """Do what is due."""

    def due_ns(self) -> int | None:
        """Return when `tick` has something to do, None for not before something else happens."""


class Desk:
    """One venue from a client's side. Times: `now_ns` never runs back, `utc_ns` is UTC.

    out: frames for the venue, in order. refusals: the latest beside those of commands. junk: frames without sense.
    """

    def __init__(
        self,
        session: Session | None,
        signer: Signer,
        venue: bytes,
        scales: Mapping[str, Scale] | None = None,
    ) -> None:
        """session: None for a client that does not trade. signer: of this client's key. venue: the venue's key."""
        self.session = session
        self.listing = Listing(scales)
        self.market = Market()
        self.operator = Operator(signer, venue)
        self.parts: list[Part] = []
        self._unshown: list[Batch] = []
        self.is_up = False
        self.detail = "no link yet"
        self.junk = 0
        self.refusals: list[Refuse] = []
        self.fault: VenueFault | None = None
        self._out: list[bytes | bytearray] = []
        self._told: list[Told] = []
        self._ask_ns: int | None = None
        self._ask_from = 0

    def link_up(self, now_ns: int) -> None:
        """The link is there, or there again."""
        self.is_up, self.detail = True, ""
        self._ask_listing(0, now_ns)
        self.operator.link_up()
        self.market.link_up(now_ns)
        for part in self.parts:
            part.link_up(now_ns)
        if self.session is not None:
            self.session.link_up(now_ns)

    def link_down(self, detail: str) -> None:
        """The link is gone."""
        self.is_up, self.detail = False, detail
        if self.session is not None:
            self.session.link_down(detail)

    def ask_listing(self, now_ns: int) -> None:
        """Ask the venue once more what it trades."""
        self.listing.is_complete = False
        self._ask_listing(0, now_ns)

    def arrive(self, frames: Iterable[bytes | memoryview], now_ns: int) -> None:
        """Take frames of the venue, from its link or its topics."""
        try:
            for frame in frames:
                for part in self.parts:
                    part.saw(frame, False)
                if is_record_frame(frame):
                    self._records(frame, now_ns)
                else:
                    self._message(frame, now_ns)
        except VenueFault as error:
            self.fault = error

    def tick(self, now_ns: int, utc_ns: int) -> None:
        """Do what is due."""
        if not self.is_up:
            return
        if self._ask_ns is not None and now_ns >= self._ask_ns:
            self._ask_listing(self._ask_from, now_ns)
        self.operator.tick(now_ns, utc_ns)
        for part in self.parts:
            part.tick(now_ns)
        try:
            self.market.tick(now_ns)
            if self.session is not None:
                self.session.tick(now_ns)
        except VenueFault as error:
            self.fault = error

    def due_ns(self) -> int | None:
        """Return when `tick` has something to do, None for not before something else happens."""
        if not self.is_up:
            return None
        dues = [self._ask_ns, self.operator.due_ns(), self.market.due_ns(), *(part.due_ns() for part in self.parts)]
        if self.session is not None:
            dues.append(self.session.due_ns())
        return min((due for due in dues if due is not None), default=None)

    def take_out(self) -> list[bytes | bytearray]:
        """Return what is to be sent now, in order."""
        out, self._out = self._out, []
        for part in (self.session, self.operator, self.market, *self.parts):
            if part is not None and part.out:
                out += part.out
                part.out.clear()
        for one in self.parts:
            for frame in out:
                one.saw(frame, True)
        return out

    def take_told(self) -> tuple[list[Told], list[Batch]]:
        """Return what has happened since the last call, in order, and the batches that are settled.

        Parts see the frames of batches that were taken, fillers among them; nobody keeps them afterwards.
        """
        told, self._told = self._told, []
        told += self.market.told
        self.market.told.clear()
        session = self.session
        if session is None:
            return told, []
        told += session.told
        session.told.clear()
        settled, session.settled = session.settled, []
        if self.parts:
            self._show_taken(settled, session.outbox.first_unsettled)
        else:
            for batch in settled:
                batch.frame = bytearray()
        self.fault = self.fault or session.fault
        return told, [batch for batch in settled if not batch.is_filler]

    def _show_taken(self, settled: list[Batch], first_unsettled: int) -> None:
        """Show parts what was taken, in order: an answer that was lost may come after a later one."""
        self._unshown += [batch for batch in settled if batch.state is BatchState.TAKEN]
        self._unshown.sort(key=lambda batch: batch.sequence)
        while self._unshown and self._unshown[0].sequence < first_unsettled:
            batch = self._unshown.pop(0)
            for part in self.parts:
                part.taken(batch)
            batch.frame = bytearray()

    def tell(self, call: Callable[[], object]) -> None:
        """Have something called in the order of what has happened, when nothing is locked any more."""
        (self.session.told if self.session is not None else self._told).append(call)  # type: ignore[arg-type]

    def close(self) -> None:
        """Give up what is not answered."""
        self.operator.close()
        if self.session is not None:
            self.session.abandon()
        self.market.close(ClientError("this client is closed"))

    def _records(self, raw: bytes | memoryview, now_ns: int) -> None:
        frame = RECORDS.decode(raw)
        if isinstance(frame, WireFault):
            self.junk += 1
        elif frame.kind is EVENTS:
            if self.session is None or not self.session.hear_events(frame, raw, now_ns):
                self.junk += 1
        elif not self.market.hear_records(frame, raw, now_ns):
            self.junk += 1

    def _message(self, raw: bytes | memoryview, now_ns: int) -> None:
        message = CODEC.decode(raw)
        if isinstance(message, WireFault):
            self.junk += 1
            return
        if self.session is not None and self.session.hear(message, now_ns):
            return
        match message:
            case Pairs():
                following = self.listing.take(message)
                if following is None:
                    self._ask_ns = None
                else:
                    self._ask_listing(following, now_ns)
            case OperatorDone():
                self.operator.done(message)
            case Refuse():
                if not self.operator.refused(message):
                    self.refusals = [*self.refusals[-15:], message]
            case _:
                heard = self.market.hear(message, now_ns) or any(part.hear(message, now_ns) for part in self.parts)
                self.junk += not heard

    def _ask_listing(self, first: int, now_ns: int) -> None:
        self._ask_from, self._ask_ns = first, now_ns + ASK_RETRY_NS
        self._send(PairsAsk(first))

    def _send(self, message: Message) -> None:
        self._out.append(encode(message))
