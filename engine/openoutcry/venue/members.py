"""What members do beside trading: sessions are opened, kept alive and closed, by the member or by silence."""

from typing import Final

from openoutcry.book import commands
from openoutcry.domain import MassCancelScope
from openoutcry.role import Send, Timer
from openoutcry.venue.floor import Floor
from openoutcry.venue.limits import HEARD_NS
from openoutcry.venue.messages import (
    EVENT_STREAM_MIN,
    LEASE_NS_MIN,
    SessionClose,
    SessionClosed,
    SessionOpen,
    SessionOpened,
)
from openoutcry.venue.sessions import SessionFlag
from openoutcry.wire.fields import KeyId
from openoutcry.wire.service import StateReason

SILENCE_KEY: Final = b"silence "
"""Timers of sessions: this and the session's number."""


def open_session(floor: Floor, key: KeyId, message: SessionOpen, time_ns: int, timers: list[Timer]) -> list[Send]:
    """Open a session, or change how it is kept; tell the member where it stands."""
    sessions = floor.sessions
    number = sessions.numbers[key]
    row = sessions.rows[number]
    lease_ns = max(message.lease_ns, LEASE_NS_MIN) if message.lease_ns else 0
    row["lease_ns"], row["heard_ns"] = lease_ns, time_ns
    sessions.set_flag(number, SessionFlag.CANCEL_ON_DISCONNECT, message.cancel_on_disconnect)
    sessions.set_flag(number, SessionFlag.OPEN, True)
    watch(floor, number, timers)
    return [Send(key, opened(floor, number, time_ns))]


def opened(floor: Floor, number: int, time_ns: int) -> SessionOpened:
    """Return where a session stands."""
    sessions = floor.sessions
    return SessionOpened(
        number,
        sessions.value(number, "next_sequence"),
        EVENT_STREAM_MIN + number,
        sessions.value(number, "event_head"),
        tuple(sessions.accounts_of(number)),
        sessions.has(number, SessionFlag.CANCEL_ON_DISCONNECT),
        sessions.value(number, "lease_ns"),
        sessions.value(number, "commands_per_s"),
        time_ns,
    )


def keep_alive(floor: Floor, key: KeyId, time_ns: int) -> None:
    """Note that a member was heard."""
    number = floor.sessions.open.get(key)
    if number is not None:
        floor.sessions.rows[number]["heard_ns"] = time_ns


def is_news(floor: Floor, number: int, now_ns: int) -> bool:
    """Tell whether a KEEP_ALIVE now says something that was not known."""
    return now_ns - floor.sessions.value(number, "heard_ns") >= HEARD_NS


def close_session(
    floor: Floor, key: KeyId, message: SessionClose, time_ns: int, sends: list[Send], timers: list[Timer]
) -> None:
    """Close a member's own session; one that is closed already is told so again."""
    number = floor.sessions.numbers[key]
    _close(floor, number, message.cancel, "", time_ns, sends, timers)


def hear_silence(floor: Floor, number: int, time_ns: int, sends: list[Send], timers: list[Timer]) -> None:
    """A timer of a session is due: close it and cancel its orders where it was silent, else look again later."""
    due_ns = floor.sessions.silent_ns(number)
    if due_ns is None:
        return
    if due_ns > time_ns:
        timers.append(_timer(number, due_ns))
    else:
        _close(floor, number, True, "silent for too long", time_ns, sends, timers)


def _close(
    floor: Floor, number: int, cancel: bool, detail: str, time_ns: int, sends: list[Send], timers: list[Timer]
) -> None:
    cancelled = cancel_all(floor, number, time_ns, sends) if cancel else 0
    floor.sessions.set_flag(number, SessionFlag.OPEN, False)
    timers.append(_timer(number, None))
    sends.append(Send(floor.sessions.keys[number], SessionClosed(number, cancelled, detail)))


def cancel_all(floor: Floor, number: int, time_ns: int, sends: list[Send]) -> int:
    """Cancel all orders of a session; return how many there were."""
    command = commands.mass_cancel(MassCancelScope.SESSION, session=number)
    return floor.run(command, time_ns, StateReason.OPERATION, sends).cancelled


def watch(floor: Floor, number: int, timers: list[Timer]) -> None:
    """Set the timer of a session, or cancel it where its silence does not matter."""
    timers.append(_timer(number, floor.sessions.silent_ns(number)))


def begin_anew(floor: Floor, time_ns: int, timers: list[Timer]) -> None:
    """The venue was away, and nobody could be heard: the silence of members counts from now."""
    for number in floor.sessions.open.values():
        row = floor.sessions.rows[number]
        row["heard_ns"] = max(int(row["heard_ns"]), time_ns)
        watch(floor, number, timers)


def _timer(number: int, due_ns: int | None) -> Timer:
    return Timer(SILENCE_KEY + str(number).encode(), due_ns)
