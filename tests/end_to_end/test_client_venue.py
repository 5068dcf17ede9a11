"""The client and the venue as they are run: a node in a process of its own, with journal, keystore and CURVE."""

import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from openoutcry.client import (
    EventFrame,
    NoAnswer,
    NotConnected,
    OperatorRefused,
    OrderState,
    Refused,
    Rejected,
    Taken,
    Venue,
)
from openoutcry.client.practice import Practice
from openoutcry.domain import AccountField, EventKind, OrderType, Side, TimeInForce
from tests.clients.served import eventually
from tests.end_to_end.test_client_recovery import quotes


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """Return a venue's folder with two members; each test starts it."""
    return Practice(tmp_path_factory.mktemp("practice") / "venue")


def test_orders_of_every_kind_and_what_they_lead_to(practice: Practice) -> None:
    """Limit, market, stop, iceberg, post-only; replaced, reduced, cancelled; each answered as the book decided."""
    with (
        practice,
        Venue.open(practice.profile("ann")) as ann,
        Venue.open(practice.profile("bob")) as bob,
        ann.watch_book("EURUSD") as book,
        ann.watch_trades("EURUSD") as tape,
    ):
        bid = ann.place("EURUSD", Side.BUY, 100, "1.0850")
        peak = ann.place("EURUSD", Side.SELL, 90, "1.0860", kind=OrderType.ICEBERG, display=30)
        assert bid.state is peak.state is OrderState.LIVE
        with pytest.raises(Rejected, match="WOULD_TRADE"):
            bob.place("EURUSD", Side.SELL, 1, "1.0850", kind=OrderType.POST_ONLY)
        sold = bob.place("EURUSD", Side.SELL, 30, tif=TimeInForce.IOC)
        assert (sold.state, sold.value) == (OrderState.FILLED, 30 * 10_850)
        stop = bob.place("EURUSD", Side.BUY, 5, kind=OrderType.STOP, trigger="1.0860")
        bought = bob.place("EURUSD", Side.BUY, 40, "1.0860", tif=TimeInForce.FOK)
        assert (bought.state, bought.filled_lots) == (OrderState.FILLED, 40)
        eventually(lambda: bob.order(stop.client_id, "EURUSD").state is OrderState.FILLED)
        assert [tape.get(10).qty_lots for _ in range(3)] == [30, 30, 10]  # type: ignore[union-attr]
        assert ann.replace(bid, 50, "1.0840").leaves_lots == 50
        assert ann.reduce(bid, 10).leaves_lots == 40
        assert ann.cancel(bid).state is OrderState.CANCELLED
        assert book.verify()
        held = ann.positions()[ann.later.account(None), 0]
        assert (held.lots, held.paid) == (30 - 45, 30 * 10_850 - 45 * 10_860)
        with pytest.raises(Refused, match="FOREIGN_ACCOUNT"):
            ann.place("EURUSD", Side.BUY, 1, "1", account=3)
        ann.mass_cancel()
        eventually(lambda: ann.orders() == [])


def test_nothing_that_was_acknowledged_is_lost_when_the_venue_is_killed_under_load(practice: Practice) -> None:
    """Two hundred frames of eight while it is killed twice; every command has one number and one place in the book."""
    with practice, Venue.open(practice.profile("ann"), timeout_s=60) as ann:
        taken: list[Taken] = []
        first = ann.later.session.outbox.next_sequence

        def trade() -> None:
            for begin in range(0, 200, 20):
                futures = [ann.later.submit(quotes(8 * at, 8)) for at in range(begin, begin + 20)]
                taken.extend(future.result(60) for future in futures)

        with ann.frames() as frames, ann.watch_book("EURUSD") as book:
            trader = threading.Thread(target=trade)
            trader.start()
            for count in (40, 120):
                eventually(lambda count=count: len(taken) >= count)  # type: ignore[misc]
                practice.kill()
                practice.start()
            trader.join(60)
            assert [one.sequence for one in taken] == [first + 8 * at for at in range(200)]
            starts = np.array([one.book_sequence for one in taken])
            assert (np.diff(starts) >= 8).all()
            eventually(lambda: len(ann.orders()) == 1_600)
            eventually(lambda: book.verify())
            numbers: list[int] = []
            accepted: list[int] = []
            while len(accepted) < 1_600:
                one = frames.get(10)
                assert isinstance(one, EventFrame)
                numbers += range(one.number, one.number + len(one.events))
                accepted += one.events["taker"][one.events["kind"] == EventKind.ACCEPTED].tolist()
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert accepted == [1_000_000 + at for at in range(1_600)]
    with practice, Venue.open(practice.profile("ann")) as again:
        assert sorted(order.client_id for order in again.orders()) == [1_000_000 + at for at in range(1_600)]
        again.mass_cancel()


def test_an_operator_suspends_limits_halts_and_cancels(practice: Practice) -> None:
    """Each by its own call; a member is refused by name, and so is a member that gives an operator's command."""
    with (
        practice,
        Venue.open(practice.profile("operator"), trades=False) as boss,
        Venue.open(practice.profile("bob")) as bob,
    ):
        key = bob.later.access.signer.key
        order = bob.place("EURUSD", Side.BUY, 10, "1")
        boss.administration.halt(0, "news")
        with pytest.raises(Rejected, match="PHASE_FORBIDS"):
            bob.place("EURUSD", Side.BUY, 10, "1")
        boss.administration.resume(0)
        assert boss.administration.cancel_for(key).number == 1
        eventually(lambda: bob.order(order.client_id, "EURUSD").state is OrderState.CANCELLED)
        boss.administration.limit(key, AccountField.ORDER_LOTS_MAX, 5)
        with pytest.raises(Rejected, match="ORDER_SIZE_LIMIT"):
            bob.place("EURUSD", Side.BUY, 10, "1")
        boss.administration.rate(key, 1_000)
        boss.administration.suspend(key)
        with pytest.raises(Refused, match="SUSPENDED"):
            bob.place("EURUSD", Side.BUY, 1, "1")
        boss.administration.reinstate(key)
        bob.cancel(bob.place("EURUSD", Side.BUY, 1, "1"))
        with pytest.raises(OperatorRefused, match="NOT_AN_OPERATOR"):
            bob.administration.halt(0)


def test_a_practice_venue_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The last line of what it said; nothing is left running."""
    broken = Practice(tmp_path / "venue")
    file = tmp_path / "venue" / "venue.toml"
    file.write_text(file.read_text().replace("operators", "operator"))
    with pytest.raises(NotConnected, match="did you mean operators"), broken:
        pass


STOPPED: Final = """
import sys
from openoutcry.client import Happening, SessionEvent, Venue
from openoutcry.domain import Side
with Venue.open(sys.argv[1], timeout_s=60) as venue, venue.events() as events:
    venue.place("EURUSD", Side.BUY, 7, "1.0000")
    print("placed", flush=True)
    for told in events:
        if isinstance(told, SessionEvent) and told.happening is Happening.CLOSED:
            print("cancelled", told.cancelled, flush=True)
            break
    print("live", len(venue.orders()), venue.place("EURUSD", Side.BUY, 8, "1.0000").state.name, flush=True)
"""


def test_a_client_that_is_stopped_loses_its_orders_in_time_and_goes_on_when_it_is_woken(practice: Practice) -> None:
    """A process with cancel on disconnect under SIGSTOP; another member sees its order go, and nothing else."""
    file = practice.profile("ann").with_name("careful.toml")
    file.write_text(practice.profile("ann").read_text().replace("[member]", "[member]\ncancel_on_disconnect = true"))
    file.chmod(0o600)
    with practice, Venue.open(practice.profile("bob")) as bob, bob.watch_book("EURUSD") as book:
        mine = bob.place("EURUSD", Side.BUY, 3, "0.9000")
        with (
            subprocess.Popen([sys.executable, "-c", STOPPED, str(file)], stdout=subprocess.PIPE, text=True) as child,
            ExitStack() as at_last,
        ):
            at_last.callback(child.kill)  # else a failure here would wait for it for ever
            assert child.stdout is not None and child.stdout.readline() == "placed\n"
            eventually(lambda: book.view().depth.bids["qty_lots"].tolist() == [7, 3])
            child.send_signal(signal.SIGSTOP)
            eventually(lambda: book.view().depth.bids["qty_lots"].tolist() == [3])
            child.send_signal(signal.SIGCONT)
            assert child.stdout.read().splitlines() == ["cancelled 1", "live 0 LIVE"]
        eventually(lambda: book.view().depth.bids["qty_lots"].tolist() == [3])
        assert bob.cancel(mine).state is OrderState.CANCELLED


def test_a_venue_that_is_stopped_is_waited_for(practice: Practice) -> None:
    """SIGSTOP for four seconds, longer than a link lives without heartbeats: no answer, then the order once."""
    with practice, Venue.open(practice.profile("bob"), timeout_s=4) as bob:
        bob.place("EURUSD", Side.BUY, 1, "0.9000")
        process = practice._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(NoAnswer):
            bob.place("EURUSD", Side.BUY, 2, "0.9000")
        process.send_signal(signal.SIGCONT)
        eventually(lambda: [order.state for order in bob.orders()] == [OrderState.LIVE] * 2)
        assert sorted(order.qty_lots for order in bob.orders()) == [1, 2]
        bob.close(cancel=True)
