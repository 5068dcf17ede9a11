"""`outcry order`, `cancel`, `orders`, `watch` and `venue` against a venue on loopback, over real sockets."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console

from openoutcry.book.commands import batch, place
from openoutcry.book.depth import DEPTH, Depth
from openoutcry.cli import trade_commands
from openoutcry.cli.usage import UsageError
from openoutcry.cli.watch import draw
from openoutcry.client import BookView, Listed, Missed, Scale
from openoutcry.domain import Phase, Side
from openoutcry.marketdata.followers import Trade
from openoutcry.node.keys.keystore import create
from openoutcry.node.keys.layout import CHEAPEST
from openoutcry.node.keys.unlock import open_secrets, parse_unlock
from openoutcry.venue.messages import PairListed
from tests.clients.served import VENUE, Served, serving
from tests.keystores import passphrase_file
from tests.links.nodes import identity, key

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command line: exit code, output, errors."""
    app = typer.Typer()
    trade_commands.add_to(app)
    command = typer.main.get_command(app)

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = command.main([*words], "outcry", standalone_mode=False)
        except UsageError as error:
            capsys.readouterr()
            return 2, "", " ".join(error.format_message().split())  # type: ignore[attr-defined]
        out, err = capsys.readouterr()
        return int(code or 0), out, err

    return run


def profile(folder: Path, served: Served, name: str = "member") -> tuple[str, bytes]:
    """Write a profile with a keystore of its own; return its path, and the member's key."""
    keystore = folder / f"{name}.keys"
    phrase = passphrase_file(folder)
    create(keystore, phrase.read_bytes().strip(), CHEAPEST)
    secrets = open_secrets(keystore, parse_unlock(f"file:{phrase}"))
    path = folder / f"{name}.toml"
    path.write_text(
        f"""
[venue]
address = "{served.address}"
topics_address = "{served.publish}"
key = "{key(VENUE).hex()}"
curve_key = "{identity(VENUE).curve_public.hex()}"

[member]
keystore = "{keystore.name}"
unlock = "file:{phrase.name}"

[pairs.EURUSD]
tick = "0.0001"
lot = "0.1"
"""
    )
    return str(path), secrets.signer.key


def test_an_operator_adds_a_member_which_trades_from_the_command_line(tmp_path: Path, run: Run) -> None:
    """One keystore operates, one trades: add, order, orders, watch, cancel, halt, resume, cancel --for, suspend."""
    with serving() as served:
        boss, boss_key = profile(tmp_path, served, "boss")
        mine, my_key = profile(tmp_path, served, "mine")
        served.venue.operators.add(boss_key)
        code, out, err = run("order", "buy", "EURUSD", "10", "@", "1.0850", "--venue", mine)
        assert code == 1 and "ask its operator" in err and err.count("\n") == 1
        assert run("venue", "member", "add", my_key.hex(), "--venue", boss)[1].startswith("member ")
        code, out, err = run("order", "buy", "EURUSD", "10", "@", "1.0850", "--venue", mine)
        assert (code, out, err) == (0, "1: buy 10.0 EURUSD @ 1.0850, live, left 10.0\n", "")
        code, out, _ = run("order", "sell", "EURUSD", "2.5", "--type", "market", "--venue", mine, "--json")
        assert json.loads(out)[0]["state"] == "filled" and json.loads(out)[0]["filled"] == "2.5"
        assert "filled 2.5 at 1.0850, left 7.5" in run("orders", "--venue", mine)[1]
        book = json.loads(run("watch", "EURUSD", "--venue", mine, "--once", "--json")[1])
        assert book["bids"] == [{"price": "1.0850", "qty": "7.5", "orders": 1}] and book["asks"] == []
        assert "7.5" in run("watch", "EURUSD", "--venue", mine, "--once")[1]
        assert run("venue", "halt", "EURUSD", "--venue", boss)[1] == "EURUSD is halted\n"
        code, _, err = run("order", "buy", "EURUSD", "1", "1.08", "--venue", mine)
        assert code == 1 and "PHASE_FORBIDS" in err
        assert run("venue", "resume", "EURUSD", "--venue", boss)[0] == 0
        assert "cancelled" in run("cancel", "EURUSD", "1", "--venue", mine)[1]
        assert run("orders", "--venue", mine, "--json")[1] == "[]\n"
        assert run("venue", "cancel", "--for", my_key.hex(), "--venue", boss)[0] == 0
        assert run("venue", "member", "suspend", my_key.hex(), "--venue", boss)[0] == 0
        code, _, err = run("order", "buy", "EURUSD", "1", "1.08", "--venue", mine)
        assert code == 1 and "SUSPENDED" in err
        assert run("venue", "member", "limits", my_key.hex(), "order_lots_max=5", "--venue", boss)[0] == 0
        code, out, _ = run("venue", "list", "1", "GBPUSD", "--base", "11" * 32, "--quote", "22" * 32, "--venue", boss)
        assert out == "pair 1, GBPUSD, is listed\n"
        assert "GBPUSD" in run("venue", "list", "--venue", boss)[1]


def test_mistakes_on_the_command_line_are_one_line_with_a_suggestion(tmp_path: Path, run: Run) -> None:
    """Each wrong word, and a profile that is missing, wrong or has a key in it that is none."""
    with serving() as served:
        mine, my_key = profile(tmp_path, served)
        wrong = Path(mine).with_name("wrong.toml")
        wrong.write_text(Path(mine).read_text().replace("address", "adress", 1))
        wrong.chmod(0o600)
        words: list[tuple[tuple[str, ...], str]] = [
            (("order", "bye", "EURUSD", "1", "@", "1", "--venue", mine), "did you mean buy?"),
            (("order", "buy", "EURUSD", "1", "at", "1", "--venue", mine), "is no price"),
            (("order", "buy", "EURUSD", "1", "1", "--tif", "dya", "--venue", mine), "did you mean day?"),
            (("order", "buy", "EURUSD", "1", "1", "--type", "limt", "--venue", mine), "did you mean limit?"),
            (("order", "buy", "EURUSD", "1", "1", "--venue", str(tmp_path / "no.toml")), "name another file"),
            (("order", "buy", "EURUSD", "1", "1", "--venue", str(wrong)), "did you mean address?"),
            (("cancel", "--venue", mine), "which orders?"),
            (("venue", "cancel", "--for", "abc", "--venue", mine), "64 hexadecimal digits"),
            (("venue", "member", "limits", my_key.hex(), "order_lots=5", "--venue", mine), "mean order-lots-max?"),
            (("venue", "member", "limits", my_key.hex(), "--venue", mine), "which limit?"),
            (("venue", "halt", "EURUSB", "--venue", mine), "did you mean EURUSD?"),
        ]
        for line, text in words:
            code, out, err = run(*line)
            assert code == 2 and out == "" and text in err, (line, code, out, err)
            assert len(err.strip().splitlines()) == 1


def test_a_watch_prints_the_book_and_each_trade_until_it_is_stopped(tmp_path: Path) -> None:
    """As a process: JSON lines, then the ladder in colours; stopped by SIGINT, as with control-C."""
    script = (
        "import sys, typer; from openoutcry.cli import trade_commands; app = typer.Typer(); "
        "trade_commands.add_to(app); app()"
    )
    with serving("ann") as served:
        mine, _ = profile(tmp_path, served)
        words = [sys.executable, "-c", script, "watch", "EURUSD", "--venue", mine]
        with subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            assert json.loads(watching.stdout.readline())["bids"] == []
            served.run(batch(place(0, 0, 1, Side.BUY, 10, 10_850), place(0, 2, 1, Side.SELL, 4, 10_850)))
            seen: list[dict[str, object]] = []
            while not {"trade", "bids"} <= {name for one in seen for name in one} or not seen[-1].get("bids"):
                seen.append(json.loads(watching.stdout.readline()))
            watching.send_signal(signal.SIGINT)
            watching.wait(30)
        traded = next(one for one in seen if "trade" in one)
        assert (traded["price"], traded["qty"], traded["side"]) == ("1.0850", "0.4", "sell")
        assert seen[-1]["bids"] == [{"price": "1.0850", "qty": "0.6", "orders": 1}]
        environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "100", "LINES": "40"}
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as watching:
            assert watching.stdout is not None
            while "1.0850" not in watching.stdout.readline():
                pass
            watching.send_signal(signal.SIGINT)
            watching.wait(30)


def test_a_ladder_shows_both_sides_the_spread_and_the_tape() -> None:
    """Asks above bids, the best in the middle, longest bar for most lots, trades newest first, what was missed."""
    depth = Depth(np.array([(100, 40, 2), (99, 10, 1)], DEPTH), np.array([(103, 20, 1)], DEPTH))
    said = PairListed(0, bytes(32), bytes(32), "EURUSD", 1, 1, 9, 9, Phase.CONTINUOUS, 0, 0, 0, 0)
    listed = Listed(said, Scale(Decimal("0.01"), Decimal(5)))
    trades: list[Trade | Missed] = [Trade(2, 5, 1_764_000_000 * 10**9, 101, 3, Side.SELL, 0), Missed(7)]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(draw(BookView(depth, 12, False, Phase.CONTINUOUS), trades, listed))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[0] == ["EURUSD", "continuous,", "item", "12,", "catching", "up"]
    prices = [word for line in lines[2:6] for word in line if word.startswith(("1.0", "0.9", "(0"))]
    assert prices == ["1.03", "(0.03)", "1.00", "0.99"]
    assert [len(word) for word in lines[4] if "█" in word] == [24] and "200" in lines[4]
    assert lines[-2][-2:] == ["1.01", "15"] and lines[-1] == ["(7", "trades", "missed)"]
