"""`outcry run`: one node, from its configuration to its last snapshot."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import format_exception
from types import FrameType
from typing import Final

import typer

from openoutcry.host.watchdog import HANG_EXIT
from openoutcry.node.assembly import Node, assemble, check_all
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import Config, read_config
from openoutcry.node.core.errors import BadSnapshot, BrokenInvariant, RoleFailed, SettingsChanged
from openoutcry.node.journal import JournalError
from openoutcry.node.logs import NodeLog, open_log
from openoutcry.node.store import StoreError

CLEAN_EXIT: Final = 0
CONFIG_EXIT: Final = 2
"""The configuration, or what it names, has to be put right."""

BROKEN_EXIT: Final = os.EX_SOFTWARE
"""70: a role failed or an invariant is broken; a restart comes to the same, so do not restart by itself."""

DISK_EXIT: Final = os.EX_IOERR
"""74: the journal or a view cannot be read or written."""

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

ASYNC_NOTE: Final = (
    "durability is async: answers do not wait for the disk, and a power cut may lose the last second of what was "
    "acknowledged"
)


def run_run(file: Path, check: bool) -> int:
    """Run the node of a configuration, or only check that; return the exit code."""
    try:
        config = read_config(file)
        if check:
            check_all(config, _warn)
            print(f"{file}: right")
            return CLEAN_EXIT
        log = _open_log(config)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return CONFIG_EXIT
    try:
        return _run(config, log)
    finally:
        log.close()


def _warn(event: str, /, **fields: str | int) -> None:
    """Tell what does not keep a node from running, such as a plugin that will be off."""
    typer.echo(f"{event}: {', '.join(f'{name} {value}' for name, value in fields.items())}", err=True)


def _open_log(config: Config) -> NodeLog:
    try:
        return open_log(config.log, config.node.name, config.source.folder)
    except OSError as error:
        what = f"log.file is {config.log.file}: {error.strerror}"
        raise config.source.error(("log", "file"), what, "a file that can be written", "see its folder") from error


def _run(config: Config, log: NodeLog) -> int:
    def hung(why: str) -> None:
        """Called by the watchdog while the node's own thread does not come back, so nothing can be closed in order."""
        log.logger.error("stopped", cause=why)
        log.close()
        os._exit(HANG_EXIT)

    try:
        node = assemble(config, log, hung)
        try:
            _announce(node, log)
            with _stopped_by_signals(node, log):
                node.runner.run()
        finally:
            node.close()
    except ConfigError as error:
        typer.echo(str(error), err=True)
        return CONFIG_EXIT
    except SettingsChanged as error:
        named = next((name for name in config.roles if f"role {name} " in str(error)), "")
        path = ("roles", named)
        typer.echo(str(config.source.error(path, f"roles.{named}: {error}")), err=True)
        return CONFIG_EXIT
    except (RoleFailed, BrokenInvariant) as error:
        return _fail(log, "stopped: a role is broken", error, BROKEN_EXIT)
    except (JournalError, StoreError, BadSnapshot) as error:
        return _fail(log, "stopped: what is on the disk", error, DISK_EXIT)
    except OSError as error:
        return _fail(log, "stopped: the system refused", error, DISK_EXIT)
    except Exception as error:  # our own fault: say all that is known, and leave the journal as it is
        trace = " | ".join(line.strip() for line in "".join(format_exception(error)).splitlines())
        log.logger.error("stopped: a fault of the program", trace=trace)
        return BROKEN_EXIT
    log.logger.info("stopped", records=node.core.log.last)
    return CLEAN_EXIT


def _announce(node: Node, log: NodeLog) -> None:
    config = node.config
    for name, why in node.plugins.broken.items():
        log.logger.warning("plugin is off", plugin=name, cause=why)
    if config.node.durability == "async":
        log.logger.warning(ASYNC_NOTE)
    if node.is_new:
        log.logger.warning("journal is new: this node has never run, or its data folder is not the one it had")
    log.logger.info(
        "starting",
        key=node.key.hex(),
        listen=node.links.address,
        publish=node.links.publish_address,
        roles=", ".join(node.core.parts[number].kind.name for number in node.core.parts),
        records=node.core.log.last,
        durability=config.node.durability,
        metrics=node.metrics_port,
    )


@contextmanager
def _stopped_by_signals(node: Node, log: NodeLog) -> Iterator[None]:
    """While the block runs, the first signal stops the node in order, the second one at once."""
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        node.runner.stop()

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(log: NodeLog, event: str, error: Exception, code: int) -> int:
    log.logger.error(event, cause=str(error))
    if not log.is_standard_error:
        sys.stderr.write(f"outcry: {error}\n")
    return code
