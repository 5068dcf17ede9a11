"""`outcry verify session`: what it prints of files that a market wrote, its exit codes, oddities."""

import json
from collections.abc import Sequence
from io import SEEK_END, BytesIO
from pathlib import Path

import msgspec
import pytest
import typer

from openoutcry.book import commands
from openoutcry.cli.usage import UsageError
from openoutcry.cli.verify_command import add_to
from openoutcry.domain import Side
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    CommandsRefused,
    CommandsTaken,
    EntryFault,
    KeepAlive,
    TakenRun,
)
from openoutcry.venue.proof.findings import Finding, FindingCode
from openoutcry.venue.proof.messages import ChainState, Match, ProofAsk, ProofWanted, Receipt, ReceiptState
from openoutcry.venue.proof.session_file import About, Entry, EntryKind, append, begin, read_session
from openoutcry.venue.proof.verifying import Report, verify_session
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.messages import StreamResend
from openoutcry.wire.signed import sign
from tests.proof_market import MS, START_NS, Market
from tests.proof_traders import Cheat, Trader


def outcry(*arguments: str) -> int:
    """Run the command as the program does; 0, 1, or UsageError."""
    app = typer.Typer()
    add_to(app)
    code = typer.main.get_command(app).main(list(arguments), "outcry", standalone_mode=False)
    return code if isinstance(code, int) else 0


def files(market: Market, folder: Path) -> list[str]:
    """Write every member's file; return key and path of each, one after the other."""
    named: list[str] = []
    for trader in market.traders:
        path = folder / f"{trader.number}.session"
        path.write_bytes(trader.file.getvalue())
        named += [trader.signer.key.hex(), str(path)]
    return named


def played(seed: int = 5, cheat: Cheat | None = None, at: int = 0) -> Market:
    """Return a market that has played, with real signatures."""
    market = Market(seed, cheat=cheat, at=at, real=True)
    market.run(10)
    market.finish()
    return market


def test_an_honest_session_is_told_order_by_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0; a line for each order, and what the rules say; as JSON the same facts."""
    market = played()
    key, path, _, other, *_ = files(market, tmp_path)
    arguments = ("verify", "session", "--member", key, "--session", path, "--against", other)
    assert outcry(*arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    report = market.report(market.traders[0])
    assert [order.words() for order in report.orders] == [line for line in lines if line.startswith("order ")]
    assert any("traded" in line for line in lines) and lines[-1] == "nothing is wrong"
    assert f"up to book number {market.books.sequence}" in lines[3]
    assert outcry(*arguments, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["findings"], shown["replayed"], len(shown["orders"])) == (
        [],
        market.books.sequence,
        len(report.orders),
    )
    assert outcry(*arguments, "--findings") == 0 and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "cheat", [Cheat.TAMPER, Cheat.DROP, Cheat.INVENT_MATCH, Cheat.INVENT_FILL], ids=lambda c: c.name
)
def test_what_is_found_is_one_line_each_and_exit_code_1(
    cheat: Cheat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With real signatures; the lines are the findings of the report."""
    market = played(cheat=cheat)
    assert market.cheated
    named = files(market, tmp_path)
    key, path = named[2 * market.victim - 2 : 2 * market.victim]
    assert outcry("verify", "session", "--member", key, "--session", path, "--findings") == 1
    findings = market.report(market.traders[market.victim - 1]).findings
    assert capsys.readouterr().out.splitlines() == [f"found: {finding}" for finding in findings]


def test_two_chains_show_only_when_files_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file by itself is good; against each other they show heads that differ, both signed."""
    market = Market(3, cheat=Cheat.TWO_CHAINS, real=True)
    market.run(10)
    market.finish(reveal=False)
    assert market.cheated
    one, first, two, second, *_ = files(market, tmp_path)
    assert outcry("verify", "session", "--member", one, "--session", first) == 0
    assert outcry("verify", "session", "--member", two, "--session", second) == 0
    capsys.readouterr()
    assert outcry("verify", "session", "--member", two, "--session", second, "--against", first, "--findings") == 1
    assert "found: two chains: head" in capsys.readouterr().out


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    """No file, another file, a file that is none in --against, a key that is none."""
    market = played()
    key, path, *_ = files(market, tmp_path)
    bad = tmp_path / "bad"
    bad.write_bytes(b"something else")
    for arguments, words in (
        (("--member", key, "--session", str(tmp_path / "gone")), "No such file"),
        (("--member", key, "--session", str(bad)), "not a session file"),
        (("--member", key, "--session", path, "--against", str(bad)), "not a session file"),
        (("--member", key, "--session", path, "--against", str(tmp_path / "gone")), "No such file"),
        (("--member", key[:-1], "--session", path), "64 hexadecimal digits"),
    ):
        with pytest.raises(UsageError, match=words):
            outcry("verify", "session", *arguments)


def test_another_members_file_is_not_taken_for_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The key of one, the file of the other."""
    market = played()
    key, _, _, path, *_ = files(market, tmp_path)
    assert outcry("verify", "session", "--member", key, "--session", path, "--findings") == 1
    assert capsys.readouterr().out.startswith("found in the file: other session: the file is that of member")


# -- files put together by hand ----------------------------------------------------------------------------------------


def edited(market: Market, trader: Trader, extra: Sequence[tuple[EntryKind, bytes]] = (), skip: int = 0) -> Report:
    """Verify a member's file without its last `skip` entries, and with others at its end."""
    read = read_session(BytesIO(trader.file.getvalue()))
    assert not isinstance(read, WireFault)
    about, entries = read
    kept = [entry for entry in entries if isinstance(entry, Entry)]
    out = BytesIO()
    begin(about, out)
    for entry in kept[: len(kept) - skip]:
        append(entry.kind, entry.time_ns, entry.frame, out)
    for kind, frame in extra:
        append(kind, market.now_ns, frame, out)
    found = verify_session(BytesIO(out.getvalue()), trader.signer.key, market.verifier)
    assert isinstance(found, Report)
    return found


@pytest.fixture(scope="module")
def quiet() -> Market:
    """A market that has played honestly; tests read its files and change none."""
    market = Market(11)
    market.run(6)
    market.finish()
    return market


def codes(report: Report) -> set[FindingCode]:
    """Return the codes of a report's findings."""
    return {finding.code for finding in report.findings}


def test_a_chain_of_the_venue_with_more_commands_than_were_sent_is_found(quiet: Market) -> None:
    """CHAIN_STATE counts a command more; or the same number with another chain; or another secret."""
    trader = quiet.traders[0]
    state = quiet.desk.watches[1].state()
    cases = {
        FindingCode.INSERTED: ChainState(1, state.secret, state.sequence + 1, b"x" * 32, 0),
        FindingCode.OTHER_CHAIN: ChainState(1, state.secret, state.sequence, b"x" * 32, 0),
        FindingCode.CONTRADICTION: ChainState(1, b"y" * 32, state.sequence, state.chain, 0),
    }
    for code, told in cases.items():
        assert codes(edited(quiet, trader, [(EntryKind.RECEIVED, encode(told))])) == {code}


def test_heads_that_are_not_signed_or_do_not_follow_are_found(quiet: Market) -> None:
    """A head in the clear, one that a member has signed, one of another chain, two in one place."""
    trader, last = quiet.traders[0], quiet.heads[-1]
    other = type(last)(
        last.sequence, last.previous, last.before, last.count, b"x" * 32, last.book_sequence, last.time_ns
    )
    far = type(last)(last.sequence + 1, b"p" * 32, 0, 1, b"x" * 32, last.book_sequence, last.time_ns)
    for frame, code in (
        (encode(other), FindingCode.FORGED),
        (encode(sign(other, [trader.signer])), FindingCode.FORGED),
        (encode(sign(other, [quiet.venue])), FindingCode.TWO_CHAINS),
        (encode(sign(far, [quiet.venue])), FindingCode.BROKEN_CHAIN),
    ):
        assert codes(edited(quiet, trader, [(EntryKind.HEARD, frame)])) == {code}


def test_events_and_heads_that_were_asked_for_and_did_not_come_are_found(quiet: Market) -> None:
    """An event and a head, asked for two seconds before the venue was last heard of; other streams do not count."""
    trader = quiet.traders[0]
    asks = {
        FindingCode.WITHHELD: StreamResend(EVENT_STREAM_MIN + 1, trader.event + 1, trader.event + 1),
        None: StreamResend(EVENT_STREAM_MIN + 2, trader.event + 1, trader.event + 1),
    }
    for code, ask in asks.items():
        assert codes(asked_in_time(quiet, trader, encode(ask))) == ({code} if code else set())
    for number, expected in ((quiet.heads[-1].sequence, set()), (900, {FindingCode.WITHHELD})):
        ask_head = ProofAsk(ProofWanted.HEAD, 1, number)
        assert codes(asked_in_time(quiet, trader, encode(ask_head))) == expected


def asked_in_time(market: Market, trader: Trader, frame: bytes) -> Report:
    """Verify a member's file in which something was asked for, and the venue heard of two seconds later."""
    out = BytesIO(trader.file.getvalue())
    out.seek(0, SEEK_END)
    append(EntryKind.SENT, market.now_ns, frame, out)
    append(EntryKind.RECEIVED, market.now_ns + 2_000 * MS, encode(KeepAlive(1)), out)
    found = verify_session(BytesIO(out.getvalue()), trader.signer.key, market.verifier)
    assert isinstance(found, Report)
    return found


def test_commands_that_were_taken_and_never_sent_are_found(quiet: Market) -> None:
    """COMMANDS_TAKEN of the next numbers, and of as many as a message can claim; none of them was sent."""
    trader = quiet.traders[0]
    for runs in ((TakenRun(1, 900),), (TakenRun(65_536, 900),) * 1_000):
        told = encode(CommandsTaken(1, trader.sequence + 1, runs, trader.event))
        report = edited(quiet, trader, [(EntryKind.RECEIVED, told)])
        assert codes(report) == {FindingCode.INSERTED}
        assert report.findings[0].sequence == trader.sequence + 1
    two = encode(CommandsTaken(1, 1, (TakenRun(1, 901),), trader.event))
    assert FindingCode.CONTRADICTION in codes(edited(quiet, trader, [(EntryKind.RECEIVED, two)]))


def test_a_file_that_begins_later_is_checked_from_there(quiet: Market) -> None:
    """The file without what came before some frame, and its `About` says so: less is proved, nobody is accused."""
    trader = quiet.traders[0]
    read = read_session(BytesIO(trader.file.getvalue()))
    assert not isinstance(read, WireFault)
    entries = [entry for entry in read[1] if isinstance(entry, Entry)]
    sent = [at for at, one in enumerate(entries) if one.kind is EntryKind.SENT and one.frame.startswith(b"OORF")]
    cut = sent[len(sent) // 2]
    later = int.from_bytes(entries[cut].frame[16:24], "little")
    assert later > 1
    out = BytesIO()
    told = [one.frame for one in entries[:cut] if one.frame.startswith(b"OORF\x02")]
    event = int.from_bytes(told[-1][16:24], "little") + int.from_bytes(told[-1][24:28], "little") if told else 1
    begin(About(read[0].venue, read[0].member, 1, later, event), out)
    for entry in [entries[0], *entries[cut:]]:
        append(entry.kind, entry.time_ns, entry.frame, out)
    found = verify_session(BytesIO(out.getvalue()), trader.signer.key, quiet.verifier)
    assert isinstance(found, Report)
    assert found.findings == []


def test_a_denied_frame_and_a_second_place_are_found(quiet: Market) -> None:
    """After a receipt: UNKNOWN, and another place."""
    trader = quiet.traders[0]
    first = min(trader.records)
    placed = quiet.desk.chain.receipt(1, first)
    moved = msgspec.structs.replace(placed, index=placed.index + 1)
    for told, code in (
        (Receipt(1, first, ReceiptState.UNKNOWN), FindingCode.DROPPED),
        (moved, FindingCode.CONTRADICTION),
    ):
        assert codes(edited(quiet, trader, [(EntryKind.RECEIVED, encode(told))])) == {code}


def test_a_match_without_proofs_is_refused_once_there_was_time_to_sign(quiet: Market) -> None:
    """Signed by the venue; told just now it is noted, two seconds ago it is a finding; unsigned it is forged."""
    trader, known = quiet.traders[0], quiet.matches[0]
    fields = (known.book_sequence, known.time_ns, known.pair, known.side, known.price_ticks, known.qty_lots)
    match = Match(900, *fields, known.maker, known.taker)
    fresh = Match(900, fields[0], quiet.now_ns, *fields[2:], known.maker, known.taker)
    old = edited(quiet, trader, [(EntryKind.RECEIVED, encode(sign(match, [quiet.venue])))])
    assert FindingCode.MATCH_REFUSED in codes(old)
    new = edited(quiet, trader, [(EntryKind.RECEIVED, encode(sign(fresh, [quiet.venue])))])
    assert FindingCode.MATCH_REFUSED not in codes(new)
    assert "match 900: the members' signatures have not come yet" in new.story.notes
    assert codes(edited(quiet, trader, [(EntryKind.RECEIVED, encode(match))])) == {FindingCode.FORGED}


def test_a_refused_frame_may_be_sent_again_with_another_content(quiet: Market) -> None:
    """Its numbers are free again; without the refusal in between the file speaks against the member itself."""
    trader = quiet.traders[0]
    number = trader.sequence + 1
    one, two = (commands.place(0, 1, client, Side.BUY, 1, 90) for client in (1, 2))
    sends = [(EntryKind.SENT, bytes(encode_records(COMMANDS, 1, number, rows))) for rows in (one, two)]
    refusal = (EntryKind.RECEIVED, encode(CommandsRefused(1, number, EntryFault.CHECK, 0, number)))
    assert codes(edited(quiet, trader, [sends[0], refusal, sends[1]])) == set()
    assert codes(edited(quiet, trader, sends)) == {FindingCode.SENT_DIFFERENT}


def test_a_file_that_ends_early_is_no_accusation(quiet: Market) -> None:
    """A client that died: cut after every tenth entry, and in the middle of one."""
    trader = quiet.traders[0]
    for skip in range(0, 200, 10):
        assert codes(edited(quiet, trader, skip=skip)) == set()
    data = trader.file.getvalue()
    found = verify_session(BytesIO(data[:-3]), trader.signer.key, quiet.verifier)
    assert isinstance(found, Report) and found.findings == [] and "ends inside entry" in found.story.notes[0]


def test_entries_that_are_none_and_frames_of_other_kinds_are_told_or_left_alone(quiet: Market) -> None:
    """Junk is a finding about the file; a KEEP_ALIVE says nothing."""
    trader = quiet.traders[0]
    assert codes(edited(quiet, trader, [(EntryKind.SENT, encode(KeepAlive(1)))])) == set()
    for frame in (b"junk", b"OORF", b""):
        assert codes(edited(quiet, trader, [(EntryKind.RECEIVED, frame)])) == {FindingCode.UNREADABLE}
    assert codes(edited(quiet, trader, [(EntryKind.REVEALED, b"junk")])) == {FindingCode.UNREADABLE}


def test_a_file_is_read_back_as_it_was_written() -> None:
    """Whose it is, and every entry in order; another beginning is a fault."""
    out = BytesIO()
    about = About(b"V" * 32, b"M" * 32, 3, 17, 40)
    begin(about, out)
    append(EntryKind.SENT, START_NS, b"one", out)
    append(EntryKind.HEARD, START_NS + MS, memoryview(b"two"), out)
    read = read_session(BytesIO(out.getvalue()))
    assert not isinstance(read, WireFault)
    assert read[0] == about
    assert list(read[1]) == [Entry(EntryKind.SENT, START_NS, b"one"), Entry(EntryKind.HEARD, START_NS + MS, b"two")]
    for data, code in ((b"", FaultCode.WRONG_MAGIC), (out.getvalue()[:8], FaultCode.MALFORMED)):
        found = read_session(BytesIO(data))
        assert isinstance(found, WireFault) and found.code is code


def test_findings_say_code_place_and_words() -> None:
    """One line each."""
    assert str(Finding(FindingCode.TWO_CHAINS, 0, "why")) == "two chains: why"
    assert str(Finding(FindingCode.DROPPED, 7, "why")) == "dropped: command 7: why"
