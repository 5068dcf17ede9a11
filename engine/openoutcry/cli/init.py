"""`outcry init`: a new node's folder, with a configuration in which every setting is explained."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from openoutcry.cli.usage import UsageError
from openoutcry.host.errors import PluginError
from openoutcry.host.installed import find, installed
from openoutcry.host.kinds import RoleKind
from openoutcry.host.loading import load
from openoutcry.host.settings import PluginSettings
from openoutcry.node.config.convert import unknown
from openoutcry.node.config.fields import pattern_of
from openoutcry.node.config.tables import NodeName
from openoutcry.node.config.template import missing, render
from openoutcry.node.keys.errors import KeysError, quoted, shown
from openoutcry.node.keys.keystore import create
from openoutcry.node.keys.secrets import wipe
from openoutcry.node.keys.unlock import Source, Unlock, parse_unlock, read_passphrase

FILE_NAME: Final = "node.toml"
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o700


def run_init(
    roles: Sequence[str], folder: Path | None, name: str | None, plugins: Sequence[str], unlock: str | None
) -> None:
    """Make the folder of a node, its configuration and, where `unlock` is given, its keystore; say what comes next.

    Overwrites nothing. Raises UsageError.
    """
    kinds = _find_kinds(roles, plugins)
    name = name or kinds[0][1].name
    if not re.search(pattern_of(NodeName), name):
        raise UsageError(f"--name {name}: expected a letter, then up to 31 of a to z, 0 to 9, _ and -")
    folder = folder or Path(name)
    file, keystore = folder / FILE_NAME, folder / "keystore"
    if file.exists() or file.is_symlink():
        raise UsageError(f"{shown(file)} is there already: choose another folder with --dir, or remove it first")
    try:
        source = parse_unlock(unlock) if unlock else Unlock(Source.PROMPT)
        text = render(name, kinds, _from(folder, source))
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        (folder / "data").mkdir(mode=FOLDER_MODE, exist_ok=True)
        if unlock and not keystore.exists():
            _make_keystore(keystore, source)
        _write(file, text)
    except KeysError as error:
        raise UsageError(f"--unlock: {error}" if unlock else str(error)) from error
    except OSError as error:
        raise UsageError(f"{shown(error.filename or folder)}: {error.strerror}") from error
    _tell_next(file, keystore, kinds)


def _find_kinds(roles: Sequence[str], plugins: Sequence[str]) -> list[tuple[str, RoleKind]]:
    """Return plugin and kind of each role: a role is brought by the plugin of its name, or by one that is named."""
    try:
        known = installed()
        for name in plugins:
            find(name, known)
        wanted = {name for name in roles if any(one.name == name for one in known)} | set(plugins)
        for name in wanted:
            find(name, known)
        brought: dict[str, tuple[str, RoleKind]] = {}
        for name in sorted(wanted):
            loaded = load({name: PluginSettings(trusted=True)}, among=known)
            try:
                if name in loaded.broken:
                    raise UsageError(f"plugin {name} cannot be loaded: {loaded.broken[name]}")
                brought |= {kind.name: (name, kind) for kind in loaded.role_kinds.values()}
            finally:
                loaded.close()
    except PluginError as error:
        raise UsageError(str(error)) from error
    for role in roles:
        if role not in brought:
            names = sorted({*brought, *(one.name for one in known)} - {role})
            _, expected, hint = unknown((role,), names, "role")
            if not names:
                expected, hint = "an installed plugin that brings it", "`outcry plugins` lists them"
            elif role in wanted:
                hint = f"plugin {role} brings other roles"
            raise UsageError(f"no role {role}: expected {expected}; {hint}; --plugin names the plugin that brings it")
    return [brought[role] for role in dict.fromkeys(roles)]


def _from(folder: Path, source: Unlock) -> str:
    """Return a source as it stands in the configuration, where paths begin at its folder."""
    if source.source not in (Source.FILE, Source.SERVICE):
        return str(source)
    path = Path(source.value)
    return f"{source.source.value}:{path if path.is_absolute() else os.path.relpath(path, folder)}"


def _make_keystore(keystore: Path, source: Unlock) -> None:
    passphrase = read_passphrase(source, shown(keystore), is_new=True)
    try:
        create(keystore, passphrase)
    finally:
        wipe(passphrase)


def _write(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "w") as out:
        out.write(text)


def _tell_next(file: Path, keystore: Path, kinds: Sequence[tuple[str, RoleKind]]) -> None:
    print(f"wrote {shown(file)}: look through it, every setting is explained there")
    for _, kind in kinds:
        for key in missing(kind):
            line = next(
                number
                for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
                if line == f"# {key} ="
            )
            print(f"{shown(file)}:{line}: give roles.{kind.name}.{key} a value, without the #")
    if not keystore.exists():
        print(f"make its keys: outcry keys new {quoted(keystore)}")
    print(f"check it:      outcry run --check {quoted(file)}")
    print(f"run it:        outcry run {quoted(file)}")
