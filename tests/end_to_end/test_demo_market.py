"""`outcry demo` as a user runs it: processes, a kill, the proof; and that the proof finds what is wrong."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from openoutcry.book import Books
from openoutcry.cli import demo
from openoutcry.cli.market.crew import Member
from openoutcry.cli.market.play import MEMBERS, Play, kill_turn, play_of
from openoutcry.cli.market.proof import (
    Direct,
    Kept,
    Results,
    hold_journal,
    prints_of,
    prove,
    run_direct,
    told_trades,
    with_accounts,
)
from openoutcry.cli.market.trader import TAKEN_ROWS
from openoutcry.domain import EventKind, Side
from openoutcry.domain.records import EVENT, Events
from openoutcry.marketdata.followers import Trade
from openoutcry.replay.readers import plain
from tests.flows import generated

ACCOUNTS = (0, 2, 4, 6)


def command(folder: Path, *arguments: str) -> list[str]:
    """Return how `outcry demo` is run on a small recording."""
    named = ["--sample", str(folder / "flow.csv"), "--out", str(folder / "out")]
    return [sys.executable, "-m", "openoutcry.cli.main", "demo", *named, *arguments]


def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose temporary files are in a folder of the test."""
    (folder / "t").mkdir()
    plain.write(generated(takers_shown=True), folder / "flow.csv")
    return {**os.environ, "TMPDIR": str(folder / "t"), "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a folder whose path is short: the node's status socket must fit into 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Path(folder)


def left_behind(folder: Path) -> list[str]:
    """Return processes whose command line names a folder, and what lies in its temporary folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in listed if str(folder) in line] + [entry.name for entry in (folder / "t").iterdir()]


def test_a_killed_market_comes_to_what_the_uninterrupted_one_does(short_path: Path) -> None:
    """A small one as JSON: every line of the proof holds, commands had no answer when it died, nothing is left."""
    done = subprocess.run(
        command(short_path, "--json"), env=environment(short_path), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found == json.loads((short_path / "out" / "market.json").read_text(encoding="utf-8"))
    assert [line for line in found["lines"] if not line["holds"] or line["found"] != line["wanted"]] == []
    assert len(found["lines"]) == 11
    assert found["holds"] and found["trades"] > 300 and found["waited"] > 0 and found["down_s"] > 0
    assert left_behind(short_path) == []


def test_ctrl_c_in_a_terminal_ends_every_process_and_takes_its_files_away(short_path: Path) -> None:
    """In a terminal of its own, in the moment at which the venue is dead; the screen has said so before."""
    variables = environment(short_path)
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, command(short_path), variables)
    seen = b""
    end = time.monotonic() + 60
    try:
        while b"KILLED" not in seen:
            assert time.monotonic() < end, seen.decode()
            seen += os.read(terminal, 65_536)
        os.write(terminal, b"\x03")
        while read := _read(terminal):
            seen += read
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert b"interrupted" in seen
    assert b"order book" in seen and b"members" in seen
    assert left_behind(short_path) == []


def _read(terminal: int) -> bytes:
    """Read what comes from a terminal; nothing when nobody is at its other end."""
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that
        return b""


def test_sigterm_ends_it_as_ctrl_c_does(short_path: Path) -> None:
    """Without a terminal, where it prints lines; sent when the members have begun."""
    process = subprocess.Popen(
        command(short_path), env=environment(short_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "members" in line:
            break
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "outcry: interrupted; every process of the market has ended"
    assert left_behind(short_path) == []


# -- the proof by itself


@pytest.fixture(scope="module")
def play() -> Play:
    """Return a small play."""
    return play_of(generated(takers_shown=True), quick=False, is_real=False)


def heard(play: Play) -> Results:
    """Return what members would hear of books that are fed directly: each what concerns its own orders."""
    books = Books([play.pair], accounts=max(ACCOUNTS) + 1)
    events = books.apply(with_accounts(play.commands, play.owner, ACCOUNTS)).copy()
    own_by: list[Events] = []
    for number in range(len(MEMBERS)):
        mine = np.isin(events["sequence"], 1 + np.flatnonzero(play.owner == number))
        handles = events["maker"][mine & (events["kind"] == EventKind.ACCEPTED)]
        own_by.append(events[mine | np.isin(events["maker"], handles)])
    taken = [np.array([(1, len(play.own(number)), 1)], TAKEN_ROWS) for number in range(len(MEMBERS))]
    return Results(tuple(own_by), tuple(taken), ())


def tape(direct: Direct) -> list[Trade]:
    """Return the public tape of trades."""
    rows = prints_of(direct.trades).tolist()
    return [Trade(at + 1, at + 1, 0, price, lots, Side(side), 0) for at, (price, lots, side) in enumerate(rows)]


FINE = Kept(0, 0, 0)


def failed(
    play: Play, direct: Direct, results: Results, kept: Kept = FINE, printed: list[Trade] | None = None
) -> set[str]:
    """Return the claims that do not hold."""
    books = (direct.book, direct.book)
    lines = prove(play, direct, results, kept, tape(direct) if printed is None else printed, books)
    return {line.claim for line in lines if not line.holds}


def test_the_proof_finds_every_trade_that_is_otherwise(play: Play) -> None:
    """A trade changed, lost, doubled or swapped in what members heard, or on the tape; and books that differ."""
    direct, results = run_direct(play, ACCOUNTS, plain=False), heard(play)
    assert failed(play, direct, results) == set()
    assert len(direct.trades) > 300
    traded = [np.flatnonzero(stream["kind"] == EventKind.TRADED) for stream in results.events]
    for number, at in enumerate(traded):
        for change in (_more_lots, _lost, _doubled):
            events = list(results.events)
            events[number] = change(events[number], int(at[len(at) // 2]))
            found = failed(play, direct, replace(results, events=tuple(events)))
            assert found and found <= {"trades, told to the takers", "trades, told to the makers"}
    printed = tape(direct)
    printed[5], printed[6] = printed[6], printed[5]
    assert failed(play, direct, results, printed=printed) == {"trades, on the public tape"}
    assert failed(play, direct, results, printed=printed[:-1]) == {"trades, on the public tape"}
    lines = prove(play, direct, results, FINE, tape(direct), ("a", "b"))
    assert {line.claim for line in lines if not line.holds} == {"final book, as followed", "final book, at the venue"}
    assert failed(play, direct, replace(results, faults=("ann: a gap",))) == {"events that owners missed"}
    assert failed(play, direct, replace(results, taken=results.taken[1:])) == {"commands acknowledged"}
    for kept, claim in (
        (Kept(1, 0, 0), "acknowledged, but lost"),
        (Kept(0, 1, 0), "carried out twice"),
        (Kept(0, 0, 1), "otherwise than sent"),
    ):
        assert failed(play, direct, results, kept) == {claim}


def _more_lots(events: Events, at: int) -> Events:
    changed = events.copy()
    changed["qty_lots"][at] += 1
    return changed


def _lost(events: Events, at: int) -> Events:
    return np.delete(events, at)


def _doubled(events: Events, at: int) -> Events:
    return np.insert(events, at, events[at])


def test_the_fast_and_the_plain_books_prove_the_same(play: Play) -> None:
    """Trades, number of events and digest of the book."""
    fast, slow = run_direct(play, ACCOUNTS, plain=False), run_direct(play, ACCOUNTS, plain=True)
    assert fast.trades.tobytes() == slow.trades.tobytes()
    assert (fast.events, fast.book) == (slow.events, slow.book)


def test_trades_are_put_together_from_what_takers_and_what_makers_heard(play: Play) -> None:
    """Both give all trades, in the book's order; nobody's order is without a name."""
    by_taker, by_maker = told_trades(heard(play).events)
    assert by_taker.tobytes() == by_maker.tobytes()
    assert by_taker["maker"].all() and by_taker["taker"].all()
    assert told_trades([np.zeros(0, EVENT)] * 4)[0].size == 0


def test_commands_that_the_journal_lacks_has_twice_or_otherwise_are_counted(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal of an honest venue, and of ones that lose, repeat and change a frame."""
    from openoutcry.cli.market import proof
    from openoutcry.wire.frames import COMMANDS, RecordFrame

    results = heard(play)
    members = [_Met(account, session + 1) for session, account in enumerate(ACCOUNTS)]
    rows = [with_accounts(play.own(number), np.zeros(len(play.own(number)), np.int64), [account])
            for number, account in enumerate(ACCOUNTS)]  # fmt: skip

    def frames() -> dict[int, list[RecordFrame]]:
        return {
            number + 1: [RecordFrame(COMMANDS, number + 1, 1 + at, own[at : at + 10]) for at in range(0, len(own), 10)]
            for number, own in enumerate(rows)
        }

    def count(journal: dict[int, list[RecordFrame]]) -> Kept:
        monkeypatch.setattr(proof, "journaled", lambda folder: journal)
        return hold_journal(play, members, results, Path())

    assert count(frames()) == Kept(0, 0, 0)
    lost, twice, changed, foreign = frames(), frames(), frames(), frames()
    del lost[2][3]
    twice[3].insert(4, twice[3][3])
    other = changed[1][0].records.copy()
    other["qty_lots"][7] += 1
    changed[1][0] = changed[1][0]._replace(records=other)
    foreign[9] = foreign[1][:1]
    assert count(lost) == Kept(10, 0, 0)
    assert count(twice) == Kept(0, 10, 0)
    assert count(changed) == Kept(0, 0, 1)
    assert count(foreign) == Kept(0, 0, 10)


class _Met(Member):
    """A member as it is known after it has been met, without a process."""

    def __init__(self, account: int, session: int) -> None:
        self.account, self.session = account, session


def test_turns_keep_the_order_of_the_recording(play: Play) -> None:
    """Turn by turn, each member's next commands: together they are the play; the kill is in its middle."""
    turns = play.turns()
    at = [0] * len(MEMBERS)
    own = [play.own(number) for number in range(len(MEMBERS))]
    parts = []
    for turn in turns:
        parts.append(own[turn.member][at[turn.member] : at[turn.member] + turn.count])
        at[turn.member] += turn.count
    assert np.concatenate(parts).tobytes() == play.commands.tobytes()
    assert at == [len(rows) for rows in own] and min(at) > 0
    assert 0.3 < turns[kill_turn(turns, len(play.commands))].first / len(play.commands) < 0.7


def test_a_difference_is_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The market is played by a stand-in that finds one line that does not hold, and one that breaks."""
    from openoutcry.cli.market import market
    from openoutcry.cli.market.crew import MarketBroken
    from openoutcry.cli.market.proof import Line

    plain.write(generated(takers_shown=True), tmp_path / "flow.csv")

    def run() -> int:
        return demo.run_market(
            tmp_path / "flow.csv", tmp_path / "out", as_json=True, plain=False, quick=True, lines=True
        )

    for holds, code in ((True, 0), (False, demo.DIFFERENT_EXIT)):
        line = Line("a claim", "1", "2", holds)
        outcome = market.Outcome((line,), 1, 1, 0, 0.0, 0.0, "")
        monkeypatch.setattr(market, "play_market", lambda *all, outcome=outcome, **more: outcome)
        assert run() == code

    def breaks(*all: object, **more: object) -> None:
        raise MarketBroken("member ann has ended")

    monkeypatch.setattr(market, "play_market", breaks)
    assert run() == demo.BROKEN_EXIT
