"""`outcry statement` and `outcry venue report`: asked of the venue, or added up from what a client has recorded."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

import typer

from openoutcry.cli.reach import OK_EXIT, PROFILE_EXIT, REFUSED_EXIT
from openoutcry.cli.usage import UsageError
from openoutcry.client import ClientError, read_profile
from openoutcry.client.access import Access
from openoutcry.client.questions import ask_day_report, ask_statement
from openoutcry.marketdata.records import KINDS
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.keys.errors import shown
from openoutcry.venue.messages import MESSAGES as VENUE_MESSAGES
from openoutcry.venue.messages import PairListed, Pairs
from openoutcry.venue.proof.messages import MESSAGES as PROOF_MESSAGES
from openoutcry.venue.proof.session_file import EntryKind, read_session
from openoutcry.venue.proof.story import read_story
from openoutcry.venue.statements.days import DAY_NS
from openoutcry.venue.statements.ledger import month_of
from openoutcry.venue.statements.messages import MESSAGES as STATEMENT_MESSAGES
from openoutcry.venue.statements.messages import Annulled, PairName, StatementLine
from openoutcry.venue.statements.recorded import recorded_lines
from openoutcry.venue.statements.shown import (
    Values,
    day_name,
    day_number,
    day_text,
    fee_totals,
    line_values,
    month_name,
    month_number,
    statement_text,
)
from openoutcry.wire.codec import Codec
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import is_record_frame
from openoutcry.wire.requests import Envelope, read_envelope
from openoutcry.wire.table import MESSAGES

CODEC: Final = Codec(MESSAGES.extended([*VENUE_MESSAGES, *PROOF_MESSAGES, *STATEMENT_MESSAGES]))

T = TypeVar("T")


class Recorded(NamedTuple):
    """What a session file says of a month. until_ns: of its last entry. notes: what a reader has to know."""

    lines: tuple[StatementLine, ...]
    names: tuple[PairName, ...]
    until_ns: int
    notes: tuple[str, ...]


def run_statement(month: str | None, profile: Path, session: Path | None, as_json: bool) -> int:
    """Print the statement of a month (`2026-11`, by UTC; None: the present one); return the exit code."""
    number = month_of(time.time_ns()) if month is None else _number(month, "--month", month_number, "2026-11")
    if session is not None:
        recorded = _recorded(session, number)
        for note in recorded.notes:
            typer.echo(f"outcry: {shown(session)}: {note}", err=True)
        return _print_statement(number, recorded.until_ns, line_values(recorded.lines, recorded.names), as_json)
    pages = _asked(profile, lambda access: ask_statement(access, number))
    if isinstance(pages, int):
        return pages
    values = [line for page in pages for line in line_values(page.lines, page.pairs)]
    return _print_statement(number, pages[-1].until_ns, values, as_json)


def run_day_report(profile: Path, day: str | None, as_json: bool) -> int:
    """Print an operator's report of a day (`2026-11-25`, by UTC; None: today); return the exit code."""
    number = time.time_ns() // DAY_NS if day is None else _number(day, "--day", day_number, "2026-11-25")
    pages = _asked(profile, lambda access: ask_day_report(access, number))
    if isinstance(pages, int):
        return pages
    values = [line for page in pages for line in line_values(page.lines, page.pairs)]
    if as_json:
        _print_json({"day": day_name(number), "until_ns": pages[-1].until_ns, "pairs": values})
    else:
        sys.stdout.write(day_text(number, pages[-1].until_ns, values))
    return OK_EXIT


def read_recorded(source: Callable[[], BinaryIO], month: int) -> Recorded | WireFault:
    """Return what a session file says of a month, or why it is none. source: opens the file; it is read twice."""
    with source() as file:
        story = read_story(file, CODEC, KINDS, Ed25519Verifier())
    if isinstance(story, WireFault):
        return story
    pairs: dict[int, PairListed] = {}
    annulled: dict[tuple[int, int], Annulled] = {}
    with source() as file:
        read = read_session(file)
        assert not isinstance(read, WireFault)  # it was read before
        about, entries = read
        for entry in entries:
            if isinstance(entry, WireFault):
                break
            if entry.kind is EntryKind.RECEIVED and not is_record_frame(entry.frame):
                _take(entry.frame, about.venue, pairs, annulled)
    matches = [told[0] for _, told in sorted(story.matches.items())]
    units = {number: pair.tick_units for number, pair in pairs.items()}
    lines = recorded_lines(matches, annulled.values(), about.session, month, units)
    names = tuple(PairName(number, pair.name, pair.quote) for number, pair in sorted(pairs.items()))
    notes = list(story.notes)
    if story.findings:
        notes.append(f"{len(story.findings)} things in it are not right: see outcry verify session")
    unnamed = sorted({line.pair for line in lines} - set(pairs))
    if unnamed:
        notes.append(f"values of pairs {', '.join(map(str, unnamed))} are in ticks x lots: no listing was recorded")
    if about.first > 1:
        notes.append(f"it begins with command {about.first}: positions are counted from there")
    return Recorded(lines, names, story.end.time_ns, tuple(notes))


def _take(frame: bytes, venue: bytes, pairs: dict[int, PairListed], annulled: dict[tuple[int, int], Annulled]) -> None:
    """Take what a statement needs besides matches: listings, and annulments that the venue has signed."""
    message = CODEC.decode(frame)
    if isinstance(message, Pairs):
        pairs.update((pair.pair, pair) for pair in message.pairs)
    elif isinstance(message, Envelope):
        request = read_envelope(message, CODEC, Ed25519Verifier())
        if isinstance(request, WireFault) or request.sender != venue:
            return
        for raw in message.bodies:
            body = None if is_record_frame(raw) else CODEC.decode(raw)
            if isinstance(body, Annulled):
                annulled.setdefault((body.pair, body.number), body)


def _recorded(path: Path, month: int) -> Recorded:
    try:
        recorded = read_recorded(lambda: path.open("rb"), month)
    except OSError as error:
        raise UsageError(f"--session {shown(path)}: {error.strerror}") from error
    if isinstance(recorded, WireFault):
        raise UsageError(f"--session {shown(path)}: {recorded}; a client writes one for each session")
    return recorded


def _asked(profile: Path, ask: Callable[[Access], T]) -> T | int:
    """Return what a venue answers, or the exit code when it does not; why is told."""
    if not profile.exists():
        raise UsageError(f"{shown(profile)} is not there: name the venue's file with --venue")
    try:
        access = read_profile(profile).open()
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return PROFILE_EXIT
    try:
        return ask(access)
    except ClientError as error:
        typer.echo(f"outcry: {error}", err=True)
        return REFUSED_EXIT


def _print_statement(month: int, until_ns: int, values: list[Values], as_json: bool) -> int:
    if as_json:
        found: dict[str, Any] = {"month": month_name(month), "until_ns": until_ns, "lines": values}
        _print_json({**found, "fees": fee_totals(values)})
    else:
        sys.stdout.write(statement_text(month, until_ns, values))
    return OK_EXIT


def _print_json(value: dict[str, Any]) -> None:
    """Print one object; sums may be longer than 64 bits, which msgspec would not write."""
    sys.stdout.write(json.dumps(value, separators=(",", ":")) + "\n")


def _number(text: str, option: str, read: Callable[[str], int], example: str) -> int:
    try:
        return read(text)
    except ValueError:
        raise UsageError(f"{option} {text[:40]}: expected one as {example}") from None
