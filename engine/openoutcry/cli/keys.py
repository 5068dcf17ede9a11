"""`outcry keys`: what its commands do."""

import json
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from openoutcry.cli.usage import UsageError
from openoutcry.domain.limits import TIME_NS_MAX
from openoutcry.node.keys.errors import KeysError, NotChanged, shown
from openoutcry.node.keys.keystore import (
    change_passphrase,
    create,
    read_header,
    renew_links,
    revoke,
    rotate,
    statements_of,
)
from openoutcry.node.keys.layout import INTERACTIVE, MODERATE, SENSITIVE, Public
from openoutcry.node.keys.secrets import NodeSecrets, wipe
from openoutcry.node.keys.service import KeyService
from openoutcry.node.keys.statements import Statement, statement_path, write_statement
from openoutcry.node.keys.unlock import open_with, parse_unlock, read_passphrase
from openoutcry.wire.key_statements import KeyRotation, RevocationReason

COSTS: Final = {"interactive": INTERACTIVE, "moderate": MODERATE, "sensitive": SENSITIVE}
REASONS: Final = {reason.name.lower(): reason for reason in RevocationReason}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def run_new(path: Path, unlock: str, cost: str) -> None:
    """Make a keystore and print who it is. Raises UsageError."""
    chosen = _choose(cost, COSTS, "--cost")
    with _one_line():
        if path.exists() or path.is_symlink():
            raise NotChanged(f"{shown(path)} is there already: choose another name, or move it away")
        with _passphrase(path, unlock, is_new=True) as passphrase:
            public = create(path, passphrase, chosen)
    print(f"made {shown(path)}: keep a copy of it, and the passphrase elsewhere")
    _print(_described(path, public))


def run_show(path: Path, as_json: bool, write: bool) -> None:
    """Print who a keystore is. Raises UsageError."""
    with _one_line():
        public = read_header(path)
        if write:
            for statement, frame in statements_of(public, shown(path)):
                write_statement(path, statement, frame)
        described = _described(path, public)
    if as_json:
        print(json.dumps(described))
    else:
        _print(described)


def run_rotate(path: Path, only_links: bool, unlock: str) -> None:
    """Renew the link key, or everything. Raises UsageError."""
    with _one_line():
        public = read_header(path)
        if only_links:
            with _passphrase(path, unlock) as passphrase:
                public = renew_links(path, passphrase)
            print("renewed the link key: restart the node, and the key service before it")
        else:
            with _passphrase(path, unlock) as passphrase:
                rotation, frame = rotate(path, passphrase, time.time_ns())
            print(f"was        {rotation.old.hex()}")
            _write(path, rotation, frame)
            print("restart the node, and the key service before it")
            public = read_header(path)
        described = _described(path, public)
    _print(described)


def run_revoke(path: Path, reason: str, key: str, since: str, unlock: str) -> None:
    """Give up an identity. Raises UsageError."""
    chosen = _choose(reason, REASONS, "--reason")
    from_ns = _time_ns(since) if since else time.time_ns()
    with _one_line():
        read_header(path)
        with _passphrase(path, unlock) as passphrase:
            revocation, frame = revoke(path, passphrase, chosen, from_ns, key)
        print(f"revoked    {revocation.key.hex()}")
        _write(path, revocation, frame)


def run_passphrase(path: Path, unlock: str, new_unlock: str) -> None:
    """Put a keystore under another passphrase. Raises UsageError."""
    with _one_line():
        read_header(path)
        parse_unlock(new_unlock)
        with _passphrase(path, unlock) as old, _passphrase(path, new_unlock, is_new=True) as new:
            change_passphrase(path, old, new)
    print(f"{shown(path)} has another passphrase; copies from before still open with the old one")


def run_serve(paths: list[Path], socket: Path, unlock: str) -> None:
    """Serve until SIGTERM or SIGINT. Raises UsageError."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump of this process would hold every secret
    with _one_line():
        for path in paths:
            read_header(path)
        with KeyService(socket) as service:
            secrets: dict[bytes, NodeSecrets] = {}
            with _passphrase(paths[0], unlock) as passphrase:
                for path in paths:
                    opened = open_with(path, passphrase)
                    secrets[opened.signer.key] = opened
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: service.stop())
            print(f"serving {len(secrets)} keystores at {shown(socket)}", flush=True)
            service.serve(secrets)
    print("stopped", flush=True)


@contextmanager
def _one_line() -> Iterator[None]:
    """Tell what is wrong with keys as what is wrong with a command line."""
    try:
        yield
    except KeysError as error:
        raise UsageError(str(error)) from None


@contextmanager
def _passphrase(path: Path, unlock: str, *, is_new: bool = False) -> Iterator[bytearray]:
    passphrase = read_passphrase(parse_unlock(unlock), shown(path), is_new=is_new)
    try:
        yield passphrase
    finally:
        wipe(passphrase)


def _write(path: Path, statement: Statement, frame: bytes) -> None:
    try:
        print(f"statement  {shown(write_statement(path, statement, frame))}: give it to those who know the node")
    except KeysError as error:
        raise NotChanged(
            f"{error}; the keystore is changed and holds the statement: write it with outcry keys show --statements"
        ) from None


def _described(path: Path, public: Public) -> dict[str, Any]:
    told = [statement for statement, _ in statements_of(public, shown(path))]
    return {
        "identity": public.identity.hex(),
        "link_key": public.curve.hex(),
        "link_key_generation": public.curve_generation,
        "statements": [_told(path, statement) for statement in told],
    }


def _told(path: Path, statement: Statement) -> dict[str, Any]:
    place = {"from_ns": statement.from_ns, "file": str(statement_path(path, statement))}
    if isinstance(statement, KeyRotation):
        return {"rotated": statement.old.hex(), "to": statement.new.hex(), **place}
    return {"revoked": statement.key.hex(), "reason": statement.reason.name.lower(), **place}


def _print(described: dict[str, Any]) -> None:
    print(f"identity   {described['identity']}")
    print(f"link key   {described['link_key']}, generation {described['link_key_generation']}")
    for told in described["statements"]:
        since = _EPOCH + timedelta(microseconds=told["from_ns"] // 1_000)
        what = f"rotated    {told['rotated']}" if "rotated" in told else f"revoked    {told['revoked']}"
        print(f"{what}, {told.get('reason', 'followed by ' + str(told.get('to'))[:16])}, {since:%Y-%m-%d %H:%M:%S} UTC")


def _choose(text: str, known: dict[str, Any], option: str) -> Any:
    if text in known:
        return known[text]
    close = get_close_matches(text, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"expected {', '.join(known)}"
    raise UsageError(f"{option} {shown(text)}: {hint}")


def _time_ns(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise UsageError(f"--since {shown(text)}: expected a time with its zone, such as 2026-11-25T17:00:00Z")
    time_ns = (when - _EPOCH) // timedelta(microseconds=1) * 1_000
    if not 0 <= time_ns <= TIME_NS_MAX:
        raise UsageError(f"--since {shown(text)}: expected a time from 1970 on, before 2262")
    return time_ns
