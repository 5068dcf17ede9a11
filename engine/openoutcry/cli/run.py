"""`outcry run`: one node, from its configuration to its last snapshot."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import typer

from openoutcry.cli.exits import CLEAN_EXIT, ended, hang_exit, refused
from openoutcry.node.assembly import Node, assemble, check_all
from openoutcry.node.config.errors import ConfigError
from openoutcry.node.config.reading import Config, read_config
from openoutcry.node.logs import NodeLog

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
    except ConfigError as error:
        return refused(error)
    return ended(config, lambda log: _run(config, log))


def _warn(event: str, /, **fields: str | int) -> None:
    """Tell what does not keep a node from running, such as a plugin that will be off."""
    typer.echo(f"{event}: {', '.join(f'{name} {value}' for name, value in fields.items())}", err=True)


def _run(config: Config, log: NodeLog) -> None:
    node = assemble(config, log, hang_exit(log))
    try:
        _announce(node, log)
        with _stopped_by_signals(node):
            node.runner.run()
    finally:
        node.close()
    log.logger.info("stopped", records=node.core.log.last)


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
        roles=", ".join(part.kind.name for part in node.core.parts.values()),
        records=node.core.log.last,
        durability=config.node.durability,
        metrics=node.metrics_port,
    )


@contextmanager
def _stopped_by_signals(node: Node) -> Iterator[None]:
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
