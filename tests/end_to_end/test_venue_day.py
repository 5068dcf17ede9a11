"""A day at a venue, from its opening auction to its statements; what members are told adds up and can be proved."""

import json
import random
import socket
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import typer

from openoutcry.book.commands import cancel, place
from openoutcry.cli.main import app
from openoutcry.client.calendar_file import parse_calendar
from openoutcry.domain import AccountField, Phase, RejectCode, Side
from openoutcry.marketdata.records import TRADE, TradeFlag
from openoutcry.node.keys.keystore import create
from openoutcry.node.keys.layout import CHEAPEST
from openoutcry.node.keys.unlock import open_secrets, parse_unlock
from openoutcry.role import Send
from openoutcry.venue.calendar.messages import CalendarSet
from openoutcry.venue.messages import MemberLimit, PairPhase
from openoutcry.venue.proof.verifying import compare_sessions, verify_session
from openoutcry.venue.statements.days import DAY_NS
from openoutcry.venue.statements.ledger import month_of
from openoutcry.venue.statements.messages import Annul, DayReport, DayReportAsk, Statement, StatementAsk, narrow
from openoutcry.venue.tariffs.messages import Tariff, TariffSet
from openoutcry.wire.checksum import ChecksumVerifier
from openoutcry.wire.faults import WireFault
from openoutcry.wire.service import MarketState
from tests.keystores import passphrase_file
from tests.venue.diary import Diary, rows_of
from tests.venue.hall import NETWORK, OPERATOR, SECOND, Hall, member, messages_of, state_of
from tests.venue.kills import OPERATOR as KILLS_OPERATOR
from tests.venue.kills import VenueKills

MINUTE = 60 * SECOND
MEMBERS = (1, 2, 3)
TARIFF = Tariff(0, -500, 2_000, minimum_units=1)

# A hall begins at 22:13:20 on 2023-11-14 by UTC.
CALENDAR = parse_calendar(
    """
    name = "short"
    zone = "Etc/UTC"
    first_day = 2023-11-14
    last_day = 2023-11-14
    [days.all]
    weekdays = ["tuesday"]
    steps = [
        { at = "22:20", phase = "auction" },
        { at = "22:25", phase = "continuous", random_s = 20 },
        { at = "22:40", phase = "auction", closing = true },
        { at = "22:45", phase = "closed" },
    ]
    """
)


class Day:
    """A venue, its three members, and what was published of the trades."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.hall = Hall()
        self.hall.furnish(members=len(MEMBERS), accounts=1)
        self.diaries = {number: Diary(self.hall, number) for number in MEMBERS}
        self.phases: list[Phase] = []
        self.trades: list[np.void] = []
        self.client_id = 0

    def tell(self, sends: list[Send]) -> list[Send]:
        """Let everybody hear what goes out."""
        for diary in self.diaries.values():
            diary.hear(sends)
        self.phases += [one.state for one in messages_of(sends, "state.0", MarketState)]
        for to, body, _ in sends:
            if to == "trades.0" and isinstance(body, memoryview):
                self.trades += list(np.frombuffer(body[32:], TRADE))
        return sends

    def trade(self, turns: int) -> None:
        """Let members send orders around 100, and cancellations; every turn takes 50 ms, and proofs are made."""
        for _ in range(turns):
            number = self.draw.choice(MEMBERS)
            orders = []
            for _ in range(self.draw.randrange(1, 4)):
                self.client_id += 1
                side, price = Side(self.draw.randrange(2)), 100 + self.draw.randrange(-3, 4)
                orders.append(place(0, number - 1, self.client_id, side, self.draw.randrange(1, 9), price))
            if self.draw.random() < 0.3:
                orders.append(cancel(0, number - 1, self.client_id))
            self.tell(self.diaries[number].orders(rows_of(*orders)))
            self.pass_time(50 * 10**6)

    def pass_time(self, ns: int) -> None:
        """Let time pass, then let members sign and ask."""
        self.tell(self.hall.pass_time(ns))
        for diary in self.diaries.values():
            self.tell(diary.prove())

    def operate(self, message: object) -> list[Send]:
        """Let the operator command."""
        return self.tell(self.hall.operate(message))  # type: ignore[arg-type]

    def play(self) -> int:
        """Play the day; return the number of the trade that is annulled."""
        self.operate(TariffSet(0, TARIFF))
        for diary in self.diaries.values():
            diary.tariff = TARIFF
        self.operate(CalendarSet(CALENDAR, (0,)))
        self.pass_time(7 * MINUTE)
        self.trade(20)  # collected for the opening
        self.pass_time(5 * MINUTE)
        self.trade(40)
        self.operate(PairPhase(0, Phase.HALTED, False, "news"))
        self.trade(3)
        self.operate(PairPhase(0, Phase.CONTINUOUS, False))
        self.operate(MemberLimit(member(2), -1, AccountField.ORDER_LOTS_MAX, 4))
        self.trade(40)
        annulled = int(self.trades[-1]["number"])
        self.operate(Annul(0, annulled, "a slip of the pen"))
        self.trade(10)
        self.pass_time(15 * MINUTE)
        self.trade(20)  # collected for the close
        self.pass_time(6 * MINUTE)
        return annulled


@pytest.mark.parametrize("seed", range(3))
def test_a_day_adds_up_and_can_be_proved(seed: int) -> None:
    """Calendar, halt, limit, annulment, fees and both auctions; then statements and report are held against the fills
    that members saw, the sessions are verified off line, and the venue is restored and replayed.
    """
    day = Day(seed)
    annulled = day.play()
    hall, now_ns = day.hall, day.hall.now_ns
    # the phases, as they were published
    changes = [phase for at, phase in enumerate(day.phases) if not at or day.phases[at - 1] is not phase]
    assert changes == [
        Phase.CLOSED, Phase.AUCTION, Phase.CONTINUOUS, Phase.HALTED, Phase.AUCTION, Phase.CONTINUOUS,
        Phase.AUCTION, Phase.CLOSED,
    ]  # fmt: skip
    # what the limit and the halt have refused
    assert RejectCode.ORDER_SIZE_LIMIT in day.diaries[2].rejected
    assert any(RejectCode.PHASE_FORBIDS in diary.rejected for diary in day.diaries.values())
    # statements against fills
    (marked,) = [one for one in day.trades if int(one["flags"]) & TradeFlag.ANNULLED]
    assert int(marked["sequence"]) == annulled
    assert sum(diary.annulled for diary in day.diaries.values()) == 2
    for number, diary in day.diaries.items():
        fills = diary.fills
        (told,) = messages_of(hall.say(diary.key, StatementAsk(month_of(now_ns))), diary.key, Statement)
        (line,) = told.lines
        assert (line.account, line.trades) == (number - 1, len(fills))
        assert narrow(line.bought_lots) == sum(fill.lots for fill in fills if fill.lots > 0)
        assert narrow(line.sold_lots) == -sum(fill.lots for fill in fills if fill.lots < 0)
        assert line.closing_lots == sum(fill.lots for fill in fills)
        assert narrow(line.maker_fees_units) + narrow(line.taker_fees_units) == sum(fill.fee for fill in fills)
    # the report against the feed of trades
    (report,) = messages_of(hall.say(OPERATOR, DayReportAsk(now_ns // DAY_NS)), OPERATOR, DayReport)
    (line,) = report.lines
    made = [one for one in day.trades if not int(one["flags"]) & TradeFlag.ANNULLED]
    kept = [one for one in made if int(one["number"]) != annulled]
    assert (line.trades, line.annulled, line.halts, line.members) == (len(kept), 1, 1, len(MEMBERS))
    assert narrow(line.volume_lots) == sum(int(one["qty_lots"]) for one in kept)
    assert narrow(line.value_units) == sum(int(one["qty_lots"]) * int(one["price_ticks"]) for one in kept)
    prices = [int(one["price_ticks"]) for one in made]
    assert (line.open_ticks, line.high_ticks, line.low_ticks, line.close_ticks) == (
        prices[0], max(prices), min(prices), prices[-1],
    )  # fmt: skip
    # the proof
    reports = []
    for diary in day.diaries.values():
        found = verify_session(BytesIO(diary.file.getvalue()), diary.key, ChecksumVerifier(NETWORK))
        assert not isinstance(found, WireFault)
        assert found.findings == []
        assert len(found.story.receipts) == len(found.story.told_runs) > 10
        assert found.story.signed and found.story.signed[-1][1].sequence == diary.sequence
        reports.append(found)
    assert compare_sessions(reports[0].story, reports[1].story) == []
    # and it is the same venue after a restart
    assert state_of(hall.replayed()) == state_of(hall.venue) and hall.venue.check() == []
    again = hall.make()
    again.restore(BytesIO(state_of(hall.venue)))
    assert state_of(again) == state_of(hall.venue) and again.check() == []


def test_a_day_is_run_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A node of `outcry run` in a process of its own, killed once at noon; everything else is what people type."""
    node = VenueKills(tmp_path, seed=1)
    port = free_port()
    text = node.file.read_text(encoding="utf-8")
    node.file.write_text(text.replace('listen = "tcp://127.0.0.1:0"', f'listen = "tcp://127.0.0.1:{port}"'))
    boss, boss_key = profile(tmp_path, node, port, "boss")
    one, one_key = profile(tmp_path, node, port, "one")
    two, two_key = profile(tmp_path, node, port, "two")
    text = node.file.read_text(encoding="utf-8")
    node.file.write_text(
        text.replace(f'operators = ["{KILLS_OPERATOR.key.hex()}"]', f'operators = ["{boss_key.hex()}"]')
    )
    command = typer.main.get_command(app)

    def run(*words: str, code: int = 0) -> str:
        found = command.main([*words], "outcry", standalone_mode=False)
        out, err = capsys.readouterr()
        assert int(found or 0) == code, (words, out, err)
        return out + err

    def fills(who: str) -> int:
        (line,) = json.loads(run("statement", "--venue", who, "--json"))["lines"]
        return int(line["closing_lots"])

    process, _ = node.start()
    try:
        run("venue", "list", "0", "EURUSD", "--base", "11" * 32, "--quote", "22" * 32, "--auction", "--venue", boss)
        for key in (one_key, two_key):
            run("venue", "member", "add", key.hex(), "--venue", boss)
        run("venue", "tariff", "EURUSD", "--maker", "-500", "--taker", "2000", "--flat", "1", "--venue", boss)
        write_calendar(tmp_path / "open.toml", "continuous")
        # collected for the opening, which the calendar makes by being handed in
        run("order", "buy", "EURUSD", "5", "100", "--venue", one)
        run("order", "sell", "EURUSD", "2", "100", "--venue", two)
        assert "1 pairs follow" in run("venue", "calendar", str(tmp_path / "open.toml"), "EURUSD", "--venue", boss)
        assert (fills(one), fills(two)) == (2, -2)
        run("order", "sell", "EURUSD", "1", "100", "--venue", two)
        run("venue", "halt", "EURUSD", "--why", "news", "--venue", boss)
        assert "PHASE_FORBIDS" in run("order", "buy", "EURUSD", "1", "100", "--venue", one, code=1)
        process.kill()
        process.wait(timeout=20)
        process, _ = node.start()
        run("venue", "resume", "EURUSD", "--venue", boss)
        run("venue", "member", "limits", two_key.hex(), "order_lots_max=1", "--venue", boss)
        assert "ORDER_SIZE_LIMIT" in run("order", "sell", "EURUSD", "2", "100", "--venue", two, code=1)
        run("order", "sell", "EURUSD", "1", "100", "--venue", two)
        assert (fills(one), fills(two)) == (4, -4)
        assert "trade 2 of EURUSD is void" in run("venue", "annul", "EURUSD", "2", "--why", "a slip", "--venue", boss)
        assert "ANNULLED" in run("venue", "annul", "EURUSD", "2", "--venue", boss, code=1)
        write_calendar(tmp_path / "close.toml", "closed")
        run("venue", "calendar", str(tmp_path / "close.toml"), "EURUSD", "--venue", boss)
        assert "PHASE_FORBIDS" in run("order", "buy", "EURUSD", "1", "100", "--venue", one, code=1)
        assert (fills(one), fills(two)) == (3, -3)
        (line,) = json.loads(run("statement", "--venue", two, "--json"))["lines"]
        # 2 lots at 100 in the auction at the mean of both rates, 1 as taker; each rounded up, and 1 besides
        assert int(line["maker_fees_units"]) + int(line["taker_fees_units"]) == (1 + 1) + (1 + 1)
        (pair,) = json.loads(run("venue", "report", "--venue", boss, "--json"))["pairs"]
        assert (pair["trades"], pair["annulled"], pair["halts"], pair["members"]) == (2, 1, 1, 2)
        assert "NOT_AN_OPERATOR" in run("venue", "report", "--venue", one, code=1)
    finally:
        process.kill()
        process.wait(timeout=20)


def write_calendar(path: Path, phase: str) -> None:
    """Write a calendar by which a pair is in one phase all day."""
    today = datetime.now(UTC).date()
    path.write_text(
        f"""
name = "{path.stem}"
zone = "Etc/UTC"
first_day = {today - timedelta(days=1)}
last_day = {today + timedelta(days=1)}
[days.all]
weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
steps = [{{ at = "00:00", phase = "{phase}" }}]
"""
    )


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def profile(folder: Path, node: VenueKills, port: int, name: str) -> tuple[str, bytes]:
    """Write a profile with a keystore of its own; return its path, and the key."""
    phrase = passphrase_file(folder)
    create(folder / f"{name}.keys", phrase.read_bytes().strip(), CHEAPEST)
    secrets = open_secrets(folder / f"{name}.keys", parse_unlock(f"file:{phrase}"))
    path = folder / f"{name}.toml"
    path.write_text(
        f"""
[venue]
address = "tcp://127.0.0.1:{port}"
key = "{node.key.hex()}"
curve_key = "{node.curve.hex()}"
[member]
keystore = "{name}.keys"
unlock = "file:{phrase.name}"
"""
    )
    return str(path), secrets.signer.key
