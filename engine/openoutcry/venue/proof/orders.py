"""What became of each order of a session, by its events, and which events cannot be.

Every event is held against the command that it answers and against the events before it: an order trades only while it
is live, at its limit or better, and never more than is left of it.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from openoutcry.domain import CancelReason, EventKind, Op, OrderType, RejectCode, Side
from openoutcry.venue.proof.findings import FindingCode
from openoutcry.venue.proof.limits import WAIT_NS
from openoutcry.venue.proof.story import Story, commands_of

ANSWERED: Final = frozenset({Op.PLACE, Op.CANCEL, Op.REDUCE, Op.REPLACE})
"""Commands of which an event always says what became of them."""

SLIDES: Final = frozenset({OrderType.POST_ONLY_SLIDE, OrderType.MARKET_TO_LIMIT})
"""Orders whose own price is not the one that they were sent with."""


class Event(NamedTuple):
    """One EVENT record."""

    sequence: int
    kind: int
    side: int
    code: int
    flags: int
    pair: int
    maker: int
    taker: int
    price_ticks: int
    qty_lots: int
    maker_leaves: int
    taker_leaves: int


class Sent(NamedTuple):
    """One command of the member that has a number of the book."""

    sequence: int
    op: int
    side: int
    kind: int
    pair: int
    client_id: int
    price_ticks: int
    qty_lots: int


@dataclass(slots=True)
class Order:
    """One order as its owner's events tell it."""

    sequence: int
    client_id: int
    pair: int
    side: Side
    kind: int
    limit: int
    quantity: int
    book_sequence: int
    leaves: int = 0
    live: bool = True
    filled: int = 0
    price_of: dict[int, int] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)
    why: str = ""
    """What a replay adds: the other side when it came."""

    def words(self) -> str:
        """Say in one line what became of it."""
        price = f" at {self.limit}" if self.limit else ""
        line = f"order {self.client_id} (command {self.sequence}, book {self.book_sequence}): "
        line += f"{self.side.name} {self.quantity}{price} in pair {self.pair}"
        if self.filled:
            fills = ", ".join(f"{lots} at {ticks}" for ticks, lots in self.price_of.items())
            line += f": traded {self.filled} ({fills})"
        else:
            line += f": did not trade{self.why and ': '}{self.why}"
        line += "".join(f"; {end}" for end in self.ends)
        return f"{line}; {self.leaves} still open" if self.live and self.leaves else line


def sent_commands(story: Story) -> dict[int, Sent]:
    """Return the member's commands by their number in the book."""
    found: dict[int, Sent] = {}
    names = ["op", "side", "kind", "pair", "client_id", "price_ticks", "qty_lots"]
    for frame in story.ordered():
        for offset, row in enumerate(commands_of(frame)[names].tolist()):
            number = story.book.get(frame.sequence + offset)
            if number is not None:
                found[number] = Sent(frame.sequence + offset, *row)
    return found


def check_orders(story: Story) -> list[Order]:
    """Return the member's orders, and add to the story's findings what cannot be. Cost: 3 microseconds an event."""
    rows, is_cut = story.events()
    missing = story.about.first_event + len(rows)
    late = [at for at, first, last in story.asked_events if first <= missing <= last]
    if late and late[-1].time_ns < story.heard_ns - WAIT_NS:
        story.find(FindingCode.WITHHELD, f"event {missing} was asked for and has not come")
    teller = _Teller(story, sent_commands(story), missing, strict=story.about.first == story.about.first_event == 1)
    for row in rows:
        teller.tell(Event._make(row))
    teller.check_answers()
    if is_cut or missing <= story.event_head:
        story.notes.append(
            f"events are missing in the file after the first {len(rows)}; none after that were looked at"
        )
    teller.check_matches()
    return teller.told


def _told_until(story: Story) -> int:
    """Return the book's number up to which every command of the member is known to be taken or not."""
    waiting = [
        number
        for number, frame in story.frames.items()
        if number not in story.book and not frame.refused and frame.records
    ]
    if not waiting:
        return 2**63
    before = (frame for number, frame in story.frames.items() if number < min(waiting) and not frame.sealed)
    return max((story.book.get(frame.last, 0) for frame in before), default=0)


class _Teller:
    """Goes through events in order."""

    def __init__(self, story: Story, sent: dict[int, Sent], missing: int, strict: bool) -> None:
        self.story, self.sent, self.strict = story, sent, strict
        self.orders: dict[int, Order] = {}
        self.told: list[Order] = []
        self.answered: set[int] = set()
        self.fills: set[tuple[int, int, int, int]] = set()
        self.until = story.told_until()
        self.missing = missing
        self.unsure: set[int] = set()
        self.told_until = _told_until(story)
        """An answer to a later number may be to a command of which COMMANDS_TAKEN has not come yet."""

    def tell(self, event: Event) -> None:
        """Take the next event."""
        match event.kind:
            case EventKind.ACCEPTED:
                self._accepted(event)
            case EventKind.REJECTED:
                self._rejected(event)
            case EventKind.TRADED:
                self._traded(event)
            case EventKind.CANCELLED | EventKind.EXPIRED:
                self._taken_off(event)
            case EventKind.REPLACED:
                self._replaced(event)
            case EventKind.RESTING | EventKind.REPLENISHED | EventKind.TRIGGERED:
                self._goes_on(event)
            case _:
                return

    def _find(self, code: FindingCode, event: Event, detail: str, sequence: int = 0) -> None:
        self.story.find(code, f"{detail} (event of book number {event.sequence})", sequence)

    def _command(self, event: Event) -> Sent | None:
        """Return the member's command that an event answers; an answer without one was inserted by the venue."""
        sent = self.sent.get(event.sequence)
        if sent is None and event.sequence > self.told_until:
            self.unsure.add(event.maker)
        elif sent is None and self.strict:
            self._find(FindingCode.INSERTED, event, "an answer to a command that the member has not sent")
        return sent

    def _accepted(self, event: Event) -> None:
        sent = self._command(event)
        self.answered.add(event.sequence)
        if event.code != Op.PLACE or sent is None:
            return
        same = (sent.op, sent.client_id, sent.pair, sent.side, sent.qty_lots)
        price_fits = event.price_ticks == sent.price_ticks or sent.kind in SLIDES
        if same != (event.code, event.taker, event.pair, event.side, event.qty_lots) or not price_fits:
            self._find(FindingCode.WRONG_ANSWER, event, "accepted as another order than was sent", sent.sequence)
        limit = event.price_ticks or sent.price_ticks
        order = Order(
            sent.sequence, sent.client_id, sent.pair, Side(event.side & 1), sent.kind, limit, sent.qty_lots,
            event.sequence, sent.qty_lots,
        )  # fmt: skip
        self.orders[event.maker] = order
        self.told.append(order)

    def _rejected(self, event: Event) -> None:
        sent = self._command(event)
        self.answered.add(event.sequence)
        if sent is None:
            return
        if event.taker != sent.client_id:
            self._find(FindingCode.WRONG_ANSWER, event, "the refusal names another order", sent.sequence)
        if sent.op == Op.PLACE:
            fields = (sent.sequence, sent.client_id, sent.pair, Side(sent.side & 1), sent.kind, sent.price_ticks)
            order = Order(*fields, sent.qty_lots, event.sequence, live=False)
            known = event.code in RejectCode._value2member_map_
            order.ends.append(f"refused: {RejectCode(event.code).name if known else f'code {event.code}'}")
            self.told.append(order)

    def _traded(self, event: Event) -> None:
        sides = ((event.maker, event.maker_leaves, 1 - event.side), (event.taker, event.taker_leaves, event.side))
        own = [(self.orders[handle], leaves, side) for handle, leaves, side in sides if handle in self.orders]
        if self.unsure.intersection((event.maker, event.taker)):
            self.fills.add((event.sequence, event.pair, event.price_ticks, event.qty_lots))
        elif not own and self.strict:
            self._find(FindingCode.INVENTED_FILL, event, "a trade of two orders that are not the member's")
        for order, leaves, side in own:
            beyond = event.qty_lots < 1 or event.qty_lots > order.leaves
            if not order.live or beyond or side != order.side or event.pair != order.pair:
                left = f"{event.qty_lots} lots of an order with {order.leaves} left"
                self._find(FindingCode.INVENTED_FILL, event, left, order.sequence)
            elif leaves != order.leaves - event.qty_lots:
                self._leaves(event, order, leaves, order.leaves - event.qty_lots)
            if order.limit and (
                event.price_ticks > order.limit if order.side == Side.BUY else event.price_ticks < order.limit
            ):
                detail = f"a fill at {event.price_ticks}, the limit is {order.limit}"
                self._find(FindingCode.BEYOND_LIMIT, event, detail, order.sequence)
            order.leaves = leaves
            order.live = leaves > 0
            order.filled += event.qty_lots
            order.price_of[event.price_ticks] = order.price_of.get(event.price_ticks, 0) + event.qty_lots
            self.fills.add((event.sequence, event.pair, event.price_ticks, event.qty_lots))

    def _leaves(self, event: Event, order: Order, said: int, left: int) -> None:
        self._find(FindingCode.WRONG_LEAVES, event, f"{said} lots are said to be left, not {left}", order.sequence)

    def _order(self, event: Event) -> Order | None:
        order = self.orders.get(event.maker)
        if order is None and self.strict and event.maker not in self.unsure:
            self._find(FindingCode.WRONG_ANSWER, event, "an event of an order that is not the member's")
        elif order is not None and not order.live:
            self._find(FindingCode.WRONG_ANSWER, event, "an event of an order that is gone", order.sequence)
        return order

    def _taken_off(self, event: Event) -> None:
        order, sent = self._order(event), self.sent.get(event.sequence)
        self.answered.add(event.sequence)
        if order is None:
            return
        by_owner = event.kind == EventKind.CANCELLED and event.code == CancelReason.USER
        is_known = sent is not None or event.sequence <= self.told_until
        if by_owner and is_known and (sent is None or sent.op not in (Op.CANCEL, Op.REDUCE)):
            self._find(FindingCode.NOT_CANCELLED, event, "cancelled as by its owner, who has not", order.sequence)
        if event.maker_leaves != order.leaves - event.qty_lots:
            self._leaves(event, order, event.maker_leaves, order.leaves - event.qty_lots)
        known = event.code in CancelReason._value2member_map_
        word = "expired" if event.kind == EventKind.EXPIRED else "cancelled"
        reason = CancelReason(event.code).name if known else f"reason {event.code}"
        order.ends.append(f"{word} {event.qty_lots} ({reason}, book {event.sequence})")
        order.leaves = event.maker_leaves
        order.live = order.leaves > 0

    def _replaced(self, event: Event) -> None:
        order, sent = self._order(event), self.sent.get(event.sequence)
        self.answered.add(event.sequence)
        if order is None:
            return
        if sent is not None and sent.op == Op.REPLACE:
            price_fits = event.price_ticks == sent.price_ticks or order.kind in SLIDES
            if event.maker_leaves != sent.qty_lots or not price_fits:
                self._find(FindingCode.WRONG_ANSWER, event, "replaced by something else than was sent", sent.sequence)
        order.limit, order.leaves = event.price_ticks, event.maker_leaves
        order.ends.append(f"replaced by {event.maker_leaves} at {event.price_ticks} (book {event.sequence})")

    def _goes_on(self, event: Event) -> None:
        order = self._order(event)
        if order is None:
            return
        if event.maker_leaves != order.leaves:
            self._leaves(event, order, event.maker_leaves, order.leaves)
        if event.kind == EventKind.RESTING and event.price_ticks:
            order.limit = event.price_ticks

    def check_answers(self) -> None:
        """Every order, change and cancellation has an answer, once there are events of later commands."""
        for number, sent in self.sent.items():
            if sent.op in ANSWERED and number not in self.answered and number <= self.until:
                detail = f"taken as book number {number}, and no event says what became of it"
                self.story.find(FindingCode.UNANSWERED, detail, sent.sequence)

    def check_matches(self) -> None:
        """Every match that names the member is one of its fills."""
        member, (head, head_at) = self.story.about.member, self.story.stream_head
        for number, told in sorted(self.story.matches.items()):
            for match in told:
                fill = (match.book_sequence, match.pair, match.price_ticks, match.qty_lots)
                # A head of the stream after the match that names no event which is not here: none will come.
                all_told = head < self.missing and head_at.entry > self.story.match_at[number].entry
                concerns = member in (match.maker.member, match.taker.member)
                may_come = match.book_sequence > self.until and not all_told
                if concerns and not may_come and self.strict and fill not in self.fills:
                    self.story.find(FindingCode.MATCH_WITHOUT_FILL, f"match {number} is no fill of the member")
