"""`outcry statement` and the operator's day report over a link, with an answering node; files, months, exit codes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from openoutcry.cli.statement import run_day_report, run_statement
from openoutcry.cli.statement_command import add_to
from openoutcry.cli.usage import UsageError
from openoutcry.client.access import Access
from openoutcry.client.errors import ClientError, NoAnswer, NotConnected
from openoutcry.client.questions import CODEC, ask_statement
from openoutcry.node.core.traffic import Outgoing
from openoutcry.node.zmq_io import Links
from openoutcry.venue.messages import OperatorDone
from openoutcry.venue.statements.messages import (
    DayLine,
    DayReport,
    DayReportAsk,
    PairName,
    Statement,
    StatementAsk,
    StatementLine,
    wide,
)
from openoutcry.wire.codec import encode
from openoutcry.wire.tags import Message, Tag
from tests.keystores import make, passphrase_file
from tests.links.nodes import identity, key, peer, server

MONTH, DAY = 24_322, 20_782
QUOTE = b"Q" * 32
LINE = StatementLine(0, 7, 0, 3, 1, wide(3), wide(0), wide(2**65), wide(0), wide(0), wide(5), wide(0))
NAMES = (PairName(7, "OUT/EUR", QUOTE),)


def answer(message: Message) -> Message | None:
    """What the node says: two pages of a month, nothing of another one, one day, and no to the day after."""
    match message:
        case StatementAsk(month=24_322, pair=0):
            return Statement(MONTH, 5, (LINE,), NAMES, True)
        case StatementAsk(month=24_322) | StatementAsk(month=24_000):
            return Statement(message.month, 6 * 10**9, (), (), False)
        case DayReportAsk(day=20_782):
            line = DayLine(7, 100, 103, 98, 101, 12, wide(9), wide(2**66), 0, 1, 2, 3)
            return DayReport(DAY, 6 * 10**9, (line,), NAMES, False)
        case DayReportAsk():
            return OperatorDone(int(Tag.DAY_REPORT_ASK), 202, 0)
        case _:
            return None


@contextmanager
def answering(answers: Callable[[Message], Message | None]) -> Iterator[Links]:
    """Run a node in a thread that answers questions."""
    with server("venue") as served:
        ended = threading.Event()

        def run() -> None:
            while not ended.is_set():
                for who, frame in served.receive(0.02, 64):
                    message = CODEC.decode(frame)
                    said = answers(message) if isinstance(message, Message) else None
                    if said is not None:
                        served.send([Outgoing(who, memoryview(encode(said)))])

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield served
        finally:
            ended.set()
            thread.join(10)


def profile(folder: Path, address: str) -> Path:
    """Write a profile with a keystore of its own."""
    keystore, phrase = folder / "member.keys", passphrase_file(folder)
    make(keystore)
    file = folder / "venue.toml"
    file.write_text(
        f'[venue]\naddress = "{address}"\nkey = "{key("venue").hex()}"\n'
        f'curve_key = "{identity("venue").curve_public.hex()}"\n'
        f'[member]\nkeystore = "{keystore.name}"\nunlock = "file:{phrase.name}"\n',
        encoding="utf-8",
    )
    file.chmod(0o600)
    return file


def test_a_member_and_an_operator_are_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both pages of a month, as text and as JSON with sums beyond 64 bits; a month without trades; a day; a refusal."""
    with answering(answer) as served:
        venue = profile(tmp_path, served.address)
        assert run_statement("2026-11", venue, None, False) == 0
        text = capsys.readouterr().out
        assert "OUT/EUR" in text and str(2**65) in text and "Fees: 5 units" in text
        assert run_statement("2026-11", venue, None, True) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["month"], said["until_ns"], len(said["lines"])) == ("2026-11", 6 * 10**9, 1)
        assert (said["lines"][0]["bought_units"], said["fees"]) == (2**65, [{"quote": QUOTE.hex(), "fees_units": 5}])
        assert run_statement("2000-01", venue, None, False) == 0
        assert "No trades" in capsys.readouterr().out
        assert run_day_report(venue, "2026-11-25", False) == 0
        assert "OUT/EUR" in capsys.readouterr().out
        assert run_day_report(venue, "2026-11-25", True) == 0
        assert json.loads(capsys.readouterr().out)["pairs"][0]["value_units"] == 2**66
        assert run_day_report(venue, "2026-11-26", False) == 1
        assert "an operator's keys?" in capsys.readouterr().err


def test_a_venue_that_is_silent_or_not_there_is_given_up() -> None:
    """A node that answers nothing, and an address where nobody listens."""
    with answering(lambda message: None) as served:
        access = Access(peer("venue", served.address), identity("member"))
        with pytest.raises(NoAnswer, match="does not answer"):
            ask_statement(access, MONTH, 1.5)
        address = served.address
    with pytest.raises(NotConnected, match="no link to venue"):
        ask_statement(Access(peer("venue", address), identity("member")), MONTH, 0.5)
    assert issubclass(NoAnswer, ClientError)


def test_what_a_user_can_put_right_is_one_line(tmp_path: Path) -> None:
    """A month that is none, a day that is none, files that are not there or are something else."""
    missing = tmp_path / "missing"
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"something else")
    wrongs: list[tuple[Callable[[], int], str]] = [
        (lambda: run_statement("2026-13", missing, None, False), "--month 2026-13: expected one as 2026-11"),
        (lambda: run_day_report(missing, "today", False), "--day today: expected one as 2026-11-25"),
        (lambda: run_statement("2026-11", missing, None, False), "is not there"),
        (lambda: run_statement("2026-11", missing, missing, False), "No such file"),
        (lambda: run_statement("2026-11", missing, wrong, False), "not a session file"),
    ]
    for call, what in wrongs:
        with pytest.raises(UsageError, match=what):
            call()


def test_the_command_has_the_options_that_are_documented() -> None:
    """As typer knows them."""
    app = typer.Typer()
    add_to(app)
    command = typer.main.get_command(app)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--month", "--venue", "--session", "--json"} <= options
