"""`outcry verify session`: what a session file shows, in words or as JSON."""

import json
from pathlib import Path
from typing import Any

from openoutcry.cli.reach import key_of
from openoutcry.cli.usage import UsageError
from openoutcry.venue.proof.findings import OWN, Finding
from openoutcry.venue.proof.story import Story, read_story
from openoutcry.venue.proof.verifying import CODEC, Report, compare_sessions, verify_session
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import KINDS


def run_verify_session(member: str, path: Path, against: Path | None, only_findings: bool, as_json: bool) -> int:
    """Print what is found and return how many findings there are. Raises UsageError for what cannot be read."""
    key = key_of(member)
    try:
        with path.open("rb") as source:
            report = verify_session(source, key, Ed25519Verifier())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if isinstance(report, WireFault):
        raise UsageError(f"{path}: {report}")
    findings = list(report.findings)
    if against is not None:
        findings += _compare(report.story, against)
    if as_json:
        print(json.dumps(_as_json(report, findings)))
    else:
        _print(report, findings, only_findings)
    return len(findings)


def _compare(story: Story, against: Path) -> list[Finding]:
    """Return what the other file shows together with this one, and what makes the other file itself worthless."""
    try:
        with against.open("rb") as source:
            other = read_story(source, CODEC, KINDS, Ed25519Verifier())
    except OSError as error:
        raise UsageError(f"{against}: {error.strerror}") from error
    if isinstance(other, WireFault):
        raise UsageError(f"{against}: {other}")
    own = [finding._replace(detail=f"in {against.name}: {finding.detail}") for finding in other.findings]
    return own + compare_sessions(story, other)


def _print(report: Report, findings: list[Finding], only_findings: bool) -> None:
    story, about = report.story, report.story.about
    if not only_findings:
        taken = story.ordered()
        commands = sum(frame.count for frame in taken)
        print(f"session {about.session} of member {about.member.hex()[:16]} at venue {about.venue.hex()[:16]}")
        print(f"{commands} commands in {len(taken)} frames, {len(story.receipts)} receipts, {len(story.heads)} heads")
        print(f"{len(story.signed)} signatures of the member, {len(story.matches)} matches")
        print(f"the rules were carried out again up to book number {report.replayed}")
        for order in report.orders:
            print(order.words())
        for note in story.notes:
            print(f"note: {note}")
    for finding in findings:
        print(f"{'found' if finding.code not in OWN else 'found in the file'}: {finding}")
    if not findings and not only_findings:
        print("nothing is wrong")


def _as_json(report: Report, findings: list[Finding]) -> dict[str, Any]:
    story, about = report.story, report.story.about
    return {
        "venue": about.venue.hex(),
        "member": about.member.hex(),
        "session": about.session,
        "frames": len(story.ordered()),
        "receipts": len(story.receipts),
        "heads": len(story.heads),
        "signatures": len(story.signed),
        "matches": len(story.matches),
        "replayed": report.replayed,
        "orders": [
            {
                "client_id": order.client_id,
                "sequence": order.sequence,
                "book_sequence": order.book_sequence,
                "filled_lots": order.filled,
                "open_lots": order.leaves if order.live else 0,
                "words": order.words(),
            }
            for order in report.orders
        ],
        "notes": story.notes,
        "findings": [
            {"code": finding.code.name, "sequence": finding.sequence, "detail": finding.detail} for finding in findings
        ],
    }
