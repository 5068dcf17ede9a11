"""How a process that runs a node, or follows one, ends: exit codes, and what is said at the end."""

import os
import sys
from collections.abc import Callable
from traceback import format_exception
from typing import Final

import typer

from openoutcry.host.watchdog import HANG_EXIT
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import Config
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


def ended(config: Config, work: Callable[[NodeLog], None]) -> int:
    """Do what a command is for, with a log, and return the exit code. What ends it is told in the log."""
    try:
        log = _open_log(config)
    except ConfigError as error:
        return refused(error)
    try:
        return _guarded(config, log, work)
    finally:
        log.close()


def refused(error: ConfigError) -> int:
    """Tell what is wrong with a configuration: the one line, and nothing else."""
    typer.echo(str(error), err=True)
    return CONFIG_EXIT


def hang_exit(log: NodeLog) -> Callable[[str], None]:
    """Return what a watchdog calls: the process's own thread does not come back, so nothing is closed in order."""

    def end(why: str) -> None:
        log.logger.error("stopped", cause=why)
        log.close()
        os._exit(HANG_EXIT)

    return end


def _open_log(config: Config) -> NodeLog:
    try:
        return open_log(config.log, config.node.name, config.source.folder)
    except OSError as error:
        what = f"log.file is {config.log.file}: {error.strerror}"
        raise config.source.error(("log", "file"), what, "a file that can be written", "see its folder") from error


def _guarded(config: Config, log: NodeLog, work: Callable[[NodeLog], None]) -> int:
    try:
        work(log)
    except ConfigError as error:
        return refused(error)
    except SettingsChanged as error:
        role = next((name for name in config.roles if f"role {name} " in str(error)), "")
        return refused(config.source.error(("roles", role), f"roles.{role}: {error}"))
    except (RoleFailed, BrokenInvariant) as error:
        return _fail(log, "stopped: a role is broken", error, BROKEN_EXIT)
    except BadSnapshot as error:
        what = f"the newest snapshot in {config.journal_folder}: {error}: move it away to start from the one before"
        return _fail(log, "stopped: what is on the disk", BadSnapshot(what), DISK_EXIT)
    except (JournalError, StoreError) as error:
        return _fail(log, "stopped: what is on the disk", error, DISK_EXIT)
    except OSError as error:
        return _fail(log, "stopped: the system refused", error, DISK_EXIT)
    except Exception as error:  # our own fault: say all that is known, and leave the journal as it is
        trace = " | ".join(line.strip() for line in "".join(format_exception(error)).splitlines())
        log.logger.error("stopped: a fault of the program", trace=trace)
        return BROKEN_EXIT
    return CLEAN_EXIT


def _fail(log: NodeLog, event: str, error: Exception, code: int) -> int:
    log.logger.error(event, cause=str(error))
    if not log.is_standard_error:
        sys.stderr.write(f"outcry: {error}\n")
    return code
