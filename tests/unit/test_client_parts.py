"""The parts of a client by themselves: numbers at the edge, profiles, queues, own orders, operators."""

import threading
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.book import ReferenceBooks
from openoutcry.book.commands import batch, cancel, mass_cancel, place, reduce, replace, set_phase
from openoutcry.client.access import read_profile
from openoutcry.client.errors import (
    ClientError,
    Closed,
    NotRepresentable,
    OperatorRefused,
    OutcomeUnknown,
    Rejected,
    UnknownPair,
)
from openoutcry.client.listing import Listing, Scale, scales_of
from openoutcry.client.operator import LIFETIME_NS, Operator
from openoutcry.client.orders import Asked, Order, OrderEvent, OrderState, OwnOrders, Position, describe
from openoutcry.client.reading import Missed, Reader
from openoutcry.domain import EventKind, MassCancelScope, Op, OrderType, Pair, Phase, Side, TimeInForce
from openoutcry.domain.records import Commands
from openoutcry.node.config.errors import ConfigError
from openoutcry.venue.messages import MESSAGES, MemberRate, OperatorDone, PairListed, Pairs
from openoutcry.wire.codec import Codec
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.faults import FaultCode
from openoutcry.wire.messages import Refuse
from openoutcry.wire.requests import Envelope, Request, read_envelope
from openoutcry.wire.table import MESSAGES as WIRE
from openoutcry.wire.tags import Tag

CODEC = Codec(WIRE.extended(MESSAGES))
VENUE = bytes(range(32))


@given(
    tick=st.decimals("0.00001", "100", places=5).filter(lambda tick: tick > 0),
    ticks=st.integers(0, 2**28 - 1),
)
def test_a_price_is_the_same_after_it_was_ticks(tick: Decimal, ticks: int) -> None:
    """Any tick, any price; as a Decimal and as text."""
    scale = Scale(tick, tick)
    assert scale.ticks(scale.price(ticks)) == scale.lots(str(scale.qty(ticks))) == ticks


@pytest.mark.parametrize("wrong", [0.1, "1.0005", "", "abc", "nan", "inf", "1e999", None, "9" * 80])
def test_what_is_no_whole_number_of_ticks_is_refused_in_one_line(wrong: object) -> None:
    """Floats among them, whatever their value, since 0.1 is no tenth."""
    with pytest.raises(NotRepresentable) as refused:
        Scale(Decimal("0.001")).ticks(wrong)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


def test_pairs_are_found_by_name_and_number_and_others_are_suggested() -> None:
    """Two pages; scales by name and by number."""
    listing = Listing(scales_of({"EURUSD": {"tick": "0.1", "lot": "2"}, "1": {"tick": "3"}}))

    def said(number: int, name: str) -> PairListed:
        return PairListed(number, bytes(32), VENUE, name, 1, 1, 9, 9, Phase.CONTINUOUS, 0, 0, 0, 0)

    assert (listing.take(Pairs((said(0, "EURUSD"),), True)), listing.is_complete) == (1, False)
    assert (listing.take(Pairs((said(1, ""),), False)), listing.is_complete) == (None, True)
    assert listing["EURUSD"] is listing[0] is listing["0"] is listing[listing[0]]
    assert (listing[0].scale.lots(4), listing[1].scale.ticks(9), listing[1].name) == (2, 3, "1")
    assert [listed.number for listed in listing] == [0, 1] and len(listing) == 2
    with pytest.raises(UnknownPair, match="did you mean EURUSD"):
        listing["EURUSB"]
    with pytest.raises(NotRepresentable, match="above 0"):
        scales_of({"EURUSD": {"tick": "0"}})


PROFILE = f"""
[venue]
address = "tcp://127.0.0.1:1"
key = "{"0" * 64}"
curve_key = "{"1" * 64}"
[pairs.EURUSD]
tick = "0.01"
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("[venue]", "[venu]", 2, "did you mean venue?"),
        ("address", "adress", 3, "did you mean address?"),
        ("tcp://127.0.0.1:1", "127.0.0.1:1", 3, "expected"),
        ("0000", "000", 4, "64 hexadecimal digits"),
        ("tick", "tik", 7, "did you mean tick?"),
        ('"0.01"', "0.01", 7, "a number in quotes"),
        ('"0.01"', '"-1"', 7, "above 0"),
        ("[pairs.EURUSD]", "[member]\nlease_ms = 5\n[pairs.EURUSD]", 7, "0, or 2000 and more"),
        ("[pairs.EURUSD]", '[member]\nunlock = "magic"\n[pairs.EURUSD]', 7, "no such source"),
        ("[pairs.EURUSD]", "[pairs]\nEURUSD = 1\n[pairs.GBPUSD]", 7, "a table with tick and lot"),
    ],
)
def test_mistakes_in_a_profile_are_told_with_their_line(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    """File, line, what was expected, what to do."""
    path = tmp_path / "venue.toml"
    path.write_text(PROFILE.replace(old, new, 1))
    with pytest.raises(ConfigError) as wrong:
        profile = read_profile(path)
        assert profile is None
    assert str(wrong.value).startswith(f"{path}:{line}: ") and says in str(wrong.value)


def test_a_profile_is_read_whole(tmp_path: Path) -> None:
    """What is left out has its default; a keystore that is missing is told at its line."""
    path = tmp_path / "venue.toml"
    path.write_text(PROFILE)
    profile = read_profile(path)
    assert profile.venue.address == "tcp://127.0.0.1:1" and profile.member.keystore == "keystore"
    assert profile.scales == {"EURUSD": Scale(Decimal("0.01"))}
    with pytest.raises(ConfigError, match=r"member.keystore"):
        profile.open()


def test_a_reader_keeps_so_many_items_and_counts_what_it_drops() -> None:
    """Twelve items for a reader of five, then its end; one that conflates misses nothing."""
    reader: Reader[int] = Reader(5)
    for number in range(12):
        reader.put(number)
    assert [reader.take() for _ in range(6)] == [Missed(7), 7, 8, 9, 10, 11]
    assert reader.take() is None and reader.get(0.01) is None
    reader.put(12)
    reader.close()
    reader.put(13)
    assert list(reader) == [12]
    with pytest.raises(Closed):
        reader.get()
    newest: Reader[int] = Reader(conflate=True)
    for number in range(3):
        newest.put(number)
    newest.close(ClientError("the end"))
    assert newest.get() == 2
    with pytest.raises(ClientError, match="the end"):
        newest.get()


def test_a_reader_that_waits_is_woken_by_what_comes_and_by_the_end() -> None:
    """From another thread."""
    reader: Reader[int] = Reader()
    read: list[int | Missed] = []
    thread = threading.Thread(target=lambda: read.extend(reader))
    thread.start()
    for number in range(100):
        reader.put(number)
    reader.miss(3)
    reader.close()
    thread.join(10)
    assert [one for one in read if isinstance(one, int)] == list(range(100)) and Missed(3) in read


class Desk:
    """A book of one pair, and own orders of accounts 0 and 1 that fold what it says of them."""

    def __init__(self) -> None:
        self.books = ReferenceBooks([Pair(0, price_ticks_max=100)], accounts=4)
        self.orders = OwnOrders()
        self.told: list[OrderEvent] = []
        self.said: list[tuple[int, Order | Exception | None]] = []
        self.number = 0
        self._handles: set[int] = set()

    def do(self, commands: Commands) -> None:
        """Send commands, of which those of accounts 0 and 1 are own."""
        for command in commands:
            row = command.reshape(1)
            if int(command["account"]) < 2:
                op, pair, account, name = (int(command[field]) for field in ("op", "pair", "account", "client_id"))
                asked = Asked(op, pair, account, name, 0, lambda order, error: self.said.append((0, error or order)))
                shown = (int(command[name]) for name in ("side", "price_ticks", "qty_lots"))
                self.orders.ask(asked, *shown)
            events = self.books.apply(row)
            mine = [self._is_own(event, int(command["account"]) < 2) for event in events]
            self.orders.fold(self.number + 1, events[mine], self.told)
            self.number += sum(mine)

    def _is_own(self, event: np.void, is_sender: bool) -> bool:
        """Tell whether a venue would send an event to this member."""
        if event["kind"] == EventKind.ACCEPTED and is_sender and event["maker"]:
            self._handles.add(int(event["maker"]))
        if event["kind"] in (EventKind.ACCEPTED, EventKind.REJECTED):
            return is_sender
        return bool({int(event["maker"]), int(event["taker"])} & self._handles)


COMMANDS = st.one_of(
    st.builds(
        lambda account, name, side, lots, price, tif, kind: place(
            0, account, name, side, lots, 0 if kind is OrderType.MARKET else price, tif=tif, kind=kind
        ),
        st.integers(0, 3),
        st.integers(1, 9),
        st.sampled_from(Side),
        st.integers(1, 20),
        st.integers(40, 60),
        st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.HIDDEN]),
    ),
    st.builds(cancel, st.just(0), st.integers(0, 3), st.integers(1, 9)),
    st.builds(reduce, st.just(0), st.integers(0, 3), st.integers(1, 9), st.integers(1, 20)),
    st.builds(replace, st.just(0), st.integers(0, 3), st.integers(1, 9), st.integers(1, 20), st.integers(40, 60)),
    st.builds(lambda account: mass_cancel(MassCancelScope.ACCOUNT, account=account, session=77), st.integers(0, 1)),
    st.builds(set_phase, st.just(0), st.sampled_from([Phase.HALTED, Phase.CONTINUOUS])),
)


@given(commands=st.lists(COMMANDS, max_size=40))
def test_own_orders_are_those_of_the_book_after_any_commands(commands: list[Commands]) -> None:
    """Live orders with leaves and prices, positions, and one answer for each own command; client ids of two accounts
    differ, as the client sees to."""
    desk = Desk()
    for command in commands:
        if int(command["account"][0]) == 1:
            command["client_id"] += np.uint64(100)
        if int(command["op"][0]) == Op.SET_PHASE:
            command["account"] = 3
        desk.do(command)
    own = {order.handle: order for order in desk.orders.live()}
    rows = [row for row in desk.books.orders(0) if int(row["account"]) < 2]
    assert sorted(own) == sorted(int(row["handle"]) for row in rows)
    for row in rows:
        order = own[int(row["handle"])]
        left = int(row["displayed_lots"] + row["reserve_lots"])
        assert (order.leaves_lots, order.price_ticks) == (left, int(row["price_ticks"]))
        assert (order.account, order.client_id) == (int(row["account"]), int(row["client_id"]))
    for account in (0, 1):
        assert desk.orders.positions.get((account, 0), Position()).lots == desk.books.position(account, 0)
    sent = sum(int(command["account"][0]) < 2 for command in commands)
    assert len(desk.said) == sent
    for event in desk.told:
        assert event.order.filled_lots + event.order.leaves_lots <= event.order.qty_lots or event.order.state.is_over
        assert describe(event)["state"] == event.order.state.name


def test_answers_go_to_the_command_that_they_are_about() -> None:
    """An order, the same id again, a cancellation, another one: accepted, refused, cancelled, refused."""
    desk = Desk()
    desk.do(batch(place(0, 0, 5, Side.BUY, 3, 50), place(0, 0, 5, Side.BUY, 3, 50), cancel(0, 0, 5), cancel(0, 0, 5)))
    said = [one for _, one in desk.said]
    assert [type(one) for one in said] == [Order, Rejected, Order, Rejected]
    assert isinstance(said[0], Order) and said[0].state is OrderState.LIVE
    assert isinstance(said[2], Order) and (said[2].state, said[2].reason_name) == (OrderState.CANCELLED, "USER")


def test_an_order_whose_history_is_gone_is_lost_and_says_so() -> None:
    """A snapshot without it; one of another client is taken over."""
    desk = Desk()
    desk.do(batch(place(0, 0, 5, Side.BUY, 3, 50), place(0, 1, 106, Side.BUY, 9, 49)))
    other = ReferenceBooks([Pair(0, price_ticks_max=100)], accounts=4)
    other.apply(
        batch(place(0, 0, 1, Side.BUY, 1, 1), place(0, 1, 106, Side.BUY, 9, 49), place(0, 2, 1, Side.SELL, 4, 49))
    )
    desk.orders.restore(other.orders(0)[other.orders(0)["account"] == 1])
    assert [(order.client_id, order.leaves_lots) for order in desk.orders.live()] == [(106, 5)]
    gone = desk.orders.find(0, 5)
    assert gone is not None and gone.state is OrderState.LOST and gone.state.is_over


class Answers:
    """An operator, and what it is told."""

    def __init__(self) -> None:
        self.operator = Operator(Ed25519Signer(bytes(32)), VENUE)
        self.done: list[OperatorDone | Exception | None] = []
        for rate in (1, 2):
            self.operator.ask(MemberRate(VENUE, rate), lambda done, error: self.done.append(error or done))

    def sent(self) -> list[tuple[Request, bytes]]:
        """Return what goes out: the request of each envelope and its only message."""
        found = []
        for frame in self.operator.out:
            envelope = CODEC.decode(frame)
            assert isinstance(envelope, Envelope)
            request = read_envelope(envelope, CODEC, Ed25519Verifier())
            assert isinstance(request, Request)
            found.append((request, envelope.bodies[0]))
        self.operator.out.clear()
        return found


def test_operator_commands_go_out_one_by_one_signed_and_again_until_they_are_answered() -> None:
    """Two commands: the second waits for the first, which is sent twice, the same envelope each time."""
    answers = Answers()
    answers.operator.tick(0, 10**18)
    answers.operator.tick(10**9, 10**18)
    answers.operator.tick(3 * 10**9, 10**18)
    first, again = answers.sent()
    assert first == again and first[0].receiver == VENUE
    answers.operator.done(OperatorDone(int(Tag.MEMBER_RATE), 0, 4))
    answers.operator.tick(3 * 10**9, 10**18)
    (second,) = answers.sent()
    assert second[0].sequence > first[0].sequence and second[1] != first[1]
    answers.operator.done(OperatorDone(int(Tag.MEMBER_RATE), 202, 0, "who?"))
    refused = answers.done[1]
    assert isinstance(refused, OperatorRefused) and "UNKNOWN_MEMBER: who?" in str(refused)


@pytest.mark.parametrize("reason", [FaultCode.REPLAYED, FaultCode.STALE])
def test_an_operator_command_whose_answer_was_lost_is_not_done_again(reason: FaultCode) -> None:
    """The venue has taken the envelope before: what came of it is not known, and that is said."""
    answers = Answers()
    answers.operator.tick(0, 10**18)
    assert answers.operator.refused(Refuse(reason, int(Tag.ENVELOPE), ""))
    assert isinstance(answers.done[0], OutcomeUnknown)


def test_an_operator_command_is_given_up_when_it_counts_no_more() -> None:
    """A minute without an answer; and what waits when the client closes."""
    answers = Answers()
    answers.operator.tick(0, 10**18)
    answers.operator.tick(LIFETIME_NS, 10**18 + LIFETIME_NS)
    assert isinstance(answers.done[0], OutcomeUnknown)
    answers.operator.close()
    assert isinstance(answers.done[1], OutcomeUnknown | Closed)
    assert not answers.operator.refused(Refuse(FaultCode.REPLAYED, int(Tag.ENVELOPE), ""))
