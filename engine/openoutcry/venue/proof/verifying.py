"""`outcry verify session`, without files and terminals: one session by itself, and two against each other."""

from itertools import pairwise
from typing import BinaryIO, NamedTuple

from openoutcry.domain import EventKind
from openoutcry.venue.messages import MESSAGES as VENUE_MESSAGES
from openoutcry.venue.proof.findings import Finding, FindingCode
from openoutcry.venue.proof.limits import WAIT_NS
from openoutcry.venue.proof.match import Refused, judge_match, quantity_of
from openoutcry.venue.proof.messages import MESSAGES as PROOF_MESSAGES
from openoutcry.venue.proof.orders import Event, Order, check_orders, sent_commands
from openoutcry.venue.proof.placing import check_placing, head_fault, place_faults, places_of
from openoutcry.venue.proof.replaying import check_replay
from openoutcry.venue.proof.story import Story, read_story
from openoutcry.venue.statements.messages import MESSAGES as STATEMENT_MESSAGES
from openoutcry.wire.codec import Codec
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import KINDS
from openoutcry.wire.signed import Verifier
from openoutcry.wire.table import MESSAGES

CODEC = Codec(MESSAGES.extended([*VENUE_MESSAGES, *PROOF_MESSAGES, *STATEMENT_MESSAGES]))
"""Decodes whatever a session file of a venue holds."""


class Report(NamedTuple):
    """What a session file shows. replayed: the last number of the book up to which the rules were carried out again."""

    story: Story
    orders: list[Order]
    findings: list[Finding]
    replayed: int


def verify_session(source: BinaryIO, member: bytes, verifier: Verifier) -> Report | WireFault:
    """Check one session file of a member. A fault where it is no session file.

    Cost: 10 microseconds an event, 20 a command where the rules are carried out again, 150 a match.
    """
    story = read_story(source, CODEC, KINDS, verifier)
    if isinstance(story, WireFault):
        return story
    if story.about.member != member:
        story.find(FindingCode.OTHER_SESSION, f"the file is that of member {story.about.member.hex()[:16]}")
    check_placing(story)
    orders = check_orders(story)
    _check_settling(story, verifier)
    replayed = check_replay(story, orders)
    return Report(story, orders, story.findings, replayed)


def _check_settling(story: Story, verifier: Verifier) -> None:
    """Every match can be settled by one of the forms in which it was told, once the members have had time to sign."""
    filled: dict[tuple[bytes, int, int], int] = {}
    for number, told in sorted(story.matches.items()):
        judged = [judge_match(match, story.about.venue, verifier) for match in told]
        refused = [one for one in judged if isinstance(one, Refused)]
        if len(refused) < len(judged):
            good = next(one for one in judged if not isinstance(one, Refused))
            for side, proof in zip((good.maker, good.taker), good.proofs, strict=True):
                order = (side.member, side.session, side.sequence)
                filled[order] = filled.get(order, 0) + good.qty_lots
                if filled[order] > quantity_of(proof):
                    detail = f"match {number}: with those before it more than command {side.sequence} asks for"
                    story.find(FindingCode.MATCH_REFUSED, f"{detail}, member {side.member.hex()[:16]}")
            continue
        if not any(match.proofs for match in told) and story.heard_ns - told[0].time_ns < WAIT_NS:
            story.notes.append(f"match {number}: the members' signatures have not come yet")
            continue
        worst = refused[-1]
        detail = f"match {number}: {worst.fault.name.lower().replace('_', ' ')}, "
        story.find(FindingCode.MATCH_REFUSED, f"{detail}member {worst.member.hex()[:16]}: {worst.detail}")


def compare_sessions(one: Story, other: Story) -> list[Finding]:
    """Hold what a venue has shown to two members against each other: two chains, and trades told differently."""
    found: list[Finding] = []
    if one.about.venue != other.about.venue:
        return [Finding(FindingCode.OTHER_SESSION, 0, "the two files are of two venues")]
    found += _compare_heads(one, other)
    mine, theirs = sent_commands(one), sent_commands(other)
    if one.about.member != other.about.member:
        for number in sorted(mine.keys() & theirs.keys()):
            detail = f"book number {number} was given to a command of each"
            found.append(Finding(FindingCode.CONTRADICTION, mine[number].sequence, detail))
        places = {*places_of(one), *places_of(other)}
        found += [Finding(FindingCode.REORDERED, 0, detail) for detail in place_faults(places)]
    found += _compare_fills(one, other)
    found += _compare_fills(other, one)
    return found


def _compare_heads(one: Story, other: Story) -> list[Finding]:
    found = []
    shared = one.heads.keys() & other.heads.keys()
    for number in sorted(shared):
        if one.heads[number] != other.heads[number]:
            detail = f"head {number} was shown to the two members with different content, both signed by the venue"
            found.append(Finding(FindingCode.TWO_CHAINS, 0, detail))
    # Also heads that only one of them has must be of one chain.
    merged = sorted({**other.heads, **one.heads}.items())
    if not found:
        for (_, before), (_, after) in pairwise(merged):
            fault = head_fault(before, after)
            if fault:
                found.append(Finding(FindingCode.TWO_CHAINS, 0, f"{fault}: the venue has shown two chains"))
    return found


def _compare_fills(one: Story, other: Story) -> list[Finding]:
    """Return the trades of one member with the other of which the other was told something else, or nothing."""
    rows, _ = one.events()
    events, _ = other.events()
    handles = {row[6] for row in events if row[1] == EventKind.ACCEPTED}
    told = {row for row in events if row[1] == EventKind.TRADED}
    last = other.told_until()
    found = []
    for row in rows:
        event = Event._make(row)
        if event.kind != EventKind.TRADED or row in told or event.sequence > last:
            continue
        if event.maker in handles or event.taker in handles:
            detail = f"a trade at {event.price_ticks} of which the other member was told something else, or nothing"
            found.append(Finding(FindingCode.FILLS_DIFFER, 0, f"{detail} (book number {event.sequence})"))
    return found
