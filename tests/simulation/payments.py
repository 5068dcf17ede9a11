"""A small market for the tests of the simulator itself: a payer pays a payee coin by coin, until each is receipted.

The payee can be made with a bug: it books a coin again when it comes a second time.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, BinaryIO

import msgspec
from msgspec import Meta

from openoutcry.host.kinds import Answers, Cast, RoleKind, Scenario, Settings
from openoutcry.moves import Machine, Move
from openoutcry.role import TIMER_TAG, Effects, Input, Ports, Record, Role, Send, Timer
from openoutcry.wire.fields import KeyId
from openoutcry.wire.tags import Message

Number = Annotated[int, Meta(ge=0, le=2**62)]
PAY = 20_001
RECEIPT = 20_002
AGAIN_NS = 200_000_000
BEGIN_NS = 1_000_000


class Pay(Message, frozen=True, tag=PAY):
    """One coin."""

    number: Number


class Receipt(Message, frozen=True, tag=RECEIPT):
    """It is booked."""

    number: Number


class PayerSettings(Settings, frozen=True):
    """payee: whom. coins: how many. at_once: how many may be on their way."""

    payee: KeyId = bytes(32)
    coins: int = 20
    at_once: int = 4


class Coin:
    """What the payer knows of one coin."""

    def __init__(self) -> None:
        self.sends = 0
        self.done = False


def _send(coin: Coin, move: Move) -> None:
    coin.sends += 1


def _finish(coin: Coin, move: Move) -> None:
    coin.done = True


COIN = Machine[Coin](
    "coin",
    [
        Move("new", "begin", "sent", actions=("send",)),
        Move("sent", "again", "sent", actions=("send",)),
        Move("sent", "receipt", "paid", actions=("finish",)),
    ],
    guards={},
    actions={"send": _send, "finish": _finish},
)


class Payer:
    """Pays; every coin's state is a row of `COIN`."""

    name, version = "payer", 1

    def __init__(self, settings: PayerSettings, ports: Ports, answers: Answers) -> None:
        self.settings, self.number = settings, ports.number
        self.states: dict[int, str] = {}
        self.paid = 0

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        records = [Record(self.number, one.tag, now_ns, one.sender, one.raw) for one in inputs]
        return records, []

    def apply(self, records: Sequence[Record]) -> Effects:
        sends: list[Send] = []
        timers: list[Timer] = []
        for record in records:
            event, number = self._event(record)
            coin = Coin()
            state = COIN.take(self.states.get(number, "new"), event, coin)
            if state is None:
                continue
            self.states[number] = state
            key = number.to_bytes(8, "big")
            if coin.sends:
                sends.append(Send(self.settings.payee, Pay(number), sign=True))
                timers.append(Timer(key, record.time_ns + AGAIN_NS))
            if coin.done:
                self.paid += 1
                timers.append(Timer(key, None))
                following = number + self.settings.at_once
                if following < self.settings.coins:
                    timers.append(Timer(following.to_bytes(8, "big"), record.time_ns + BEGIN_NS))
        return Effects(sends, timers)

    def _event(self, record: Record) -> tuple[str, int]:
        if record.tag == TIMER_TAG:
            number = int.from_bytes(record.raw, "big")
            return ("again" if number in self.states else "begin"), number
        return "receipt", msgspec.msgpack.decode(record.raw)[1]

    def row_of(self, record: Record) -> int | None:
        event, number = self._event(record)
        return COIN.find(self.states.get(number, "new"), event, Coin())

    def resume(self) -> Effects:
        due = [number for number in range(self.settings.coins) if self._runs(number)]
        return Effects([], [Timer(number.to_bytes(8, "big"), 0) for number in due])

    def _runs(self, number: int) -> bool:
        before = number - self.settings.at_once
        return self.states.get(number) == "sent" or (
            number not in self.states and (before < 0 or self.states.get(before) == "paid")
        )

    def snapshot(self, out: BinaryIO) -> None:
        out.write(msgspec.msgpack.encode(sorted(self.states.items())))

    def restore(self, source: BinaryIO) -> None:
        self.states = dict(msgspec.msgpack.decode(source.read(), type=list[tuple[int, str]]))
        self.paid = sum(state == "paid" for state in self.states.values())

    def check(self) -> list[str]:
        return [] if self.paid <= self.settings.coins else [f"{self.paid} coins were paid"]


class Payee:
    """Books coins and receipts them."""

    name, version = "payee", 1

    def __init__(self, settings: Settings, ports: Ports, answers: Answers, forgetful: bool = False) -> None:
        self.number, self.forgetful = ports.number, forgetful
        self.booked: dict[int, int] = {}

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        return [Record(self.number, one.tag, now_ns, one.sender, one.raw) for one in inputs], []

    def apply(self, records: Sequence[Record]) -> Effects:
        sends = []
        for record in records:
            number = msgspec.msgpack.decode(record.raw)[1]
            if self.forgetful or number not in self.booked:
                self.booked[number] = self.booked.get(number, 0) + 1
            sends.append(Send(record.sender, Receipt(number), sign=True))
        return Effects(sends, [])

    def resume(self) -> Effects:
        return Effects([], [])

    def snapshot(self, out: BinaryIO) -> None:
        out.write(msgspec.msgpack.encode(sorted(self.booked.items())))

    def restore(self, source: BinaryIO) -> None:
        self.booked = dict(msgspec.msgpack.decode(source.read(), type=list[tuple[int, int]]))

    def check(self) -> list[str]:
        return []


PAYER = RoleKind("payer", 1, "pays", Payer, PayerSettings, (Pay, Receipt), takes=frozenset({RECEIPT}), machines=(COIN,))
PAYEE = RoleKind("payee", 1, "books", Payee, Settings, (Pay, Receipt), takes=frozenset({PAY}))
FORGETFUL = RoleKind(
    "payee",
    1,
    "books again what comes again",
    lambda settings, ports, answers: Payee(settings, ports, answers, forgetful=True),
    Settings,
    (Pay, Receipt),
    takes=frozenset({PAY}),
)

Roles = Mapping[str, Mapping[str, Role]]


def payments(coins: int = 20, payers: int = 2, payee: RoleKind = PAYEE, at_once: int = 4) -> Scenario:
    """Return a market of some payers and one payee."""
    names = (*(f"payer-{number}" for number in range(payers)), "payee")

    def nodes(keys: Mapping[str, KeyId]) -> dict[str, list[Cast]]:
        casts = {name: [Cast(PAYER, PayerSettings(keys["payee"], coins, at_once))] for name in names[:-1]}
        return {**casts, "payee": [Cast(payee, Settings())]}

    def broken(roles: Roles) -> list[str]:
        book: Any = roles.get("payee", {}).get("payee")
        if book is None:
            return []
        most = payers  # every payer numbers its coins from 0
        lines = [f"coin {number} is booked {times} times" for number, times in book.booked.items() if times > most]
        paid = sum(role.paid for name, node in roles.items() for role in node.values() if isinstance(role, Payer))
        if payers == 1 and paid > sum(book.booked.values()):
            lines.append(f"{paid} coins are receipted and {sum(book.booked.values())} booked")
        return lines

    def unsettled(roles: Roles) -> list[str]:
        return [
            f"{name} has paid {role.paid} of {coins}"
            for name, node in roles.items()
            for role in node.values()
            if isinstance(role, Payer) and role.paid < coins
        ]

    return Scenario("payments", "coins from payers to a payee", names, nodes, broken, unsettled)


def state_of(role: Role) -> bytes:
    """Return a role's snapshot."""
    out = io.BytesIO()
    role.snapshot(out)
    return out.getvalue()
