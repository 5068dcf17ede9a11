"""`outcry compact`: follow a node, prove its journal and write its snapshots."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final

import typer

from openoutcry.cli.exits import BROKEN_EXIT, CLEAN_EXIT, CONFIG_EXIT, DISK_EXIT
from openoutcry.node.compacting import Compactor
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import read_config
from openoutcry.node.core.errors import BadSnapshot, BrokenInvariant, RoleFailed, SettingsChanged
from openoutcry.node.following import SecretWanted, follow
from openoutcry.node.journal import JournalError, NotDurable
from openoutcry.node.keys.errors import KeysError
from openoutcry.node.keys.unlock import parse_unlock
from openoutcry.node.store import StoreError

POLL_S: Final = 0.2
"""Between two looks at the journal, where nothing new has come."""

RETRY_S: Final = 10.0
"""After a snapshot that could not be kept."""

NICE: Final = 10
"""So much less of the processor than the node, where both want it."""


def run_compact(file: Path, once: bool, unlock: str | None, records: int, minutes: int) -> int:
    """Follow the node of a configuration until told to stop, or to the end of its journal; return the exit code."""
    try:
        config = read_config(file)
        source = None if unlock is None else parse_unlock(unlock)
        following = follow(config, _tell, time.monotonic, unlock=source, records=records, every_s=60.0 * minutes)
        try:
            for note in following.notes:
                typer.echo(note, err=True)
            compactor = following.compactor
            print(f"following from record {compactor.done.last + 1}", flush=True)
            if once:
                compactor.finish()
                _say(compactor)
            else:
                _follow(compactor)
        finally:
            following.close()
    except (ConfigError, KeysError, SecretWanted, SettingsChanged) as error:
        return _fail(error, CONFIG_EXIT)
    except (RoleFailed, BrokenInvariant) as error:
        if isinstance(error.__cause__, SecretWanted):
            return _fail(error.__cause__, CONFIG_EXIT)
        return _fail(error, BROKEN_EXIT)
    except (JournalError, StoreError, BadSnapshot, OSError) as error:
        return _fail(error, DISK_EXIT)
    return CLEAN_EXIT


def _follow(compactor: Compactor) -> None:
    """Follow until a signal comes."""
    os.nice(NICE)
    with _stopped_by_signals() as stopped:
        while not stopped.is_set():
            kept = compactor.done.snapshots
            try:
                wait_s = 0.0 if compactor.turn() else POLL_S
            except NotDurable as error:  # such as a full disk: the node's own records are safe
                typer.echo(f"outcry: {error}; trying again", err=True)
                wait_s = RETRY_S
            if compactor.done.snapshots > kept:
                _say(compactor)
            stopped.wait(wait_s)


def _say(compactor: Compactor) -> None:
    done = compactor.done
    print(f"snapshot of record {done.kept}: {done.records} records read and checked since the start", flush=True)


@contextmanager
def _stopped_by_signals() -> Iterator[Event]:
    """Give an event that a signal sets."""
    stopped = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(event: str, /, **fields: str | int) -> None:
    """Tell of plugins that cannot be loaded."""
    typer.echo(f"{event}: {', '.join(f'{name} {value}' for name, value in fields.items())}", err=True)


def _fail(error: BaseException, code: int) -> int:
    typer.echo(str(error) if isinstance(error, ConfigError) else f"outcry: {error}", err=True)
    return code
