"""Links that are cut, venues that are killed or stopped, slow readers: nothing is lost and nothing is done twice."""

import asyncio
import threading

import numpy as np
import pytest

from openoutcry.book.commands import place
from openoutcry.client import (
    AsyncVenue,
    Closed,
    EventFrame,
    HandlerFailed,
    Happening,
    Missed,
    NoAnswer,
    OrderEvent,
    OrderState,
    SessionEvent,
    Taken,
    Venue,
)
from openoutcry.client.aio import AsyncReader
from openoutcry.client.outbox import WINDOW_FRAMES_MAX
from openoutcry.domain import EventKind, Side
from openoutcry.domain.records import COMMAND, Commands
from openoutcry.marketdata.followers import Trade
from tests.clients.fake_venue import events_of
from tests.clients.served import access, eventually, serving
from tests.links.nodes import key


def quotes(first: int, count: int) -> Commands:
    """Return buy orders with client ids of their own, none of which trades."""
    commands = np.zeros(count, COMMAND)
    commands["op"], commands["price_ticks"], commands["qty_lots"] = 1, 1 + np.arange(first, first + count) % 50, 1
    commands["client_id"] = 1_000_000 + np.arange(first, first + count)
    return commands


def test_no_command_is_lost_or_done_twice_when_the_venue_is_killed_under_load() -> None:
    """Two hundred frames of eight from a thread while the venue is killed and comes back four times."""
    with serving("ann") as served, Venue(access(served, "ann"), timeout_s=30) as ann:
        taken: list[Taken] = []

        def trade() -> None:
            futures = [ann.later.submit(quotes(8 * at, 8)) for at in range(100)]
            taken.extend(future.result(30) for future in futures)
            taken.extend(ann.submit(quotes(8 * at, 8)) for at in range(100, 200))

        with ann.frames() as frames:
            trader = threading.Thread(target=trade)
            trader.start()
            for step in range(4):
                eventually(lambda step=step: len(taken) >= 20 * step)  # type: ignore[misc]
                served.kill()
                served.start()
            trader.join(40)
            assert [one.sequence for one in taken] == [1 + 8 * at for at in range(200)]
            assert served.venue.taken == [(1, 1 + at) for at in range(1_600)]
            assert served.venue.books.live == 1_600
            eventually(lambda: len(ann.orders()) == 1_600)
            read: list[np.ndarray[tuple[int], np.dtype[np.void]]] = []
            while sum(map(len, read)) < served.venue.members[key("ann")].events.head:
                one = frames.get(10)
                assert isinstance(one, EventFrame)
                read.append(one.events)
            assert np.concatenate(read).tobytes() == events_of(served.venue, key("ann")).tobytes()
        by_book = {one.book_sequence for one in taken}
        assert len(by_book) == 200 and 0 not in by_book


def test_a_caller_whose_answer_does_not_come_learns_later_what_became_of_it() -> None:
    """The venue hangs as after SIGSTOP: NoAnswer; when it goes on, the order is there, once."""
    with serving("ann") as served, Venue(access(served, "ann"), timeout_s=0.4) as ann:
        with ann.events() as events:
            served.pause(True)
            with pytest.raises(NoAnswer, match="it is tried until"):
                ann.place("EURUSD", Side.BUY, "1", "1.00")
            assert [order.state for order in ann.orders()] == [OrderState.SENT]
            served.pause(False)
            told = events.get(10)
            assert isinstance(told, OrderEvent) and told.kind == EventKind.ACCEPTED
        assert len(served.venue.taken) == 1


def test_a_session_that_falls_silent_loses_its_orders_and_learns_of_it() -> None:
    """Cancel on disconnect, and a client whose thread is held for four seconds, as SIGSTOP would."""
    with serving("ann") as served, Venue(access(served, "ann", cancel_on_disconnect=True)) as ann:
        ann.place("EURUSD", Side.BUY, "1", "1.00")
        with ann.events() as events:
            with ann.later.line.lock:  # nothing is sent meanwhile, no life sign either
                eventually(lambda: served.venue.books.live == 0)
            told = [one for one in (events.get(10), events.get(10), events.get(10), events.get(0.2)) if one]
        closed = [one for one in told if isinstance(one, SessionEvent) and one.happening is Happening.CLOSED]
        assert [one.cancelled for one in closed] == [1]
        assert ann.orders() == []
        assert ann.place("EURUSD", Side.BUY, "1", "1.00").state is OrderState.LIVE


def test_a_client_that_leaves_keeps_its_orders_unless_it_says_otherwise() -> None:
    """Three ends: plain, with cancel, and of a session that cancels on disconnect, which does so at once."""
    with serving("ann") as served:
        with Venue(access(served, "ann")) as ann:
            ann.place("EURUSD", Side.BUY, "1", "1.00")
        assert served.venue.books.live == 1
        again = Venue(access(served, "ann"))
        again.connect()
        assert [order.leaves_lots for order in again.orders()] == [10]
        again.close(cancel=True)
        again.close()
        assert served.venue.books.live == 0
        with pytest.raises(Closed):
            again.place("EURUSD", Side.BUY, "1", "1.00")
        with Venue(access(served, "ann", cancel_on_disconnect=True)) as ann:
            ann.place("EURUSD", Side.BUY, "1", "1.00")
        assert served.venue.books.live == 0


def test_a_watcher_that_was_cut_off_ends_with_the_venues_book() -> None:
    """The venue trades while nobody can reach it; book, levels, tape and top are right again, and the digest is."""
    with (
        serving("ann") as served,
        Venue(access(served, "eve"), trades=False) as eve,
        eve.watch_book("EURUSD") as book,
        eve.watch_book("EURUSD", level=2) as levels,
        eve.watch_trades("EURUSD") as tape,
        eve.watch_top("EURUSD") as top,
    ):
        for at in range(5):
            served.run(place(0, 0, 100 + at, Side.BUY, 10, 50 + at))
        served.run(place(0, 2, 1, Side.SELL, 1, 54))
        assert isinstance(first := tape.get(10), Trade) and first.number == 1
        served.kill()
        for at in range(5):
            served.venue.run(place(0, 0, 200 + at, Side.BUY, 10, 50 + at))
        for at in range(3):
            served.venue.run(place(0, 2, 300 + at, Side.SELL, 1, 54))
        served.start()
        numbers = [one.number for one in (tape.get(10), tape.get(10), tape.get(10)) if isinstance(one, Trade)]
        assert numbers == [2, 3, 4]
        assert book.verify()
        eventually(lambda: levels.is_current and levels.view().depth.bids.tolist() == book.view().depth.bids.tolist())
        eventually(lambda: top.top.bid_lots == 16)


def test_a_slow_reader_is_told_what_it_has_missed_and_never_holds_up_the_link() -> None:
    """A reader that keeps four items; a watch of a book has what is, and nothing of what was."""
    with serving("ann", "bob") as served, Venue(access(served, "ann")) as ann:
        with ann.events(waiting_max=4) as events:
            for _ in range(10):
                ann.place("EURUSD", Side.BUY, "1", "1.00")
            eventually(lambda: len(events._items) == 4)
            assert isinstance(missed := events.get(1), Missed) and missed.items >= 6
            assert isinstance(events.get(1), OrderEvent)
        with ann.watch_book("EURUSD") as book:
            for _ in range(5):
                ann.place("EURUSD", Side.BUY, "1", "0.99")
            eventually(lambda: book.view().sequence == 15)
            assert not isinstance(book.get(1), Missed)
            assert book.get(0.05) is None


def test_what_a_handler_raises_is_raised_by_the_next_call() -> None:
    """And the client goes on."""
    with serving("ann") as served, Venue(access(served, "ann")) as ann:
        heard: list[object] = []

        def handler(one: object) -> None:
            heard.append(one)
            raise RuntimeError("a trader's own mistake")

        ann.on_event(handler)
        ann.place("EURUSD", Side.BUY, "1", "1.00")
        eventually(lambda: bool(heard))
        with pytest.raises(HandlerFailed, match="a trader's own mistake") as failed:
            for _ in range(3):
                ann.place("EURUSD", Side.BUY, "1", "1.00")
        assert isinstance(failed.value.__cause__, RuntimeError)


def test_the_same_from_asyncio() -> None:
    """Trading, events, a book and a kill, in one event loop that is never blocked for long."""

    async def trade() -> None:
        with serving("ann", "bob") as served:
            async with AsyncVenue(access(served, "ann")) as ann, AsyncVenue(access(served, "bob")) as bob:
                book = await ann.watch_book("EURUSD")
                with ann.events() as events:
                    order = await ann.place("EURUSD", Side.BUY, "2", "1.00")
                    await bob.place("EURUSD", Side.SELL, "0.5", "1.00")
                    async for told in events:
                        if isinstance(told, OrderEvent) and told.kind == EventKind.TRADED:
                            assert told.order.client_id == order.client_id
                            break
                served.kill()
                later = [asyncio.create_task(ann.submit(quotes(at, 1))) for at in range(20)]
                await asyncio.sleep(0.2)
                assert not any(task.done() for task in later)
                served.start()
                assert [(await task).sequence for task in later] == list(range(2, 22))
                await ann.reduce(order, "0.1")
                await ann.replace(order, "0.3", "0.99")
                assert (await ann.cancel(order)).state is OrderState.CANCELLED
                changes = AsyncReader(book.reader)
                await changes.get()
                assert await asyncio.get_running_loop().run_in_executor(None, book.verify)
                book.close()
                await ann.mass_cancel()
                assert ann.orders() == []

    asyncio.run(trade())


def test_a_burst_fills_the_window_and_nothing_is_dropped_on_the_way() -> None:
    """A thousand frames at once for a venue that does not read: none is lost in a queue, so none is sent twice."""
    with serving("ann") as served, Venue(access(served, "ann"), track=False, timeout_s=60) as ann:
        served.pause(True)
        futures = [ann.later.submit(quotes(at, 1)) for at in range(1_000)]
        eventually(lambda: len(ann.later.session.outbox._sent) == WINDOW_FRAMES_MAX)
        served.pause(False)
        assert [future.result(60).sequence for future in futures] == list(range(1, 1_001))
        counters = ann.later.line.links.counters
        assert counters.stuck == 0 and len(served.venue.taken) == 1_000
