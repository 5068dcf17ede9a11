"""Proof of order over random histories: whatever a venue changes is found, and an honest one is never accused."""

import random
from collections.abc import Callable
from io import SEEK_END, BytesIO

import msgspec
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from openoutcry.book import commands
from openoutcry.domain import Side
from openoutcry.venue.proof.findings import FindingCode
from openoutcry.venue.proof.hashes import sealed_hash
from openoutcry.venue.proof.limits import SEALED_NS
from openoutcry.venue.proof.messages import Sealed, Unsealed
from openoutcry.venue.proof.sealed import Forfeit, Opened, SealedQueue
from openoutcry.venue.proof.session_file import Entry, EntryKind, append, begin, read_session
from openoutcry.venue.proof.verifying import CODEC, Report, compare_sessions, verify_session
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import COMMANDS, KINDS, RecordFrame, encode_records, is_record_frame
from openoutcry.wire.tags import Message, Tag
from tests.proof_market import Market
from tests.proof_traders import Cheat
from tests.wire.strategies import ANY_MESSAGE

EXPECTED = {
    Cheat.TAMPER: {FindingCode.TAMPERED},
    Cheat.TAMPER_CHAIN: {FindingCode.TAMPERED, FindingCode.OTHER_CHAIN},
    Cheat.DROP: {FindingCode.DROPPED},
    Cheat.INSERT: {FindingCode.INSERTED},
    Cheat.REORDER: {FindingCode.REORDERED},
    Cheat.REORDER_CHAIN: {FindingCode.REORDERED},
    Cheat.TWO_CHAINS: {FindingCode.TWO_CHAINS},
    Cheat.INVENT_FILL: {FindingCode.INVENTED_FILL, FindingCode.WRONG_LEAVES, FindingCode.BEYOND_LIMIT},
    Cheat.INVENT_MATCH: {FindingCode.MATCH_REFUSED},
    Cheat.WITHHOLD: {FindingCode.WITHHELD},
    Cheat.HIDE_EVENT: {
        FindingCode.MATCH_WITHOUT_FILL,
        FindingCode.WRONG_LEAVES,
        FindingCode.FILLS_DIFFER,
        FindingCode.REPLAY_DIFFERS,
    },
    Cheat.OTHER_PLACE: {FindingCode.TAMPERED, FindingCode.CONTRADICTION},
}
"""What each cheat is found by, one of them at least; others come beside it."""


def codes_of(market: Market) -> set[FindingCode]:
    """Return what the victim's file shows, by itself and against the other members'."""
    reports = {trader.number: market.report(trader) for trader in market.traders}
    victim = reports.pop(market.victim)
    found = {finding.code for finding in victim.findings}
    for other in reports.values():
        found |= {finding.code for finding in compare_sessions(victim.story, other.story)}
    return found


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), groups=st.integers(1, 25), reveal=st.booleans(), trees=st.booleans())
def test_an_honest_venue_is_never_accused(seed: int, groups: int, reveal: bool, trees: bool) -> None:
    """Random members, orders, sealed commands and matches: no finding in any file, nor between any two."""
    market = Market(seed, trees=trees)
    market.run(groups)
    market.finish(reveal)
    reports = [market.report(trader) for trader in market.traders]
    assert [str(finding) for report in reports for finding in report.findings] == []
    for one in reports:
        assert one.replayed == (market.books.sequence if reveal else 0)
        assert [compare_sessions(one.story, other.story) for other in reports if other is not one] == [[], []]


@pytest.mark.parametrize("cheat", Cheat, ids=lambda cheat: cheat.name)
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), at=st.integers(0, 30), reveal=st.booleans())
def test_every_cheat_is_found(cheat: Cheat, seed: int, at: int, reveal: bool) -> None:
    """A venue that cheats at a random moment of a random history: found in its victim's file, or against others'.

    Frames of others are only needed to see that a fill was hidden which no match names.
    """
    market = Market(seed, cheat=cheat, at=at)
    market.run(20)
    market.finish(reveal or cheat is Cheat.HIDE_EVENT)
    assume(market.cheated)
    assert codes_of(market) & EXPECTED[cheat]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), end=st.floats(0, 1), lost=st.integers(0, 2**32), reveal=st.booleans())
def test_an_honest_file_accuses_nobody_wherever_it_ends_and_whatever_was_lost(
    seed: int, end: float, lost: int, reveal: bool
) -> None:
    """A client that died, after links that were cut: the file is cut at random, and one in ten of the frames with
    answers, events and heads is left out of what came. Less is proved then, and nobody accused."""
    market, draw = Market(seed), random.Random(lost)
    market.run(12)
    market.finish(reveal)
    trader, other = market.traders[:2]
    read = read_session(BytesIO(trader.file.getvalue()))
    assert not isinstance(read, WireFault)
    out = BytesIO()
    begin(read[0], out)
    entries = [entry for entry in read[1] if isinstance(entry, Entry)]
    for entry in entries[: int(end * len(entries))]:
        may_be_lost = is_record_frame(entry.frame) or entry.frame[1:2] in LOST
        if entry.kind in (EntryKind.SENT, EntryKind.REVEALED) or not may_be_lost or draw.random() > 0.1:
            append(entry.kind, entry.time_ns, entry.frame, out)
    report = verify_session(BytesIO(out.getvalue()), trader.signer.key, market.verifier)
    assert isinstance(report, Report)
    assert [str(finding) for finding in report.findings] == []
    story = market.report(other).story
    assert compare_sessions(report.story, story) + compare_sessions(story, report.story) == []


LOST = (bytes([Tag.COMMANDS_TAKEN]), bytes([Tag.SIGNED]))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), data=st.data())
def test_a_changed_bit_of_a_command_is_found(seed: int, where: float, bit: int, data: st.DataObject) -> None:
    """The member itself changes what it says it has sent: any bit of any command. The receipt does not fit any more."""
    market = Market(seed)
    market.run(8)
    market.finish()
    trader = max(market.traders, key=lambda trader: len(trader.records))
    sequence = data.draw(st.sampled_from(sorted(trader.records)))
    records = trader.records[sequence]
    position = int(where * len(records))
    changed = bytearray(records)
    changed[position] ^= 1 << bit
    report = rewritten(market, trader.number, lambda frame: frame.replace(records, bytes(changed)))
    assert {finding.code for finding in report.findings} & {FindingCode.TAMPERED, FindingCode.UNREADABLE}


def rewritten(market: Market, number: int, change: Callable[[bytes], bytes]) -> Report:
    """Verify a member's file with every frame that it has sent changed, record frames sealed anew."""
    trader = market.traders[number - 1]
    read = read_session(BytesIO(trader.file.getvalue()))
    assert not isinstance(read, WireFault)
    about, entries = read
    out = BytesIO()
    begin(about, out)
    for entry in entries:
        assert not isinstance(entry, WireFault)
        frame = entry.frame
        if entry.kind is EntryKind.SENT and is_record_frame(frame):
            decoded = KINDS.decode(frame)
            assert isinstance(decoded, RecordFrame)
            rows = np.frombuffer(change(decoded.records.tobytes()), decoded.records.dtype)
            frame = bytes(encode_records(COMMANDS, decoded.stream, decoded.sequence, rows))
        elif entry.kind is EntryKind.SENT:
            frame = change(frame)
        append(entry.kind, entry.time_ns, frame, out)
    found = verify_session(BytesIO(out.getvalue()), trader.signer.key, market.verifier)
    assert not isinstance(found, WireFault)
    return found


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), damage=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=4))
@example(seed=0, damage=[(0.0, 1)])
def test_a_damaged_file_never_raises(seed: int, damage: list[tuple[float, int]]) -> None:
    """Random bytes of a file are changed and its end is cut: a fault, findings or a report, and never an exception."""
    market = Market(seed % 8)
    market.run(4)
    market.finish()
    data = bytearray(market.traders[0].file.getvalue())
    for place, change in damage:
        data[min(int(place * len(data)), len(data) - 1)] ^= change
    del data[len(data) - seed % 97 :]
    found = verify_session(BytesIO(bytes(data)), market.traders[0].signer.key, market.verifier)
    assert isinstance(found, WireFault | Report)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(EntryKind), ANY_MESSAGE.map(encode) | st.binary(max_size=200)), max_size=30),
    st.integers(0, 2**32),
)
def test_a_file_of_any_messages_never_raises(entries: list[tuple[EntryKind, bytes]], seed: int) -> None:
    """Random messages of every tag, for the session of the file where they name one, behind those of a market; and
    junk: a report, and no exception."""
    market = Market(seed % 4)
    market.run(3)
    market.finish()
    out = BytesIO(market.traders[0].file.getvalue())
    out.seek(0, SEEK_END)
    for kind, frame in entries:
        decoded = CODEC.decode(frame)
        if isinstance(decoded, Message) and hasattr(decoded, "session"):
            frame = encode(msgspec.structs.replace(decoded, session=1))
        append(kind, market.now_ns, frame, out)
    assert isinstance(verify_session(BytesIO(out.getvalue()), market.traders[0].signer.key, market.verifier), Report)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 150), st.booleans()), max_size=20))
def test_sealed_commands_come_out_in_the_order_of_their_hashes(plan: list[tuple[int, int, bool]]) -> None:
    """Random members open random commands after random delays: what comes out is the hashes' order, each once, opened
    or forfeit, and forfeit only what was not opened within its time."""
    queue, salt, ms = SealedQueue(0), b"s" * 16, SEALED_NS // 100
    command = commands.place(0, 0, 1, Side.BUY, 1, 100).tobytes()
    sent: list[tuple[int, int]] = []
    opens: list[tuple[int, int, int]] = []
    for at, (session, delay, opened) in enumerate(plan):
        sequence = at + 1
        hash_ = sealed_hash(salt, b"m" * 32, sequence, command)
        assert queue.seal(Sealed(session, sequence, 0, hash_), b"m" * 32, at * ms) is None
        sent.append((session, sequence))
        if opened:
            opens.append((at * ms + delay * ms, session, sequence))
    out: list[Opened | Forfeit] = []
    for time_ns, session, sequence in sorted(opens):
        while queue.due_ns is not None and queue.due_ns <= time_ns:
            out += queue.take(queue.due_ns)
        fault = queue.unseal(Unsealed(session, sequence, salt, command), time_ns)
        assert (fault is None) == (time_ns <= (sequence - 1) * ms + SEALED_NS)
        out += queue.take(time_ns)
    out += queue.take(10**12)
    assert [(one.session, one.sequence) for one in out] == sent
    kept = {sequence for time_ns, _, sequence in opens if time_ns <= (sequence - 1) * ms + SEALED_NS}
    assert {one.sequence for one in out if isinstance(one, Opened)} == kept
    assert sum(queue.forfeits.values()) == len(sent) - len(kept) and len(queue) == 0
