"""From a configuration to a node that can run: what it needs is opened in order, and closed in reverse.

What the operator can put right is a ConfigError at the line that asks for it. What the disk or the journal says goes
through as it is.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openoutcry import __version__
from openoutcry.host.account import Tell
from openoutcry.host.off import OFF_FILE
from openoutcry.host.plugins import Plugins
from openoutcry.node.config.reading import Config
from openoutcry.node.config.roles import Cast, load_cast
from openoutcry.node.config.source import shown as shown_key
from openoutcry.node.core.core import Core
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.journal import FileLog, NotAJournal, Settings
from openoutcry.node.journal.errors import InUse
from openoutcry.node.journal.folder import SEGMENT_SUFFIX, numbered
from openoutcry.node.keys.errors import BadUnlock, KeysError, ServiceFault, WrongPassphrase, quoted, shown
from openoutcry.node.keys.keystore import read_header, require_in_use
from openoutcry.node.keys.secrets import NodeSecrets
from openoutcry.node.keys.unlock import open_secrets
from openoutcry.node.logs import NodeLog
from openoutcry.node.metering import MeteredLog
from openoutcry.node.metrics import MetricsServer, NodeCollector
from openoutcry.node.numbering import number_roles
from openoutcry.node.observing import Observer, Posting, RefusalReport, Times
from openoutcry.node.revoking import RevocationList
from openoutcry.node.runner import Duty, Runner
from openoutcry.node.status import SOCKET_NAME, Board, StatusServer
from openoutcry.node.store import SqliteStore, View, view_path
from openoutcry.node.zmq_io import LinkError, LinkIdentity, Links, Peer
from openoutcry.wire.ed25519 import Ed25519Verifier

SOFTWARE: Final = f"openoutcry {__version__}"

FOLDER_MODE: Final = 0o700

NS: Final = 10**9

STATUS_NS: Final = NS
"""How often the status is made: 20 microseconds of each second, and 2 for each link."""

ONCE_NS: Final = 10**18
"""A duty of so long an interval, thirty years, is done when the node comes up, and then no more."""

RETAIN_NS: Final = 60 * NS
"""How often the node looks for segments that no snapshot needs."""

REVOCATIONS_NS: Final = 10 * NS
"""How often the files of revocations are looked at: so long a key that was stolen still counts."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is put together: run `runner`, then close. key: its identity. metrics_port: 0 for no metrics."""

    config: Config
    key: bytes
    core: Core
    links: Links
    runner: Runner
    plugins: Plugins
    board: Board
    metrics_port: int
    is_new: bool
    _opened: ExitStack

    def close(self) -> None:
        """Close everything, in reverse. Raises what closing the journal raises, after all else is closed."""
        self._opened.close()


def check_all(config: Config, tell: Tell) -> None:
    """Look at everything that a configuration names, but open no socket and no journal. Raises ConfigError."""
    check_folder(config)
    _check_keystore(config)
    _load_revocations(config)
    load_cast(config, tell, off_file=config.data / OFF_FILE).plugins.close()


def assemble(
    config: Config,
    log: NodeLog,
    stop: Callable[[str], object],
    clock_ns: Callable[[], int] = time.time_ns,
) -> Node:
    """Put a node together; nothing of it runs yet, but its status can be asked for.

    stop: called, from another thread, when a plugin does not come back; it ends the process.
    Raises ConfigError; Damaged, StoreError, OSError. Then everything is closed again.
    """
    with ExitStack() as opened:
        check_folder(config)
        _check_keystore(config)
        revoked = _load_revocations(config, clock_ns, log.logger.error)
        cast = load_cast(config, log.tell, stop, config.data / OFF_FILE)
        opened.callback(cast.plugins.close)
        is_new = not has_journal(config)
        file_log = open_journal(config, cast)
        opened.callback(file_log.close)
        secrets = _open_keys(config)
        opened.callback(secrets.wipe)
        identity = Identity(secrets.signer, Ed25519Verifier(), secrets.derive)
        parts = open_parts(cast, file_log, config.data, opened)
        times = Times()
        metered = MeteredLog(file_log, times.sync_ns.add)
        core = Core(parts, metered, identity, cast.plugins, sync=config.node.durability == "sync")
        links = _open_links(config, secrets, [part.kind.name for part in parts], clock_ns, revoked)
        opened.callback(links.close)
        observer = Observer(
            config=config,
            software=SOFTWARE,
            started_ns=clock_ns(),
            key=identity.key.hex(),
            curve_key=secrets.curve.public.hex(),
            core=core,
            log=metered,
            links=links,
            plugins=cast.plugins,
            times=times,
            monotonic_ns=time.monotonic_ns,
        )
        board = Board(config.data)
        opened.callback(_open_status(config, board).close)
        metrics = _open_metrics(config, board, clock_ns)
        if metrics is not None:
            opened.callback(metrics.close)
        report = RefusalReport(core, links, log.tell)
        repeat_ns = config.log.repeat_s * NS
        duties = [
            Duty(STATUS_NS, Posting(observer, board).turn),
            Duty(ONCE_NS, lambda now_ns: log.logger.info("running", replayed=core.counters.replayed)),
            Duty(repeat_ns, report.tell),
            Duty(repeat_ns, lambda now_ns: log.flush_repeats()),
            Duty(REVOCATIONS_NS, revoked.refresh),
            Duty(RETAIN_NS, lambda now_ns: file_log.retain()),
        ]
        runner = Runner(
            core,
            links,
            metered,
            clock_ns,
            duties=duties,
            snapshot_at_stop=config.snapshots.at_stop,
            on_note=log.tell,
        )
        runner.timing.observe.append(times.add_group)
        for note in [note for part in parts if isinstance(part.store, SqliteStore) for note in part.store.notes]:
            log.tell(note)
        port = 0 if metrics is None else metrics.port
        return Node(config, identity.key, core, links, runner, cast.plugins, board, port, is_new, opened.pop_all())


def check_folder(config: Config) -> None:
    """Refuse a data folder that is not there, or that others may enter. Raises ConfigError.

    It is not made here: where its disk is not mounted, a node would begin with nothing.
    """
    error, path = config.source.error, config.data
    at = ("node", "data")
    try:
        found = path.stat()
    except OSError as missing:
        what = f"node.data: {shown(path)}: {missing.strerror}"
        raise error(
            at, what, "a folder", f"see that its disk is there, or run mkdir -m 700 {quoted(path)}"
        ) from missing
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        raise error(at, f"node.data: {shown(path)} is a file", "a folder", "name another one")
    if found.st_uid != os.geteuid():
        raise error(at, f"node.data: {shown(path)} belongs to another user", "a folder of the user that runs the node")
    if mode & 0o077:
        what = f"node.data: the mode of {shown(path)} is {mode:04o}: others may enter"
        raise error(at, what, f"{FOLDER_MODE:04o}", f"run chmod {FOLDER_MODE:o} {quoted(path)}")


def has_journal(config: Config) -> bool:
    """Tell whether the node has run before."""
    return config.journal_folder.is_dir() and bool(numbered(config.journal_folder, SEGMENT_SUFFIX))


def open_journal(config: Config, cast: Cast) -> FileLog:
    """Open the journal of a node, or make it. Raises ConfigError; Damaged, BadSnapshot, OSError."""
    folder = config.journal_folder
    settings = Settings(config.journal.segment_bytes, config.journal.archives_max)
    kinds = [role.kind for role in cast.roles]
    try:
        if not has_journal(config):
            return FileLog.create(folder, number_roles(kinds, None), settings)
        return FileLog.open(folder, number_roles(kinds, folder), settings)
    except InUse as error:
        hint = "see `outcry status`, or give this node a folder of its own"
        raise config.source.error(("node", "data"), f"node.data: {error}", "one node for a folder", hint) from error
    except NotAJournal as error:
        raise config.source.error(("node", "data"), f"node.data: {error}") from error


def open_parts(cast: Cast, log: FileLog, data: Path, opened: ExitStack) -> list[Part]:
    """Return the roles of a node with their numbers and views. opened: closes the views. Raises StoreError."""
    kinds = [role.kind for role in cast.roles]
    numbers = {role.name: role.number for role in number_roles(kinds, log.folder)}
    parts = []
    for kind, settings in cast.roles:
        store = None
        if kind.tables:
            view = View(kind.name, kind.version, kind.tables, log.journal)
            store = SqliteStore(view_path(data, kind.name), view, log.last)
            opened.callback(store.close)
        parts.append(Part(numbers[kind.name], kind, settings, store))
    return parts


def _check_keystore(config: Config) -> None:
    """Find out before anyone is asked for a passphrase whether there is anything to open."""
    try:
        require_in_use(read_header(config.keystore), config.keystore, time.time_ns())
    except KeysError as error:
        hint = ""
        if not config.keystore.exists():
            hint = f"run outcry keys new {quoted(config.keystore)}"
        raise config.source.error(("node", "keystore"), f"node.keystore: {error}", "", hint) from error


def _open_keys(config: Config) -> NodeSecrets:
    try:
        return open_secrets(config.keystore, config.unlock)
    except KeysError as error:
        is_unlock = isinstance(error, WrongPassphrase | BadUnlock | ServiceFault) or not str(error).startswith(
            shown(config.keystore)
        )
        key = "unlock" if is_unlock else "keystore"
        what = str(error).replace("give --unlock ", "write ")  # here it is a key, and not an option
        raise config.source.error(("node", key), f"{shown_key(('node', key))}: {what}") from error


def _load_revocations(
    config: Config, clock_ns: Callable[[], int] = time.time_ns, tell: Callable[[str], object] = lambda why: None
) -> RevocationList:
    try:
        return RevocationList(config.revocations, clock_ns, tell)
    except KeysError as error:
        for index, path in enumerate(config.revocations):
            if str(error).startswith(shown(path)):
                raise config.source.error(("links", "revocations", index), f"links.revocations: {error}") from error
        raise config.source.error(("links", "revocations"), f"links.revocations: {error}") from error


def _open_links(
    config: Config, secrets: NodeSecrets, roles: list[str], clock_ns: Callable[[], int], revoked: RevocationList
) -> Links:
    curve = secrets.curve
    peers = [
        Peer(
            key=bytes.fromhex(peer.key),
            curve_key=bytes.fromhex(peer.curve_key),
            address=peer.address,
            name=peer.name,
            topics_address=peer.topics_address,
            topics=peer.topics,
        )
        for peer in config.peers
    ]
    try:
        return Links(
            config.links,
            LinkIdentity(secrets.signer, curve.public, curve.secret),
            roles,
            peers,
            clock_ns,
            revoked.is_revoked,
            SOFTWARE,
        )
    except LinkError as error:
        publish = config.links.publish
        key = "publish" if publish and publish in str(error) else "listen"
        raise config.source.error(("links", key), f"links.{key}: {error}") from error


def _open_status(config: Config, board: Board) -> StatusServer:
    try:
        return StatusServer(config.data / SOCKET_NAME, board.with_disk)
    except OSError as error:
        what = f"node.data: the status socket cannot be made: {error.strerror or error}"
        raise config.source.error(("node", "data"), what, "a folder with a shorter path, on a local disk") from error


def _open_metrics(config: Config, board: Board, clock_ns: Callable[[], int]) -> MetricsServer | None:
    if config.metrics.listen is None:
        return None
    host, _, port = config.metrics.listen.rpartition(":")
    try:
        return MetricsServer(host.strip("[]"), int(port), NodeCollector(board.with_disk, clock_ns))
    except OSError as error:
        at, what = ("metrics", "listen"), f"metrics.listen is {config.metrics.listen}"
        if error.errno == errno.EADDRINUSE:
            hint = "find who has it with `ss -ltnp`, or choose another"
            raise config.source.error(at, f"{what}: port {port} is taken", "a free port", hint) from error
        hint = "see `ip address`"
        expected = "an address of this machine"
        raise config.source.error(at, f"{what}: {error.strerror or error}", expected, hint) from error
