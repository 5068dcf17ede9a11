"""What an operator may do, each a signed message and a record: members, limits, pairs, phases, orders of others."""

from collections.abc import Callable
from typing import Any, Final

from openoutcry.book import commands
from openoutcry.domain import AccountField, MassCancelScope
from openoutcry.domain.limits import ACCOUNTS_MAX
from openoutcry.domain.records import Commands
from openoutcry.role import Send
from openoutcry.venue import rulings
from openoutcry.venue.calendar.messages import CalendarSet
from openoutcry.venue.floor import Floor, Outcome
from openoutcry.venue.members import cancel_all
from openoutcry.venue.messages import (
    SESSIONS_MAX,
    CancelFor,
    MemberAdd,
    MemberLimit,
    MemberRate,
    MemberSuspend,
    OperatorDone,
    OperatorFault,
    PairList,
    PairPhase,
)
from openoutcry.venue.pairs import add_command, listed
from openoutcry.venue.sessions import SessionFlag
from openoutcry.venue.statements.messages import Annul
from openoutcry.venue.tariffs.fees import value_fault
from openoutcry.venue.tariffs.messages import TariffSet
from openoutcry.wire.fields import KeyId
from openoutcry.wire.service import StateReason
from openoutcry.wire.tags import Message, tag_of

Answer = tuple[int, int] | rulings.Ruling
"""Code, and the number that was made; of some also why, in words."""

OWN_FIELDS: Final = frozenset({AccountField.SESSION, AccountField.GROUP, AccountField.OPEN})
"""Fields of an account that the venue keeps itself."""


def carry_out(floor: Floor, message: Message, time_ns: int, sends: list[Send]) -> OperatorDone:
    """Do what an operator has asked for, and return what became of it."""
    code, number, *why = DEEDS[type(message)](floor, message, time_ns, sends)
    return OperatorDone(tag_of(type(message)), code, number, "".join(why))


def add_member(floor: Floor, message: MemberAdd, time_ns: int, sends: list[Send]) -> Answer:
    """Give a key a session and accounts, open in the books."""
    sessions = floor.sessions
    known = sessions.numbers.get(message.member)
    if known is not None:
        return OperatorFault.KNOWN_MEMBER, known
    if sessions.count == SESSIONS_MAX or sessions.accounts + message.accounts > ACCOUNTS_MAX:
        return OperatorFault.FULL, 0
    if message.with_session > sessions.count:
        return OperatorFault.UNKNOWN_MEMBER, 0
    # a new account has the group of its own number + 1, so the first account's is free for all of them
    group = sessions.value(message.with_session, "group") if message.with_session else sessions.accounts + 1
    number = sessions.add(message.member, message.accounts, message.commands_per_s, message.name, group)
    if floor.receipts is not None:
        floor.receipts.add(number, message.member)
    rows: list[Commands] = []
    for account in sessions.accounts_of(number):
        rows.append(commands.set_limits(account, AccountField.SESSION, number))
        rows.append(commands.set_limits(account, AccountField.GROUP, group))
    outcome = _run(floor, commands.batch(*rows), time_ns, sends)
    return outcome.code, number


def suspend(floor: Floor, message: MemberSuspend, time_ns: int, sends: list[Send]) -> Answer:
    """Let a member trade no more, or again."""
    number = floor.sessions.numbers.get(message.member)
    if number is None:
        return OperatorFault.UNKNOWN_MEMBER, 0
    floor.sessions.set_flag(number, SessionFlag.SUSPENDED, message.suspended)
    return 0, cancel_all(floor, number, time_ns, sends) if message.cancel else 0


def limit(floor: Floor, message: MemberLimit, time_ns: int, sends: list[Send]) -> Answer:
    """Set a limit of one account of a member, or of all."""
    number = floor.sessions.numbers.get(message.member)
    if number is None:
        return OperatorFault.UNKNOWN_MEMBER, 0
    accounts = floor.sessions.accounts_of(number)
    if message.account >= 0 and message.account not in accounts:
        return OperatorFault.FOREIGN_ACCOUNT, 0
    if message.field in OWN_FIELDS or message.field not in AccountField._value2member_map_:
        return OperatorFault.WRONG_COMMAND, 0
    chosen = accounts if message.account < 0 else (message.account,)
    field = AccountField(message.field)
    rows = [commands.set_limits(account, field, message.value) for account in chosen]
    return _run(floor, commands.batch(*rows), time_ns, sends).code, number


def rate(floor: Floor, message: MemberRate, time_ns: int, sends: list[Send]) -> Answer:
    """Set how many commands a second a member may send."""
    number = floor.sessions.numbers.get(message.member)
    if number is None:
        return OperatorFault.UNKNOWN_MEMBER, 0
    floor.sessions.set_rate(number, message.commands_per_s)
    return 0, number


def list_pair(floor: Floor, message: PairList, time_ns: int, sends: list[Send]) -> Answer:
    """Begin a pair."""
    command = add_command(message)
    if command is None:
        return OperatorFault.WRONG_COMMAND, 0
    number, facts = listed(message)
    wrong = value_fault(facts.price_ticks_max, facts.qty_lots_max, facts.tick_units)
    if wrong is not None:
        return OperatorFault.WRONG_COMMAND, number, wrong
    outcome = _run(floor, command, time_ns, sends)
    if outcome.code == 0:
        floor.pairs[number] = facts
        floor.office.list_pair(number, facts.tick_units)
        floor.office.phases.add(number, floor.books.phase(number), time_ns)
        if floor.feeds is not None:
            floor.feeds.feed(number)
        floor.note_phase(number)
    return outcome.code, number


def cancel_for(floor: Floor, message: CancelFor, time_ns: int, sends: list[Send]) -> Answer:
    """Cancel a member's orders, in one pair or in all."""
    number = floor.sessions.numbers.get(message.member)
    if number is None:
        return OperatorFault.UNKNOWN_MEMBER, 0
    if message.pair < 0:
        return 0, cancel_all(floor, number, time_ns, sends)
    rows = [
        commands.mass_cancel(MassCancelScope.ACCOUNT_PAIR, account=account, pair=message.pair)
        for account in floor.sessions.accounts_of(number)
    ]
    outcome = _run(floor, commands.batch(*rows), time_ns, sends)
    return outcome.code, outcome.cancelled


def _run(floor: Floor, rows: Commands, time_ns: int, sends: list[Send]) -> Outcome:
    return floor.run(rows, time_ns, StateReason.OPERATION, sends)


Deed = Callable[[Floor, Any, int, list[Send]], Answer]

DEEDS: Final[dict[type[Message], Deed]] = {
    MemberAdd: add_member,
    MemberSuspend: suspend,
    MemberLimit: limit,
    MemberRate: rate,
    PairList: list_pair,
    PairPhase: rulings.set_phase,
    CancelFor: cancel_for,
    CalendarSet: rulings.set_calendar,
    TariffSet: rulings.set_tariff,
    Annul: rulings.annul,
}
"""What each message of an operator does."""


def why_not(sender: KeyId, is_signed: bool, operators: frozenset[KeyId]) -> OperatorFault | None:
    """Return why this sender may not command, None where it may."""
    if sender not in operators:
        return OperatorFault.NOT_AN_OPERATOR
    return None if is_signed else OperatorFault.NOT_SIGNED
