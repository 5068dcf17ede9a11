"""The key service over a real socket: who is answered, with what, and who is shown out."""

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from openoutcry.node.keys.client import ask_service
from openoutcry.node.keys.errors import KeysError, ServiceFault, SystemRefuses, WrongPermissions
from openoutcry.node.keys.keystore import read_header, renew_links, rotate
from openoutcry.node.keys.protocol import (
    ANSWER_BYTES_MAX,
    ASK_BYTES_MAX,
    PROTOCOL_VERSION,
    Answer,
    Ask,
    Decline,
    Give,
    answer_decoder,
    frame,
    length_of,
    peer_uid,
)
from openoutcry.node.keys.secrets import NodeSecrets
from openoutcry.node.keys.service import KeyService
from openoutcry.node.keys.unlock import open_secrets, open_with, parse_unlock
from tests.keystores import NOW_NS, PASSPHRASE, is_one_line, make

NODES = [NodeSecrets(bytes([index]) * 32, index, bytes([index + 100]) * 32) for index in range(1, 4)]
STRANGER = NodeSecrets(b"stranger" * 4)
WAIT_S = 20.0
"""For what happens at once: only a hanging test waits for it."""


def served() -> dict[bytes, NodeSecrets]:
    """Fresh copies of what is served: the service wipes its own."""
    copies = [NodeSecrets(seed, node.curve_generation, root) for node in NODES for seed, root in [node.reveal()]]
    return {node.signer.key: node for node in copies}


@contextmanager
def running(
    path: Path,
    secrets: dict[bytes, NodeSecrets] | None = None,
    *,
    client_s_max: float = WAIT_S,
    clients_max: int = 64,
    uid_of: Callable[[socket.socket], int] = peer_uid,
) -> Iterator[KeyService]:
    """Run a service in a thread; it must end when it is told to."""
    with KeyService(path, client_s_max=client_s_max, clients_max=clients_max, uid_of=uid_of) as service:
        thread = threading.Thread(target=service.serve, args=(served() if secrets is None else secrets,))
        thread.start()
        try:
            yield service
        finally:
            service.stop()
            thread.join(WAIT_S)
            assert not thread.is_alive()


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """A bare connection to a service."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WAIT_S)
        connection.connect(str(path))
        yield connection


def rest_of(connection: socket.socket) -> bytes:
    """Read until the service closes, which it may do with questions unread."""
    received = b""
    try:
        while more := connection.recv(4_096):
            received += more
    except ConnectionResetError:
        return received
    return received


def answer_to(path: Path, sent: bytes | bytearray) -> Answer | None:
    """Send bytes and return the answer, None for a closed door; there is never anything behind an answer."""
    with connected(path) as connection:
        connection.sendall(sent)
        received = rest_of(connection)
    if not received:
        return None
    assert length_of(received) == len(received) - 4
    answer: Answer = answer_decoder.decode(received[4:])
    return answer


@pytest.fixture
def at(tmp_path: Path) -> Path:
    """Where a service may listen."""
    folder = tmp_path / "run"
    folder.mkdir(0o700)
    return folder / "keys.sock"


def ask(path: Path, node: NodeSecrets) -> NodeSecrets:
    """Ask as a node does."""
    return ask_service(path, node.signer.key, node.curve_generation, wait_s=WAIT_S)


def test_each_node_gets_its_own_secrets(at: Path) -> None:
    """Seed, root and generation of three nodes, each as often as it asks."""
    with running(at):
        for node in NODES * 2:
            assert ask(at, node).reveal() == node.reveal()
            assert ask(at, node).curve == node.curve


def test_the_questions_and_answers_are_as_documented(at: Path) -> None:
    """Bytes written out by hand: length, array, tag, fields."""
    node = NODES[0]
    seed, root = node.reveal()
    with running(at):
        asked = b"\x25\x00\x00\x00" + b"\x93\x01\x01\xc4\x20" + node.signer.key
        assert bytes(frame(Ask(PROTOCOL_VERSION, node.signer.key))) == asked
        with connected(at) as connection:
            connection.sendall(asked)
            assert rest_of(connection) == b"\x47\x00\x00\x00\x94\x02\xc4\x20" + seed + b"\xc4\x20" + root + b"\x01"
    assert bytes(frame(Decline("no"))) == b"\x05\x00\x00\x00\x92\x03\xa2no"
    assert len(frame(Decline("x" * 200))) <= ANSWER_BYTES_MAX
    assert len(frame(Ask(65_535, node.signer.key))) - 4 <= ASK_BYTES_MAX


def test_only_keystores_that_are_served_are_given(at: Path) -> None:
    """Another identity is declined, by name and with what to do."""
    with running(at), pytest.raises(ServiceFault) as caught:
        ask(at, STRANGER)
    assert f"declines: no keystore of identity {STRANGER.signer.key.hex()[:16]} is served" in str(caught.value)
    assert is_one_line(caught.value)


def test_processes_of_another_user_are_not_answered(at: Path) -> None:
    """The check of who is at the other end, simulated; on both sides, as a node asks nobody else's service either."""
    with running(at, uid_of=lambda connection: os.geteuid() + 1):
        answer = answer_to(at, frame(Ask(PROTOCOL_VERSION, NODES[0].signer.key)))
        assert answer == Decline("only processes of its own user are answered")
    with running(at), pytest.raises(ServiceFault, match="belongs to another user: start your own") as caught:
        ask_service(at, NODES[0].signer.key, 1, uid_of=lambda connection: os.geteuid() + 1)
    assert is_one_line(caught.value)


def test_the_system_says_who_is_at_the_other_end() -> None:
    """Both ends of a pair are this process."""
    one, other = socket.socketpair()
    with one, other:
        assert peer_uid(one) == peer_uid(other) == os.geteuid()


GOOD = bytes(frame(Ask(PROTOCOL_VERSION, NODES[0].signer.key)))

JUNK = {
    "a huge length": b"\xff\xff\xff\xff" + bytes(60),
    "a length too long by one": (ASK_BYTES_MAX + 1).to_bytes(4, "little"),
    "something behind the question": GOOD + b"\0",
    "two questions": GOOD * 2,
    "no content": bytes(4),
    "zeros": b"\x25\x00\x00\x00" + bytes(37),
    "no array": b"\x01\x00\x00\x00\xc0",
    "a key too short": b"\x24\x00\x00\x00\x93\x01\x01\xc4\x1f" + b"k" * 31,
    "an answer": bytes(frame(Give(b"s" * 32, b"r" * 32, 1)))[:4] + b"\x94\x02",
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a field more": b"\x26\x00\x00\x00\x94\x01\x01\xc4\x20" + b"k" * 32 + b"\x01",
}


AT_ONCE = ("a huge length", "a length too long by one", "something behind the question", "two questions")
"""What is known to be junk before all of it has come."""


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_declined_and_the_next_one_answered(name: str, at: Path) -> None:
    """A reason, or a closed door for what never becomes a question; never secrets; the service goes on."""
    with running(at, client_s_max=0.5):
        answer = answer_to(at, JUNK[name])
        if name in AT_ONCE:
            assert answer == Decline("a question has at most 64 bytes, and nothing behind it")
        else:
            assert answer is None or isinstance(answer, Decline)
        assert ask(at, NODES[1]).reveal() == NODES[1].reveal()


def test_another_version_is_declined_by_name(at: Path) -> None:
    """From a later program and from none."""
    with running(at):
        for version in (0, 2, 65_535):
            answer = answer_to(at, frame(Ask(version, NODES[0].signer.key)))
            assert answer == Decline(f"version {version} was asked, version 1 is spoken: restart the service")


def test_a_question_may_come_in_pieces(at: Path) -> None:
    """One byte at a time, with another client in between each."""
    with running(at), connected(at) as connection:
        for byte in GOOD:
            connection.sendall(bytes([byte]))
            if byte % 8 == 0:
                assert ask(at, NODES[2]).reveal() == NODES[2].reveal()
        assert isinstance(answer_decoder.decode(rest_of(connection)[4:]), Give)


def test_silent_clients_hold_up_nobody_and_are_shown_out(at: Path) -> None:
    """Ten that say nothing, or half a question, and one that left: others are answered meanwhile; then they are cut."""
    with running(at, client_s_max=1.0):
        held = [connected(at) for _ in range(10)]
        connections = [context.__enter__() for context in held]
        try:
            for connection in connections[5:]:
                connection.sendall(GOOD[:20])
            with connected(at):
                pass
            assert ask(at, NODES[0]).reveal() == NODES[0].reveal()
            assert [rest_of(connection) for connection in connections] == [b""] * 10
        finally:
            for context in held:
                context.__exit__(None, None, None)


def test_one_client_more_than_there_is_room_for_displaces_the_first(at: Path) -> None:
    """Room for three, whose places silent ones hold: the newest is answered, the oldest is out, the others stay."""
    with running(at, clients_max=3), connected(at) as first, connected(at) as second, connected(at) as third:
        third.sendall(GOOD[:10])
        assert ask(at, NODES[0]).reveal() == NODES[0].reveal()
        assert rest_of(first) == b""
        third.sendall(GOOD[10:])
        assert isinstance(answer_decoder.decode(rest_of(third)[4:]), Give)
        second.sendall(GOOD)
        assert isinstance(answer_decoder.decode(rest_of(second)[4:]), Give)


def test_twenty_nodes_that_start_at_once_are_all_answered(at: Path) -> None:
    """Twenty threads ask five times each, beside two silent clients."""
    with running(at), connected(at), connected(at), ThreadPoolExecutor(20) as pool:
        nodes = [NODES[index % 3] for index in range(100)]
        found = list(pool.map(lambda node: ask(at, node).reveal(), nodes))
    assert found == [node.reveal() for node in nodes]


def test_clients_wait_for_a_service_that_is_being_unlocked(at: Path) -> None:
    """Asked when the socket is there and nothing served yet: answered as soon as it is."""
    with KeyService(at) as service, ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(ask, at, NODES[0])
        serving = pool.submit(service.serve, served())
        assert waiting.result(WAIT_S).reveal() == NODES[0].reveal()
        service.stop()
        serving.result(WAIT_S)


def test_stopping_removes_the_socket_and_wipes_the_secrets(at: Path) -> None:
    """A client that waits is closed; the same place can be used again; stopped twice, and once closed, is stopped."""
    secrets = served()
    with running(at, secrets) as service:
        assert stat.S_IMODE(at.stat().st_mode) == 0o600
        silent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        silent.settimeout(WAIT_S)
        silent.connect(str(at))
        assert ask(at, NODES[0]).reveal() == NODES[0].reveal()
        service.stop()
        service.stop()
    with silent:
        assert rest_of(silent) == b""
    assert not at.exists()
    service.stop()
    for node in secrets.values():
        with pytest.raises(ValueError, match="wiped"):
            node.reveal()
    with running(at):
        assert ask(at, NODES[0]).reveal() == NODES[0].reveal()


def test_the_socket_of_a_killed_service_is_replaced_and_of_a_running_one_not(at: Path) -> None:
    """A socket nobody listens at; one somebody does; a file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(at))
    with running(at):
        assert ask(at, NODES[0]).reveal() == NODES[0].reveal()
        with pytest.raises(ServiceFault, match=r"a key service runs at .* already: stop it first") as caught:
            KeyService(at)
        assert is_one_line(caught.value)
        assert ask(at, NODES[0]).reveal() == NODES[0].reveal()
    at.write_text("mine")
    with pytest.raises(ServiceFault, match="is there already and no socket"):
        KeyService(at)
    assert at.read_text() == "mine"


def test_the_folder_of_the_socket_is_private(tmp_path: Path) -> None:
    """Made so where it is missing; refused with the command that puts it right; a folder above must be there."""
    path = tmp_path / "made" / "keys.sock"
    with running(path):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for mode in (0o755, 0o710, 0o702):
        path.parent.chmod(mode)
        with pytest.raises(WrongPermissions, match=f"run chmod 700 {path.parent}") as caught:
            KeyService(path)
        assert is_one_line(caught.value)
    with pytest.raises(SystemRefuses, match="No such file or directory") as refused:
        KeyService(tmp_path / "a" / "b" / "keys.sock")
    assert is_one_line(refused.value)


def test_a_folder_of_another_user_is_refused(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another user sees it."""
    monkeypatch.setattr(os, "geteuid", lambda: at.parent.stat().st_uid + 1)
    with pytest.raises(WrongPermissions, match="belongs to another user: put the socket in a folder of your own"):
        KeyService(at)


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    """Longer than Linux takes, by one byte: for the service and for a node."""
    path = tmp_path / ("x" * (107 - len(str(tmp_path))))
    uses: list[Callable[[], object]] = [lambda: KeyService(path), lambda: ask(path, NODES[0])]
    for use in uses:
        with pytest.raises(ServiceFault, match="has 108 bytes, the path of a socket at most 107") as caught:
            use()
        assert is_one_line(caught.value)


def fake(at: Path, answer: bytes, *, is_silent: bool = False) -> KeysError:
    """Return what a node says to something at the socket that answers like that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening, ThreadPoolExecutor(1) as pool:
        listening.bind(str(at))
        listening.listen()
        asking = pool.submit(
            ask_service, at, NODES[0].signer.key, NODES[0].curve_generation, wait_s=0.2 if is_silent else WAIT_S
        )
        connection, _ = listening.accept()
        with connection:
            connection.sendall(answer)
            if is_silent:
                error = asking.exception(WAIT_S)
            else:
                connection.shutdown(socket.SHUT_WR)
                error = asking.exception(WAIT_S)
    at.unlink()
    assert isinstance(error, KeysError)
    assert is_one_line(error)
    return error


def test_whatever_else_answers_is_told(at: Path) -> None:
    """Nothing, half an answer, junk, a huge length, silence, secrets of another identity or generation."""
    seed, root = NODES[0].reveal()
    good = bytes(frame(Give(seed, root, NODES[0].curve_generation)))
    assert "closed without an answer: restart it" in str(fake(at, b""))
    not_text = b"\x04\0\0\0\x92\x03\xa1\xff"
    for junk in (
        not_text,
        good[:3],
        good[:-1],
        good + b"\0",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\xff" * 2_000,
        b"\x01\0\0\0\xc1",
    ):
        assert "is no key service: name the right socket" in str(fake(at, junk))
    for part in (b"", good[:3], good[:-1]):
        assert "does not answer within 0.2 s: restart it" in str(fake(at, part, is_silent=True))
    stale = [Give(root, root, 1), Give(seed, root, 2)]
    for other in stale:
        assert "has keys from before the last change of the keystore: restart it" in str(fake(at, bytes(frame(other))))


def test_nobody_at_the_socket_is_told(at: Path, tmp_path: Path) -> None:
    """No socket; one that nobody listens at; a file; one where so many wait that no more are let in."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(at))
    (tmp_path / "file").write_text("")
    for path in (at, tmp_path / "gone", tmp_path / "file" / "x", tmp_path / "file"):
        with pytest.raises(
            ServiceFault, match=r"no key service answers at .*: start it with outcry keys serve"
        ) as caught:
            ask(path, NODES[0])
        assert is_one_line(caught.value)
    at.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as busy, connected_to_full(busy, at):
        with pytest.raises(ServiceFault, match=r"does not answer within 0\.1 s"):
            ask_service(at, NODES[0].signer.key, 1, wait_s=0.1)
        with pytest.raises(ServiceFault, match=r"runs at .* already and is busy"):
            KeyService(at)


@contextmanager
def connected_to_full(listening: socket.socket, path: Path) -> Iterator[None]:
    """Let so many wait at a socket that the system takes no more."""
    listening.bind(str(path))
    listening.listen(0)
    waiting: list[socket.socket] = []
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting[-1].setblocking(False)
            try:
                waiting[-1].connect(str(path))
            except BlockingIOError:
                break
        yield
    finally:
        for connection in waiting:
            connection.close()


def test_a_node_opens_its_keystore_through_the_service(at: Path, tmp_path: Path) -> None:
    """Named by its file, without a passphrase; after a change of the file the service has to be started anew."""
    path = tmp_path / "node.keys"
    public = make(path)
    unlock = parse_unlock(f"service:{at}")
    with running(at, {public.identity: open_with(path, bytearray(PASSPHRASE))}):
        assert open_secrets(path, unlock).signer.key == public.identity
        renew_links(path, PASSPHRASE)
        with pytest.raises(ServiceFault, match="has keys from before the last change of the keystore: restart it"):
            open_secrets(path, unlock)
        rotate(path, PASSPHRASE, NOW_NS)
        with pytest.raises(ServiceFault, match=r"no keystore of identity .* is served: restart the service"):
            open_secrets(path, unlock)
    with running(at, {read_header(path).identity: open_with(path, bytearray(PASSPHRASE))}):
        assert open_secrets(path, unlock).signer.key == read_header(path).identity
