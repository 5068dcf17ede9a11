"""`outcry keys` with real processes: keystores made and changed, one unlock for every node of a machine."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

import openoutcry
from openoutcry.node.keys.revocations import load_revocations
from tests.keystores import passphrase_file

ENGINE: Final = str(Path(openoutcry.__file__).parents[1])
ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": ENGINE}
WAIT_S: Final = 60.0
"""For what takes a moment: only a hanging test waits for it."""

KEYS: Final = [sys.executable, "-m", "openoutcry.cli.main", "keys"]

NODE: Final = """
import sys
from pathlib import Path
from openoutcry.node.keys.errors import KeysError
from openoutcry.node.keys.unlock import open_secrets, parse_unlock
try:
    secrets = open_secrets(Path(sys.argv[1]), parse_unlock(sys.argv[2]))
except KeysError as error:
    print(error)
    sys.exit(2)
print(secrets.signer.key.hex(), secrets.curve.public.hex())
"""
"""All of a node that matters here: it opens its secrets and says whose they are."""


def keys(folder: Path, *arguments: str, code: int = 0, **options: Any) -> str:
    """Run `outcry keys` in a folder; return what it printed: on standard output, or its one line of an error."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*KEYS, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=WAIT_S, **options
    )
    assert done.returncode == code, done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        return done.stderr
    assert done.stderr == ""
    return done.stdout


def shown(folder: Path, name: str) -> dict[str, Any]:
    """What `outcry keys show` says of a keystore."""
    found: dict[str, Any] = json.loads(keys(folder, "show", name, "--json"))
    return found


def node(folder: Path, name: str, unlock: str) -> subprocess.CompletedProcess[str]:
    """Start a node, let it open its secrets, and return what it said."""
    return subprocess.run(
        [sys.executable, "-c", NODE, name, unlock],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two keystores and the passphrase of both."""
    phrase = passphrase_file(tmp_path)
    for name in ("a.keys", "b.keys"):
        keys(tmp_path, "new", name, "--unlock", f"file:{phrase.name}", "--cost", "interactive")
    return tmp_path


@contextmanager
def serving(folder: Path, names: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a key service, which gets the passphrase through a pipe, until the test is done with it."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [*KEYS, "serve", *names, "--socket", "run/keys.sock", "--unlock", f"fd:{reading}"],
        cwd=folder,
        env=ENVIRONMENT,
        pass_fds=[reading],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        os.close(reading)
        os.write(writing, (folder / "passphrase").read_bytes())
        assert process.stdout is not None
        assert process.stdout.readline() == f"serving {len(names)} keystores at run/keys.sock\n"
        yield process
    finally:
        os.close(writing)
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=WAIT_S)


def test_one_unlock_serves_every_node_of_a_machine_and_each_restart(folder: Path) -> None:
    """Two keystores; ten nodes at once, then one after the other: no terminal, no passphrase, each its own keys.

    The service is stopped by SIGTERM, which ends it with code 0 and takes the socket away.
    """
    expected = {
        name: f"{shown(folder, name)['identity']} {shown(folder, name)['link_key']}\n" for name in ("a.keys", "b.keys")
    }
    names = ["a.keys", "b.keys"] * 5
    with serving(folder, ["a.keys", "b.keys"]) as service:
        nodes = [
            subprocess.Popen(
                [sys.executable, "-c", NODE, name, "service:run/keys.sock"],
                cwd=folder,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in names
        ]
        assert [process.communicate(timeout=WAIT_S)[0] for process in nodes] == [expected[name] for name in names]
        for _ in range(2):
            assert node(folder, "a.keys", "service:run/keys.sock").stdout == expected["a.keys"]
        service.send_signal(signal.SIGTERM)
        assert service.wait(WAIT_S) == 0
        assert service.stdout is not None
        assert service.stdout.read() == "stopped\n"
    assert not (folder / "run" / "keys.sock").exists()
    refused = node(folder, "a.keys", "service:run/keys.sock")
    assert refused.returncode == 2
    assert refused.stdout == (
        "no key service answers at run/keys.sock: start it with outcry keys serve KEYSTORE --socket run/keys.sock\n"
    )


def test_a_killed_service_is_started_anew_at_the_same_place(folder: Path) -> None:
    """SIGKILL leaves its socket; the next one takes the place; while one runs, a second is refused."""
    with serving(folder, ["a.keys"]) as service:
        service.kill()
        service.wait(WAIT_S)
    assert (folder / "run" / "keys.sock").exists()
    with serving(folder, ["a.keys"]):
        assert node(folder, "a.keys", "service:run/keys.sock").returncode == 0
        declined = node(folder, "b.keys", "service:run/keys.sock")
        assert declined.returncode == 2
        assert "is served: restart the service with that keystore" in declined.stdout
        second = keys(folder, "serve", "b.keys", "--socket", "run/keys.sock", "--unlock", "file:passphrase", code=2)
        assert second == (
            "outcry: a key service runs at run/keys.sock already: stop it first, or choose another socket\n"
        )
        assert node(folder, "a.keys", "service:run/keys.sock").returncode == 0


def test_a_node_goes_on_under_a_new_identity_that_others_can_follow(folder: Path) -> None:
    """New link key; new identity; the old one revoked as stolen: the files beside the keystore lead from old to new."""
    before = shown(folder, "a.keys")
    keys(folder, "rotate", "a.keys", "--links", "--unlock", "file:passphrase")
    links = shown(folder, "a.keys")
    assert links["identity"] == before["identity"]
    assert links["link_key"] != before["link_key"]
    assert links["link_key_generation"] == 2
    printed = keys(folder, "rotate", "a.keys", "--unlock", "file:passphrase")
    assert "statement  a.keys.1.rotation: give it to those who know the node" in printed
    after = shown(folder, "a.keys")
    assert after["identity"] != before["identity"]
    keys(
        folder,
        *("revoke", "a.keys", "--reason", "stolen", "--key", before["identity"][:12]),
        *("--since", "2100-01-01T00:00:00Z", "--unlock", "file:passphrase"),
    )
    old, new = (bytes.fromhex(found["identity"]) for found in (before, after))
    known = load_revocations([folder])
    assert known.successor(old) == new
    since_ns = 4_102_444_800 * 10**9
    assert [known.is_revoked(old, since_ns - 1), known.is_revoked(old, since_ns)] == [False, True]
    assert node(folder, "a.keys", "file:passphrase").stdout.startswith(after["identity"])
    statements = shown(folder, "a.keys")["statements"]
    assert [sorted(set(told) & {"rotated", "revoked"}) for told in statements] == [["rotated"], ["revoked"]]
    for path in [*folder.glob("*.rotation"), *folder.glob("*.revocation")]:
        path.unlink()
    keys(folder, "show", "a.keys", "--statements")
    assert load_revocations([folder]).successor(old) == new


def test_a_passphrase_is_changed_and_only_the_new_one_opens(folder: Path) -> None:
    """From file to file; the node says what is wrong with the old one."""
    passphrase_file(folder, b"another", "other")
    keys(folder, "passphrase", "a.keys", "--unlock", "file:passphrase", "--new-unlock", "file:other")
    assert node(folder, "a.keys", "file:other").returncode == 0
    refused = node(folder, "a.keys", "file:passphrase")
    assert refused.returncode == 2
    assert refused.stdout.startswith("a.keys does not open: wrong passphrase")


MISTAKES: list[tuple[list[str], str]] = [
    (["show", "c.keys"], "c.keys: no such file: name the keystore, or make one with outcry keys new c.keys"),
    (["rotate", "c.keys"], "c.keys: no such file: name the keystore, or make one with outcry keys new c.keys"),
    (["new", "a.keys"], "a.keys is there already: choose another name, or move it away"),
    (["new", "c.keys", "--cost", "cheap"], "--cost cheap: expected interactive, moderate, sensitive"),
    (
        ["new", "c.keys"],
        "there is no terminal to ask on: give --unlock fd:N, file:PATH, credential:NAME or service:SOCKET",
    ),
    (
        ["new", "c.keys", "--unlock", "swordfish"],
        "no such source of a passphrase: expected fd:N, file:PATH, credential:NAME, service:SOCKET or prompt",
    ),
    (
        ["new", "c.keys", "--unlock", "fd:77"],
        "fd:77 cannot be read (Bad file descriptor): the starting process has to open it, as in 77<FILE",
    ),
    (
        ["new", "c.keys", "--unlock", "credential:c"],
        "credential:c: this process was given none: add LoadCredentialEncrypted=c to its systemd unit",
    ),
    (
        ["rotate", "a.keys", "--unlock", "service:run/keys.sock"],
        "a key service only gives secrets to nodes: to change a keystore give its passphrase",
    ),
    (["show", "passphrase"], "passphrase is no keystore: name the right file, or make one with outcry keys new"),
    (["revoke", "a.keys", "--reason", "stolne"], "--reason stolne: did you mean stolen?"),
    (["revoke", "a.keys"], "Missing option '--reason'."),
    (
        ["revoke", "a.keys", "--reason", "lost", "--since", "yesterday"],
        "--since yesterday: expected a time with its zone, such as 2026-11-25T17:00:00Z",
    ),
    (
        ["revoke", "a.keys", "--reason", "lost", "--since", "1960-01-01T00:00:00Z"],
        "--since 1960-01-01T00:00:00Z: expected a time from 1970 on, before 2262",
    ),
    (
        ["revoke", "a.keys", "--reason", "lost", "--key", "00", "--unlock", "file:passphrase"],
        "a.keys has no identity 00: give 8 digits or more of one that outcry keys show a.keys lists",
    ),
    (["serve", "a.keys"], "Missing option '--socket'."),
    (
        ["serve", "a.keys", "--socket", "keys.sock", "--unlock", "file:passphrase"],
        ".: its mode is 0755, which is not only for its owner: run chmod 700 .",
    ),
    (
        ["serve", "c.keys", "--socket", "run/s"],
        "c.keys: no such file: name the keystore, or make one with outcry keys new c.keys",
    ),
    (["passphrase", "a.keys", "--new-unlock", "fiel:x"], "did you mean file?"),
]


def test_each_mistake_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands in this process, standard input being no terminal: exit code 2, one line, nothing changed, nothing left.

    In a process of their own as well: wrong permissions.
    """
    from openoutcry.cli.main import main

    folder.chmod(0o755)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.chdir(folder)
    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        for arguments, says in MISTAKES:
            assert main(["keys", *arguments]) == 2
            printed = capsys.readouterr()
            assert printed.out == ""
            assert printed.err.startswith("outcry: ")
            assert printed.err.endswith(f"{says}\n")
            assert printed.err.count("\n") == 1
            assert "swordfish" not in printed.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "a.keys").chmod(0o644)
    assert keys(folder, "show", "a.keys", code=2) == (
        "outcry: a.keys: its mode is 0644, which is not only for its owner: run chmod 600 a.keys\n"
    )


WITH_TERMINAL: Final = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from openoutcry.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""Makes its standard input the terminal of its session, as a shell does, and runs a command."""


def typed(folder: Path, arguments: list[str], lines: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command on a terminal, type each line when its prompt has come, and return code and screen."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_TERMINAL, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    screen = b""
    ahead = list(lines)
    try:
        while True:
            try:
                screen += os.read(master, 4_096)
            except OSError:  # the other end is closed: the command has ended
                break
            if ahead and screen.endswith(ahead[0][0].encode()):
                os.write(master, ahead.pop(0)[1].encode() + b"\n")
        code = process.wait(WAIT_S)
    finally:
        os.close(master)
        process.kill()
        process.wait(WAIT_S)
    assert ahead == []
    return code, screen.decode()


def test_a_passphrase_is_typed_on_a_terminal_and_never_shown(tmp_path: Path) -> None:
    """Twice for a new keystore, once for a change; two different ones make none; a wrong one opens none."""
    new, again, old = "New passphrase of t.keys: ", "The same once more: ", "Passphrase of t.keys: "
    make = ["keys", "new", "t.keys", "--cost", "interactive"]
    code, screen = typed(tmp_path, make, [(new, "swordfish"), (again, "swordfihs")])
    assert (code, "the two passphrases differ: nothing was changed" in screen) == (2, True)
    assert not (tmp_path / "t.keys").exists()
    code, screen = typed(tmp_path, make, [(new, "swordfish"), (again, "swordfish")])
    assert (code, "made t.keys" in screen, "swordfi" in screen) == (0, True, False)
    code, screen = typed(tmp_path, ["keys", "rotate", "t.keys"], [(old, "swordfish")])
    assert (code, "statement  t.keys.1.rotation" in screen, "swordfi" in screen) == (0, True, False)
    code, screen = typed(tmp_path, ["keys", "rotate", "t.keys"], [(old, "wrong")])
    assert (code, "t.keys does not open: wrong passphrase" in screen) == (2, True)
