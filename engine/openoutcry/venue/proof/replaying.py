"""The rules once more: where a file holds every command of a book from its first on, they are carried out again.

Own frames are in the file; those of others, and what the venue itself puts into the book, are there where they were
published (`session_file.Revealed`). Each is believed only under a head. The book begins empty: pairs and accounts enter
it by commands too.
"""

from typing import Final, NamedTuple

import numpy as np

from openoutcry.book.reference.books import ReferenceBooks
from openoutcry.domain import EventKind, Op, Side
from openoutcry.domain.records import COMMAND
from openoutcry.venue.proof.chain import leads_to
from openoutcry.venue.proof.findings import FindingCode
from openoutcry.venue.proof.hashes import digest_of, venue_leaf
from openoutcry.venue.proof.messages import Receipt, ReceiptState
from openoutcry.venue.proof.orders import Event, Order
from openoutcry.venue.proof.placing import place_faults, places_of
from openoutcry.venue.proof.session_file import Revealed
from openoutcry.venue.proof.story import Story

MEMBERS: Final = frozenset(
    {
        EventKind.RESTING, EventKind.TRADED, EventKind.CANCELLED, EventKind.REPLACED, EventKind.TRIGGERED,
        EventKind.REPLENISHED, EventKind.EXPIRED,
    }
)  # fmt: skip
"""Events that an order's owner is told."""


class _Known(NamedTuple):
    command: bytes
    own: bool


def check_replay(story: Story, orders: list[Order]) -> int:
    """Carry out what is known from the first command on; return the last number of the book that could be.

    Adds to the story's findings what comes out differently, and to the orders what stood on the other side when they
    came. Cost: 20 microseconds a command.
    """
    known = _known(story)
    if 1 not in known:
        story.notes.append("not every command of the book is in the file, so the rules were not carried out again")
        return 0
    books = ReferenceBooks((), accounts=0)
    rows, _ = story.events()
    last = story.told_until()
    told: dict[int, list[Event]] = {}
    for row in rows:
        told.setdefault(row[0], []).append(Event._make(row))
    arrivals = {order.book_sequence: order for order in orders}
    own: set[int] = set()
    number = 1
    while number in known:
        raw, is_own = known[number]
        if number in arrivals:
            arrivals[number].why = _opposite(books, arrivals[number])
        events = [Event._make(row) for row in books.apply(np.frombuffer(raw, COMMAND)).tolist()]
        if is_own:
            own.update(event.maker for event in events if event.kind == EventKind.ACCEPTED and event.code == Op.PLACE)
        expected = [event for event in events if _concerns(event, own, is_own)]
        _compare(story, number, expected, told.get(number, []), events, last)
        number += 1
    if number <= max(known):
        story.notes.append(f"the rules were carried out again up to book number {number - 1}: then commands lack")
    return number - 1


def _known(story: Story) -> dict[int, _Known]:
    """Return the commands that are known, by their number in the book."""
    known: dict[int, _Known] = {}
    places = places_of(story)
    for frame in story.ordered():
        for offset in range(len(frame.records) // COMMAND.itemsize):
            number = story.book.get(frame.sequence + offset)
            if number is not None:
                _know(story, known, number, frame.records, offset, is_own=True)
    for revealed in story.revealed:
        if _is_placed(story, revealed):
            places.append((story.heads[revealed.head].before + revealed.index, revealed.book_sequence))
            for offset in range(revealed.count):
                _know(story, known, revealed.book_sequence + offset, revealed.records, offset, is_own=False)
    for detail in place_faults(places):
        story.find(FindingCode.REORDERED, detail)
    return known


def _know(story: Story, known: dict[int, _Known], number: int, records: bytes, offset: int, *, is_own: bool) -> None:
    """Note a command; a sealed one stands in the file twice, as its owner's and as one that the venue carries out."""
    command = records[offset * COMMAND.itemsize : (offset + 1) * COMMAND.itemsize]
    before = known.setdefault(number, _Known(command, is_own))
    if before.command != command:
        story.find(FindingCode.CONTRADICTION, f"two different commands have book number {number}")


def _is_placed(story: Story, revealed: Revealed) -> bool:
    """Tell whether a published frame stands under the head that it names."""
    name = f"a frame published as book number {revealed.book_sequence}"
    head = story.heads.get(revealed.head)
    if head is None:
        story.notes.append(f"{name}: head {revealed.head} is not in the file")
        return False
    if len(revealed.records) != revealed.count * COMMAND.itemsize:
        story.find(FindingCode.FALSE_REVEALED, f"{name} has not as many commands as it says")
        return False
    digest = digest_of(revealed.records)
    fields = (revealed.sequence, revealed.count, revealed.book_sequence)
    leaf_hash = venue_leaf(revealed.salt, revealed.member, *fields, digest)
    receipt = Receipt(
        story.about.session, revealed.sequence, ReceiptState.PLACED, revealed.count, revealed.book_sequence,
        revealed.head, revealed.index, revealed.path,
    )  # fmt: skip
    if not leads_to(receipt, leaf_hash, head):
        story.find(FindingCode.FALSE_REVEALED, f"{name} does not stand under head {revealed.head}")
        return False
    return True


def _concerns(event: Event, own: set[int], is_own: bool) -> bool:
    """Tell whether the member must have been told of an event."""
    if event.kind in MEMBERS:
        return event.maker in own or (event.kind == EventKind.TRADED and event.taker in own)
    if event.kind == EventKind.ACCEPTED:
        return is_own and event.code == Op.PLACE
    return is_own and event.kind == EventKind.REJECTED


def _compare(
    story: Story, number: int, expected: list[Event], told: list[Event], events: list[Event], last: int
) -> None:
    left = iter(events)
    if not all(any(event == one for one in left) for event in told):
        story.find(FindingCode.REPLAY_DIFFERS, f"book number {number}: the member was told what the rules do not give")
    elif number <= last and not set(expected) <= set(told):
        lacking = next(event for event in expected if event not in told)
        what = EventKind(lacking.kind).name
        story.find(FindingCode.REPLAY_DIFFERS, f"book number {number}: {what} by the rules, and was not told")


def _opposite(books: ReferenceBooks, order: Order) -> str:
    """Say what stood on the other side when an order came."""
    try:
        bid, ask = books.best(order.pair)
        phase = books.phase(order.pair).name
    except KeyError:
        return "the pair was not listed"
    best = ask if order.side == Side.BUY else bid
    other = "sell" if order.side == Side.BUY else "buy"
    stood = f"the best {other} was {best}" if best is not None else f"there was no {other}"
    return f"when it came, in {phase}, {stood}"
