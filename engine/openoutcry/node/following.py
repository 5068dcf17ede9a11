"""From a configuration to a process that follows its node: the same roles, without sockets, and without its keys.

What the operator can put right is a ConfigError at the line that asks for it; what the disk or the journal says goes
through as it is.
"""

import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from openoutcry.host.account import Tell
from openoutcry.host.off import OFF_FILE
from openoutcry.node.compacting import EVERY_S, RECORDS, Compactor
from openoutcry.node.config.reading import Config
from openoutcry.node.config.roles import Cast, load_cast
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.journal import FollowedLog, NotAJournal, RoleVersion
from openoutcry.node.journal.source import newest_header
from openoutcry.node.keys.errors import KeysError, shown
from openoutcry.node.keys.keystore import read_header
from openoutcry.node.keys.unlock import Unlock, open_secrets
from openoutcry.node.store import SqliteStore, View, view_path
from openoutcry.wire.ed25519 import Ed25519Verifier
from openoutcry.wire.fields import KEY_BYTES

FOLDER: Final = "compact"
"""In the data folder: views of the process that follows. It can be deleted while that does not run."""

FOLDER_MODE: Final = 0o700


class SecretWanted(Exception):
    """A role asks for secrets of the node, and the process that follows it was not given them."""


class NobodysSigner:
    """Stands for the node's signer: who only follows sends nothing."""

    def __init__(self, key: bytes) -> None:
        """key: the node's."""
        self.key = key

    def sign(self, data: bytes) -> NoReturn:
        """Never called."""
        raise AssertionError("a replay signs nothing")


class NoAnswers:
    """Stands for the plugins that a role may ask in `admit`: a replay admits nothing."""

    def check_orders(
        self, commands: NDArray[np.void], last_ticks: NDArray[np.int64] | None = None
    ) -> NDArray[np.int16] | None:
        """Never called."""
        raise AssertionError("a replay asks nobody")


@dataclass(frozen=True, slots=True)
class Following:
    """A compactor that is put together; closed by its owner. notes: what an operator should read."""

    compactor: Compactor
    notes: Sequence[str]
    _opened: ExitStack

    def close(self) -> None:
        """Let go of everything."""
        self._opened.close()


def follow(
    config: Config,
    tell: Tell,
    now_s: Callable[[], float],
    *,
    unlock: Unlock | None = None,
    records: int = RECORDS,
    every_s: float = EVERY_S,
) -> Following:
    """Put together what follows the node of a configuration, as of its newest snapshot.

    unlock: opens the keystore, for roles that ask for secrets. records, every_s: between two snapshots.
    Raises ConfigError; SecretWanted; KeysError for the unlock; Damaged, BadSnapshot, StoreError, OSError.
    """
    with ExitStack() as opened:
        numbers = _numbers(config)
        folder = _lock(config, opened)
        # Only what may bring roles: a replay asks no order check, so the processes of the others need not be there.
        trusted = replace(config, plugins={name: one for name, one in config.plugins.items() if one.trusted})
        cast = load_cast(trusted, tell, off_file=config.data / OFF_FILE)
        opened.callback(cast.plugins.close)
        log = FollowedLog(config.journal_folder, [NODE_ROLE, *_versions(config, cast, numbers)])
        opened.callback(log.close)
        parts = _parts(cast, log, numbers, folder, opened)
        core = Core(parts, log, _identity(config, unlock, opened), NoAnswers())
        compactor = Compactor(core, log, now_s, records=records, every_s=every_s)
        return Following(compactor, (*log.notes, *core.notes), opened.pop_all())


def _numbers(config: Config) -> dict[str, int]:
    """Return name to number of the roles that write the journal."""
    try:
        return {role.name: role.number for role in newest_header(config.journal_folder).roles}
    except NotAJournal as error:
        hint = "run the node first, with `outcry run`"
        raise config.source.error(("node", "data"), f"node.data: {error}", "a node that has run", hint) from error


def _versions(config: Config, cast: Cast, numbers: dict[str, int]) -> list[RoleVersion]:
    for kind, _ in cast.roles:
        if kind.name not in numbers:
            what = f"roles.{kind.name}: the node has not run with this role"
            raise config.source.error(("roles", kind.name), what, "the configuration that it runs with", "restart it")
    return [RoleVersion(numbers[kind.name], kind.name, kind.version) for kind, _ in cast.roles]


def _parts(cast: Cast, log: FollowedLog, numbers: dict[str, int], folder: Path, opened: ExitStack) -> list[Part]:
    parts = []
    for kind, settings in cast.roles:
        store = None
        if kind.tables:
            view = View(kind.name, kind.version, kind.tables, log.journal)
            # Made anew each time, so that every start shows that the newest snapshot is all that one needs.
            store = SqliteStore(view_path(folder, kind.name), view, 0)
            opened.callback(store.close)
        parts.append(Part(numbers[kind.name], kind, settings, store))
    return parts


def _identity(config: Config, unlock: Unlock | None, opened: ExitStack) -> Identity:
    try:
        key = read_header(config.keystore).identity
    except KeysError as error:
        raise config.source.error(("node", "keystore"), f"node.keystore: {error}") from error
    if unlock is not None:
        secrets = open_secrets(config.keystore, unlock)
        opened.callback(secrets.wipe)
        return Identity(NobodysSigner(key), Ed25519Verifier(), secrets.derive)

    def refuse(path: str) -> bytes:
        owner, _, rest = path.partition("/")
        if owner != "role":  # the node's own, for envelopes that are never made here
            return bytes(KEY_BYTES)
        raise SecretWanted(f"role {rest.partition('/')[0]} asks for secrets of the node: give --unlock {config.unlock}")

    return Identity(NobodysSigner(key), Ed25519Verifier(), refuse)


def _lock(config: Config, opened: ExitStack) -> Path:
    """Make the folder of what follows and keep others out of it."""
    folder = config.data / FOLDER
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        what = f"node.data: {shown(folder)} is in use: another process follows this node already"
        raise config.source.error(("node", "data"), what, "one for each node", "stop the other one") from error
    return folder
