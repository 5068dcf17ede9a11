"""Where the passphrase of a keystore comes from. Never from an argument or the environment, which others can read."""

import enum
import getpass
import os
import sys
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

from openoutcry.node.keys.client import ask_service
from openoutcry.node.keys.errors import BadUnlock, Missing, shown
from openoutcry.node.keys.files import read_private, read_public, system_error
from openoutcry.node.keys.keystore import open_keystore, read_header, require_in_use
from openoutcry.node.keys.secrets import NodeSecrets, wipe

PASSPHRASE_BYTES_MAX: Final = 1_024
"""Longest passphrase, in bytes; all of it counts."""

CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
"""Names the folder in which systemd puts a unit's credentials (systemd.exec, LoadCredential=)."""

STANDARD_FILES: Final = 3
"""Descriptors below this one are input, output and errors, and stay open."""


class Source(enum.Enum):
    """Kinds of sources; the value is how an unlock begins."""

    FD = "fd"
    """`fd:N`: a descriptor that the starting process has opened."""
    FILE = "file"
    """`file:PATH`: a file that only its owner can read."""
    CREDENTIAL = "credential"
    """`credential:NAME`: a credential of systemd."""
    SERVICE = "service"
    """`service:SOCKET`: a running key service; it gives the secrets themselves."""
    PROMPT = "prompt"
    """`prompt`: asked on the terminal."""


EXPECTED: Final = "expected fd:N, file:PATH, credential:NAME, service:SOCKET or prompt"


class Unlock(msgspec.Struct, frozen=True):
    """How a keystore is opened. value: what stands behind the colon."""

    source: Source
    value: str = ""

    def __str__(self) -> str:
        return f"{self.source.value}:{self.value}" if self.value else self.source.value


def parse_unlock(text: str) -> Unlock:
    """Return what a text means: `fd:3`, `file:PATH`, `credential:NAME`, `service:SOCKET` or `prompt`.

    Raises `BadUnlock`, whose text says what was expected; it does not repeat what may be a passphrase.
    """
    word, colon, value = text.partition(":")
    known = {source.value: source for source in Source}
    source = known.get(word)
    if source is None:
        close = get_close_matches(word.lower(), known, n=1)
        raise BadUnlock(
            f"no such source of a passphrase: {EXPECTED}" + (f"; did you mean {close[0]}?" if close else "")
        )
    if source is Source.PROMPT:
        if colon:
            raise BadUnlock("prompt takes no value: write prompt alone")
    elif not value or "\0" in value:
        raise BadUnlock(f"{word}: needs a value: {EXPECTED}")
    if source is Source.FD and not (value.isascii() and value.isdigit() and len(value) <= 6):
        raise BadUnlock("fd: needs the number of an open descriptor, such as fd:3")
    if source is Source.CREDENTIAL and ("/" in value or value in (".", "..")):
        raise BadUnlock("credential: needs the name of a credential, not a path: for a file write file:PATH")
    return Unlock(source, value)


def open_secrets(keystore: Path, unlock: Unlock) -> NodeSecrets:
    """Return the secrets of a node. Raises `KeysError`. Half a second and 256 MiB; from a service a millisecond."""
    if unlock.source is Source.SERVICE:
        public = read_header(keystore)
        require_in_use(public, keystore, time.time_ns())
        return ask_service(Path(unlock.value), public.identity, public.curve_generation)
    read_header(keystore)  # a wrong name is told before anyone is asked for a passphrase
    passphrase = read_passphrase(unlock, shown(keystore))
    try:
        return open_with(keystore, passphrase)
    finally:
        wipe(passphrase)


def open_with(keystore: Path, passphrase: bytearray) -> NodeSecrets:
    """Return the secrets in a keystore that opens with this passphrase. Raises `KeysError`."""
    contents = open_keystore(keystore, passphrase)
    try:
        require_in_use(contents.public, keystore, time.time_ns())
        return contents.secrets()
    finally:
        contents.wipe()


def read_passphrase(unlock: Unlock, what: str, *, is_new: bool = False) -> bytearray:
    """Return a passphrase; the caller wipes it. what: it opens, for the prompt. is_new: a prompt asks twice.

    Raises `KeysError`: nothing there, empty, too long, more than a line.
    """
    match unlock.source:
        case Source.FD:
            content = _read_descriptor(int(unlock.value))
        case Source.FILE:
            advice = "name the file that holds the passphrase"
            content = bytearray(read_private(Path(unlock.value), PASSPHRASE_BYTES_MAX + 1, advice))
        case Source.CREDENTIAL:
            content = _read_credential(unlock.value)
        case Source.PROMPT:
            content = _prompt(what, is_new)
        case Source.SERVICE:
            raise BadUnlock("a key service only gives secrets to nodes: to change a keystore give its passphrase")
    return _one_line(content, str(unlock))


def _one_line(content: bytearray, source: str) -> bytearray:
    """Take off the end of the line; whatever follows it would silently not count."""
    if content.endswith(b"\n"):
        del content[-1:]
    wrong = ""
    if not content:
        wrong = "is empty"
    elif len(content) > PASSPHRASE_BYTES_MAX:
        wrong = f"has more than {PASSPHRASE_BYTES_MAX} bytes"
    elif b"\n" in content:
        wrong = "has more than one line"
    if wrong:
        wipe(content)
        raise BadUnlock(f"the passphrase from {shown(source)} {wrong}: give one line of at most {PASSPHRASE_BYTES_MAX}")
    return content


def _read_descriptor(number: int) -> bytearray:
    """Read up to the end of a line or of the file: a parent may keep its end of a pipe open."""
    content = bytearray()
    try:
        if os.isatty(number):
            raise BadUnlock(f"fd:{number} is a terminal, which would show the passphrase: use prompt")
        while len(content) <= PASSPHRASE_BYTES_MAX + 1 and b"\n" not in content:
            more = os.read(number, PASSPHRASE_BYTES_MAX + 2 - len(content))
            if not more:
                break
            content += more
        if number >= STANDARD_FILES:
            os.close(number)
    except OSError as error:
        raise BadUnlock(
            f"fd:{number} cannot be read ({error.strerror}): the starting process has to open it, as in {number}<FILE"
        ) from None
    return content


def _read_credential(name: str) -> bytearray:
    """Read what systemd has put there. Its mode is not asked: the folder is the unit's alone, and an ACL that lets the
    unit's user in shows up as rights of a group.
    """
    folder = os.environ.get(CREDENTIALS_VARIABLE)
    if not folder:
        raise Missing(
            f"credential:{shown(name)}: this process was given none: add LoadCredentialEncrypted={shown(name)} to its "
            "systemd unit"
        )
    advice = f"add LoadCredentialEncrypted={shown(name)} to the systemd unit"
    return bytearray(read_public(Path(folder) / name, PASSPHRASE_BYTES_MAX + 1, advice))


def _prompt(what: str, is_new: bool) -> bytearray:
    if not sys.stdin.isatty():
        raise BadUnlock(
            "there is no terminal to ask on: give --unlock fd:N, file:PATH, credential:NAME or service:SOCKET"
        )
    try:
        first = getpass.getpass(f"{'New passphrase' if is_new else 'Passphrase'} of {what}: ")
        if is_new and getpass.getpass("The same once more: ") != first:
            raise BadUnlock("the two passphrases differ: nothing was changed; try again")
    except EOFError:
        raise BadUnlock("no passphrase was typed: nothing was changed; try again") from None
    except OSError as error:
        raise system_error(Path(os.ctermid()), error) from None
    return bytearray(first.encode(errors="surrogateescape"))
