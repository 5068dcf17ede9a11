"""Where passphrases come from: each source, each way in which it has none; never a word of what was given."""

import getpass
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openoutcry.node.keys.errors import (
    BadUnlock,
    KeysError,
    Missing,
    NotAKeystore,
    Revoked,
    ServiceFault,
    WrongPassphrase,
    WrongPermissions,
)
from openoutcry.node.keys.keystore import revoke
from openoutcry.node.keys.unlock import (
    CREDENTIALS_VARIABLE,
    PASSPHRASE_BYTES_MAX,
    Source,
    Unlock,
    open_secrets,
    parse_unlock,
    read_passphrase,
)
from openoutcry.wire.key_statements import RevocationReason
from tests.keystores import NOW_NS, PASSPHRASE, is_one_line, make, passphrase_file


@pytest.mark.parametrize(
    ("text", "source", "value"),
    [
        ("fd:0", Source.FD, "0"),
        ("fd:17", Source.FD, "17"),
        ("file:/run/x", Source.FILE, "/run/x"),
        ("file:a:b c", Source.FILE, "a:b c"),
        ("credential:venue.pass", Source.CREDENTIAL, "venue.pass"),
        ("service:run/keys.sock", Source.SERVICE, "run/keys.sock"),
        ("prompt", Source.PROMPT, ""),
    ],
)
def test_each_source_is_understood_and_written_the_same(text: str, source: Source, value: str) -> None:
    """Read, and written again."""
    assert parse_unlock(text) == Unlock(source, value)
    assert str(parse_unlock(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no such source of a passphrase: expected fd:N, file:PATH, credential:NAME, service:SOCKET or prompt"),
        ("fiel:x", "did you mean file?"),
        ("Prompt", "did you mean prompt?"),
        ("fd", "needs a value"),
        ("fd:", "needs a value"),
        ("file:", "needs a value"),
        ("file:a\0b", "needs a value"),
        ("fd:three", "fd: needs the number of an open descriptor, such as fd:3"),
        ("fd:-1", "fd: needs the number"),
        ("fd:1234567", "fd: needs the number"),
        ("fd:²", "fd: needs the number"),
        ("credential:a/b", "credential: needs the name of a credential, not a path"),
        ("credential:..", "credential: needs the name"),
        ("prompt:now", "prompt takes no value"),
        ("env:PASSPHRASE", "no such source"),
        ("swordfish", "no such source"),
        ("swordfish:4711", "no such source"),
    ],
)
def test_anything_else_is_refused_without_being_repeated(text: str, says: str) -> None:
    """One line with what was expected. It may have been the passphrase itself, so no part of it is shown."""
    with pytest.raises(BadUnlock) as caught:
        parse_unlock(text)
    assert says in str(caught.value)
    assert is_one_line(caught.value)
    assert "swordfish" not in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe whose ends are closed in the end, those that the test has closed too."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue


def test_a_descriptor_is_read_to_the_end_of_the_line_and_closed(pipe: tuple[int, int]) -> None:
    """While the other end stays open, as a supervisor may keep it; afterwards no child can inherit it."""
    reading, writing = pipe
    os.write(writing, PASSPHRASE + b"\n")
    assert read_passphrase(Unlock(Source.FD, str(reading)), "it") == PASSPHRASE
    with pytest.raises(
        BadUnlock, match=rf"fd:{reading} cannot be read .*: the starting process has to open it"
    ) as caught:
        read_passphrase(Unlock(Source.FD, str(reading)), "it")
    assert is_one_line(caught.value)


def test_a_descriptor_without_the_end_of_a_line_is_read_to_its_end(pipe: tuple[int, int]) -> None:
    """Written in two pieces, then closed."""
    reading, writing = pipe
    os.write(writing, PASSPHRASE[:5])
    os.write(writing, PASSPHRASE[5:])
    os.close(writing)
    assert read_passphrase(Unlock(Source.FD, str(reading)), "it") == PASSPHRASE


def test_a_terminal_is_no_descriptor_to_read_from() -> None:
    """It would show what is typed."""
    master, terminal = pty.openpty()
    try:
        with pytest.raises(BadUnlock, match=f"fd:{terminal} is a terminal, .*: use prompt"):
            read_passphrase(Unlock(Source.FD, str(terminal)), "it")
    finally:
        os.close(master)
        os.close(terminal)


CONTENTS = [
    (b"x", b"x"),
    (b"x\n", b"x"),
    (b"\xff\x00 y \n", b"\xff\x00 y "),
    (b"x\r\n", b"x\r"),
    (b"p" * PASSPHRASE_BYTES_MAX, b"p" * PASSPHRASE_BYTES_MAX),
    (b"p" * PASSPHRASE_BYTES_MAX + b"\n", b"p" * PASSPHRASE_BYTES_MAX),
    (b"", "is empty"),
    (b"\n", "is empty"),
    (b"p" * (PASSPHRASE_BYTES_MAX + 1), "has more than 1024 bytes"),
    (b"p" * (PASSPHRASE_BYTES_MAX + 1) + b"\n", "has more than 1024 bytes"),
    (b"p" * 100_000, "has more than 1024 bytes"),
    (b"two\nlines", "has more than one line"),
    (b"two\n\n", "has more than one line"),
    (b"\nx", "has more than one line"),
]


@pytest.mark.parametrize(("content", "expected"), CONTENTS)
@pytest.mark.parametrize("source", [Source.FILE, Source.CREDENTIAL, Source.FD])
def test_a_passphrase_is_one_line_from_every_source(
    source: Source, content: bytes, expected: bytes | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the line is taken off, nothing else; what would silently not count is refused."""
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(0o600)
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(tmp_path))
    file = os.open(path, os.O_RDONLY)
    values = {Source.FILE: str(path), Source.CREDENTIAL: path.name, Source.FD: str(file)}
    try:
        if isinstance(expected, bytes):
            assert read_passphrase(Unlock(source, values[source]), "it") == expected
        else:
            with pytest.raises(BadUnlock, match=expected) as caught:
                read_passphrase(Unlock(source, values[source]), "it")
            assert is_one_line(caught.value)
    finally:
        if source is not Source.FD or not isinstance(expected, bytes):
            close_if_open(file)


def close_if_open(file: int) -> None:
    """Close a descriptor that may be closed already."""
    try:
        os.close(file)
    except OSError:
        return


def test_a_passphrase_file_is_private(tmp_path: Path) -> None:
    """Others must not be able to read it; it must be there, and a file."""
    path = passphrase_file(tmp_path)
    path.chmod(0o640)
    with pytest.raises(WrongPermissions, match=f"run chmod 600 {path}"):
        read_passphrase(Unlock(Source.FILE, str(path)), "it")
    with pytest.raises(Missing, match="no such file: name the file that holds the passphrase"):
        read_passphrase(Unlock(Source.FILE, str(tmp_path / "gone")), "it")
    with pytest.raises(NotAKeystore, match="is a folder, pipe or device"):
        read_passphrase(Unlock(Source.FILE, str(tmp_path)), "it")


def test_a_credential_is_looked_for_where_systemd_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder; no such credential; with rights of a group, as systemd's ACL makes it look."""
    unlock = Unlock(Source.CREDENTIAL, "venue")
    monkeypatch.delenv(CREDENTIALS_VARIABLE, raising=False)
    with pytest.raises(Missing, match="credential:venue: this process was given none: add LoadCredential") as caught:
        read_passphrase(unlock, "it")
    assert is_one_line(caught.value)
    monkeypatch.setenv(CREDENTIALS_VARIABLE, str(tmp_path))
    with pytest.raises(Missing, match="venue: no such file: add LoadCredentialEncrypted=venue to the systemd unit"):
        read_passphrase(unlock, "it")
    passphrase_file(tmp_path, name="venue").chmod(0o440)
    assert read_passphrase(unlock, "it") == PASSPHRASE


class Terminal:
    """Standard input that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_prompt_asks_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]) -> None:
    """Once for an old passphrase, twice for a new one; not at all where nobody can type."""
    with open(pipe[0], closefd=False) as nobody, monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", nobody)
        with pytest.raises(BadUnlock, match="no terminal to ask on: give --unlock") as caught:
            read_passphrase(Unlock(Source.PROMPT), "it")
        assert is_one_line(caught.value)
    typed: list[str] = []
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        if not typed:
            raise EOFError
        return typed.pop(0)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", answer)
    typed[:] = ["näh"]
    assert read_passphrase(Unlock(Source.PROMPT), "it") == "näh".encode()
    assert asked == ["Passphrase of it: "]
    typed[:] = ["a", "a"]
    assert read_passphrase(Unlock(Source.PROMPT), "it", is_new=True) == b"a"
    assert asked[1:] == ["New passphrase of it: ", "The same once more: "]
    for what, says in ((["a", "b"], "the two passphrases differ"), ([], "no passphrase was typed"), ([""], "is empty")):
        typed[:] = what
        with pytest.raises(BadUnlock, match=says):
            read_passphrase(Unlock(Source.PROMPT), "it", is_new=len(what) != 1)


def test_a_key_service_opens_no_keystore_for_a_change() -> None:
    """It gives secrets, and has no passphrase."""
    with pytest.raises(BadUnlock, match="a key service only gives secrets to nodes"):
        read_passphrase(Unlock(Source.SERVICE, "x"), "it")


def test_secrets_are_opened_from_a_file_and_from_a_descriptor(tmp_path: Path) -> None:
    """As a node does it."""
    path = tmp_path / "node.keys"
    public = make(path)
    phrase = passphrase_file(tmp_path)
    for unlock in (f"file:{phrase}", f"fd:{os.open(phrase, os.O_RDONLY)}"):
        secrets = open_secrets(path, parse_unlock(unlock))
        assert (secrets.signer.key, secrets.curve.public) == (public.identity, public.curve)


def test_each_way_in_which_secrets_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    """A missing keystore before any passphrase is asked for; a wrong passphrase; nobody at the socket; given up."""
    path, phrase = tmp_path / "node.keys", passphrase_file(tmp_path)
    public = make(path)
    other = passphrase_file(tmp_path, b"other", "other")
    cases: list[tuple[Path, str, type[KeysError]]] = [
        (tmp_path / "gone.keys", "prompt", Missing),
        (tmp_path / "gone.keys", "service:gone", Missing),
        (path, f"file:{other}", WrongPassphrase),
        (path, f"file:{tmp_path / 'gone'}", Missing),
        (path, f"service:{tmp_path / 'gone'}", ServiceFault),
    ]
    for keystore, unlock, error in cases:
        with pytest.raises(error) as caught:
            open_secrets(keystore, parse_unlock(unlock))
        assert is_one_line(caught.value)
    revoke(path, PASSPHRASE, RevocationReason.LOST, NOW_NS, public.identity.hex())
    for unlock in (f"file:{phrase}", "service:gone"):
        with pytest.raises(Revoked, match=r"is revoked \(lost\)"):
            open_secrets(path, parse_unlock(unlock))
