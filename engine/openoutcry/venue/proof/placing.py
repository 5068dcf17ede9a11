"""Whether a session's frames stand where they were sent to: heads, the member's own chain, receipts, numbers."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from openoutcry.venue.proof.chain import follows, leads_to
from openoutcry.venue.proof.findings import FindingCode
from openoutcry.venue.proof.hashes import head_chain, member_start, run_salt, venue_leaf, venue_start
from openoutcry.venue.proof.limits import WAIT_NS
from openoutcry.venue.proof.member import make_link
from openoutcry.venue.proof.messages import ChainHead, Receipt
from openoutcry.venue.proof.story import Frame, Story, commands_of


def check_placing(story: Story) -> None:
    """Add to the story's findings what its heads, receipts and signatures contradict. Cost: 6 microseconds a frame."""
    _check_heads(story)
    _check_numbers(story)
    _check_chain(story)
    _check_receipts(story)
    _check_order(story)


def _check_heads(story: Story) -> None:
    first = story.heads.get(1)
    if first is not None and (first.previous, first.before) != (venue_start(story.about.venue), 0):
        story.find(FindingCode.BROKEN_CHAIN, "head 1 is not the first one of this venue")
    for before, after in pairwise(head for _, head in sorted(story.heads.items())):
        found = head_fault(before, after)
        if found:
            story.find(FindingCode.BROKEN_CHAIN, found)


def head_fault(before: ChainHead, after: ChainHead) -> str:
    """Say why two heads, the second with a higher number, are not of one chain, or "". Without those in between only
    what counts is compared."""
    if after.sequence == before.sequence + 1:
        return "" if follows(after, before) else f"head {after.sequence} does not follow head {before.sequence}"
    between = after.sequence - before.sequence - 1
    runs_back = (
        after.before < before.before + before.count + between
        or after.time_ns < before.time_ns
        or after.book_sequence < before.book_sequence
    )
    return f"head {after.sequence} counts less than head {before.sequence}" if runs_back else ""


def _check_numbers(story: Story) -> None:
    """Look for commands that were taken but not sent, and for frames whose commands do not follow one another."""
    sent: set[int] = set()
    for frame in story.frames.values():
        sent.update(range(frame.sequence, frame.last + 1))
    foreign = [number for number in story.book if number not in sent and number >= story.about.first]
    if foreign or story.foreign:
        detail = "a command was taken that the member has not sent"
        story.find(FindingCode.INSERTED, detail, min(foreign + story.foreign))
    for frame in story.ordered():
        first = story.book.get(frame.sequence)
        if first is None:
            continue
        for offset in range(1, frame.count):
            if story.book.get(frame.sequence + offset) != first + offset:
                detail = "not carried out right after the command before it in its frame"
                story.find(FindingCode.REORDERED, detail, frame.sequence + offset)
                break


def _check_chain(story: Story) -> None:
    """Compare the member's chain with what the venue said of it, and with what the member signed."""
    about, secret = story.about, story.secret
    if secret is None:
        story.notes.append("the venue has told no secret, so no receipt can be checked")
        return
    if any(state.secret != secret for state in story.states):
        story.find(FindingCode.CONTRADICTION, "the venue has told two secrets for one session")
    ends = _chain_ends(story, secret)
    if ends is None:
        story.notes.append("the file does not hold the session from its start, so the member's chain is not checked")
        return
    sent, known = max((frame.last for frame in story.frames.values()), default=about.first - 1), max(ends)
    for state in story.states:
        if state.sequence > sent:
            detail = f"the venue counts {state.sequence} commands, {sent} were sent"
            story.find(FindingCode.INSERTED, detail, sent + 1)
        elif about.first - 1 <= state.sequence <= known and ends.get(state.sequence) != state.chain:
            detail = "the venue's chain of this member is not that of the commands it has sent"
            story.find(FindingCode.OTHER_CHAIN, detail, state.sequence)
    for _, signed in story.signed:
        if (signed.venue, signed.member, signed.session) != (about.venue, about.member, about.session):
            story.find(FindingCode.OTHER_SESSION, "a signature for another session", signed.sequence)
        elif about.first <= signed.sequence <= known and ends.get(signed.sequence) != signed.chain:
            detail = "the member has signed another chain than that of its commands"
            story.find(FindingCode.SENT_DIFFERENT, detail, signed.sequence)


def _chain_ends(story: Story, secret: bytes) -> dict[int, bytes] | None:
    """Return the last command of each run to the chain after it, as far as receipts say what the runs are.

    None where the file does not hold the start.
    """
    about = story.about
    chain, following = member_start(about.venue, about.member, about.session), 1
    if about.first > 1:
        start = next((state for state in story.states if state.sequence == about.first - 1), None)
        if start is None:
            return None
        chain, following = start.chain, about.first
    ends = {following - 1: chain}
    for run in story.runs():
        if run.sequence == following and run.sequence in story.receipts:
            chain = make_link(secret, chain, run.sequence, run.count, run.digest).chain
            following = run.last + 1
            ends[run.last] = chain
    return ends


def _check_receipts(story: Story) -> None:
    late_ns = story.heard_ns - WAIT_NS
    for sequence in sorted(story.denied):
        story.find(FindingCode.DROPPED, "the venue has acknowledged the command, and says it has none", sequence)
    for run in story.runs():
        receipt = story.receipts.get(run.sequence)
        if receipt is not None:
            _check_receipt(story, run, receipt)
        elif run.sequence not in story.denied:
            story.notes.append(f"command {run.sequence}: no receipt in the file, its place is not proved")
    for sequence, at in sorted(story.asked.items()):
        is_taken = sequence in story.book or sequence in story.taken_at
        if is_taken and at.time_ns < late_ns and sequence not in story.denied and not story.has_receipt(sequence):
            story.find(FindingCode.WITHHELD, "the receipt was asked for and has not come", sequence)
    for number, at in sorted(story.asked_heads.items()):
        if number not in story.heads and at.time_ns < late_ns:
            story.find(FindingCode.WITHHELD, f"head {number} was asked for and has not come")


def _check_receipt(story: Story, frame: Frame, receipt: Receipt) -> None:
    head, secret = story.heads.get(receipt.head), story.secret
    opened, shown = story.opened.get(frame.sequence), story.head_at.get(receipt.head)
    if opened is not None and (shown is None or opened.entry < shown.entry):
        story.notes.append(f"command {frame.sequence} was opened before a head showed its place")
    known = 0 if frame.sealed else story.book.get(frame.sequence, receipt.book_sequence)
    if known != receipt.book_sequence:
        detail = f"the receipt says book number {receipt.book_sequence}, the answer said {known}"
        story.find(FindingCode.CONTRADICTION, detail, frame.sequence)
    if head is None:
        story.notes.append(f"command {frame.sequence}: head {receipt.head} is not in the file")
        return
    if secret is None:
        return
    salt = run_salt(secret, frame.sequence)
    member, book = story.about.member, receipt.book_sequence
    leaf_hash = venue_leaf(salt, member, frame.sequence, frame.count, book, frame.digest)
    if not leads_to(receipt, leaf_hash, head):
        story.find(FindingCode.TAMPERED, f"what stands under head {head.sequence} is not what was sent", frame.sequence)
    before = story.heads.get(head.sequence - 1)
    if book and (book + frame.count - 1 > head.book_sequence or (before and book <= before.book_sequence)):
        detail = f"book number {book} does not belong under head {head.sequence}"
        story.find(FindingCode.REORDERED, detail, frame.sequence)


def _check_order(story: Story) -> None:
    """Places and book numbers rise as the commands were sent; nothing stands before a head that its sender had seen."""
    place, book = -1, 0
    sealed_book: dict[int, int] = {}
    for run in story.runs():
        receipt = story.receipts.get(run.sequence)
        head = story.heads.get(receipt.head) if receipt else None
        if receipt and head:
            here = head.before + receipt.index
            if here <= place:
                story.find(FindingCode.REORDERED, f"place {here}, but the commands before have {place}", run.sequence)
            place = max(place, here)
            _check_seen(story, run, here)
    for frame in story.ordered():
        number = story.book.get(frame.sequence)
        if number is None:
            continue
        # Sealed commands of one pair are carried out in the order of their hashes, others at once.
        pair = int(commands_of(frame)["pair"][0]) if frame.sealed and frame.records else -1
        if number <= (sealed_book.get(pair, 0) if frame.sealed else book):
            story.find(FindingCode.REORDERED, f"book number {number} after a later one", frame.sequence)
        if frame.sealed:
            sealed_book[pair] = number
        else:
            book = number + frame.count - 1


def places_of(story: Story) -> list[tuple[int, int]]:
    """Return the place and the book's number of each frame whose receipt and head are there; sealed ones have none."""
    places = []
    for frame in story.runs():
        receipt = story.receipts.get(frame.sequence)
        head = story.heads.get(receipt.head) if receipt else None
        if receipt and head and receipt.book_sequence:
            places.append((head.before + receipt.index, receipt.book_sequence))
    return places


def place_faults(places: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Yield where frames, of whomever, stand in another order than the book has carried them out in."""
    for (_, before), (place, number) in pairwise(sorted(places)):
        if number <= before:
            yield f"place {place} has book number {number}, the one before it {before}"


def _check_seen(story: Story, frame: Frame, place: int) -> None:
    for at, signed in story.signed:
        head = story.heads.get(signed.seen)
        if head is None or at.entry >= frame.sent_at or frame.last <= signed.sequence:
            continue
        if head_chain(head) == signed.seen_chain and place < head.before + head.count:
            detail = f"placed before the end of head {head.sequence}, which its sender had seen"
            story.find(FindingCode.BEFORE_SEEN, detail, frame.sequence)
