"""Targets of a node: whole nodes, handshakes, keystores, the key service, statements, configurations, plugin pipes."""

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from openoutcry.host import pipe
from openoutcry.host.errors import PluginError
from openoutcry.host.off import read_off
from openoutcry.node.config.errors import LINE_CHARS_MAX, ConfigError
from openoutcry.node.config.reading import take
from openoutcry.node.config.source import Source
from openoutcry.node.core.errors import RoleFailed
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.keys.client import _secrets
from openoutcry.node.keys.errors import KeysError
from openoutcry.node.keys.layout import DIGEST_BYTES, take_apart
from openoutcry.node.keys.protocol import Ask, Decline, Give, ask_decoder, frame
from openoutcry.node.keys.statements import read_statement, read_statement_file
from openoutcry.node.sessions.handshake import Agreement, Introduction, check_record
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.faults import WireFault
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, RevocationReason
from openoutcry.wire.messages import Refuse
from openoutcry.wire.requests import enclose
from openoutcry.wire.service import ServiceRecord
from openoutcry.wire.signed import bytes_to_sign, sign
from openoutcry.wire.tags import Tag
from openoutcry.wire.versions import Agreed, Offer
from tests.fuzz.targets.shapes import lines, numbers, packed, tree, unpacked
from tests.fuzz.targets.target import Raw, Target
from tests.keystores import is_one_line, make
from tests.small_roles import PINGER, SECOND_NS, TALLY, Add, Node, Ping, identity
from tests.small_roles import Ask as AskTotal

FOLDER: Final = Path(tempfile.mkdtemp(prefix="outcry-fuzz-"))
NOW_NS: Final = 10**18
CLIENT: Final = identity("client")
SIGNERS: Final = tuple(Ed25519Signer(bytes([number]) * 32) for number in (1, 2))
CURVE: Final = b"C" * 32
PEERS_MAX: Final = 3


def run_node(data: bytes) -> None:
    """Give a node groups of frames, [[[peer, frame], ...], ...]: it answers, and after a restart it knows the same."""
    groups = unpacked(data)
    node = Node(kinds=(TALLY, PINGER))
    for group in groups[:8] if isinstance(groups, list) else ():
        arrivals = []
        for one in group[:16] if isinstance(group, list) else ():
            match one:
                case [int(peer), bytes(content), *_]:
                    key = CLIENT.key if peer == 0 else node.key if peer == 1 else bytes([peer % 256]) * 32
                    arrivals.append(Arrival(key, content))
                case _:
                    continue
        node.now_ns += SECOND_NS // 3
        try:
            out = node.core.step(arrivals, node.now_ns)
        except RoleFailed as error:
            assert "seventeen" in str(error)  # what this role is made to fail on
            return
        assert len(out) <= 64 * (len(arrivals) + 1) + 64
    assert node.core.check() == []
    before = _state(node)
    node.disk.crash()
    node.start()
    assert _state(node) == before


def _state(node: Node) -> bytes:
    out = io.BytesIO()
    node.core.write_state(out)
    return out.getvalue()


def groups() -> Iterable[bytes]:
    """Return groups with messages, a query, an envelope, and one of them twice."""
    node = Node(kinds=(TALLY, PINGER))
    bodies = [encode(Add(5)), encode(Add(6))]
    signed = encode(enclose(bodies, CLIENT.signer, node.key, 1, node.now_ns + 10 * SECOND_NS, bytes(32)))
    yield packed([[[0, encode(Add(1))], [2, encode(AskTotal())]], [[0, signed]], [[3, signed]]])
    yield packed([[[1, encode(Ping(3))], [0, b""]], [], [[0, encode(Ping(2))], [0, b"OORF" + bytes(28)]]])


def run_handshake(data: bytes) -> None:
    """Open a link with somebody of whom nothing is known: HELLO, WELCOME, a service record, whatever comes."""
    own = Introduction(SIGNERS[0], CURVE, ("echo",), ("tcp://127.0.0.1:7401",), Offer(SIGNERS[0].key, (1,)))
    answered = own.answer(data)
    assert isinstance(answered, Agreement | Refuse)
    assert isinstance(own.accept(data), Agreed | Refuse | WireFault)
    record = check_record(data, SIGNERS[1].key, CURVE, NOW_NS)
    assert isinstance(record, ServiceRecord | WireFault)
    if isinstance(record, ServiceRecord):
        assert record.node == SIGNERS[1].key and any(held.key == CURVE for held in record.keys)


def greetings() -> Iterable[bytes]:
    """Return both frames of an opener, the answer to them, and a refusal."""
    own = Introduction(SIGNERS[0], CURVE, ("echo",), ("tcp://127.0.0.1:7401",), Offer(SIGNERS[0].key, (1,)))
    theirs = Introduction(SIGNERS[1], CURVE, ("echo",), (), Offer(SIGNERS[1].key, (1, 2)))
    yield from theirs.greeting(NOW_NS)
    answered = own.answer(theirs.greeting(NOW_NS)[0])
    assert isinstance(answered, Agreement)
    yield answered.welcome
    yield encode(Refuse(7, 1, "no", 1, 1))


def signed_anew(value: Any, random: Random) -> Any:
    """Make the signature of a record right again."""
    match value:
        case [int(tag), str(name), bytes(payload), list(), *rest] if tag == Tag.SIGNED and name.isascii():
            signer = SIGNERS[1]
            covered = bytes_to_sign(name, payload)
            return [tag, name, payload, [[signer.key, signer.sign(covered)]], *rest]
        case _:
            return value


def run_keystore(data: bytes) -> None:
    """Take a keystore apart, before anyone is asked for a passphrase."""
    try:
        parts = take_apart(data, "it")
    except KeysError as error:
        assert is_one_line(error)
        return
    assert parts.cost.memory_bytes <= 1 << 30 and parts.cost.passes <= 16
    for statement in parts.public.statements:
        read_statement(statement)


def keystores() -> Iterable[bytes]:
    """Return a cheap keystore."""
    path = FOLDER / "node.keys"
    path.unlink(missing_ok=True)
    make(path)
    yield path.read_bytes()


def digested_anew(content: bytearray, random: Random) -> bytes:
    """Make the digest at the end right again, and the length of the public part now and then."""
    if len(content) > 80 + DIGEST_BYTES and random.randrange(2):
        sealed = int.from_bytes(content[68:72], "little")
        content[64:68] = max(0, len(content) - 72 - sealed - DIGEST_BYTES).to_bytes(4, "little")
    body = bytes(content[:-DIGEST_BYTES])
    return body + hashlib.sha256(body).digest()


def run_key_service(data: bytes) -> None:
    """Take a question as the service does, and an answer as a node does."""
    try:
        assert isinstance(ask_decoder.decode(data), Ask)
    except msgspec.DecodeError as error:
        assert str(error)
    try:
        _secrets(bytearray(data), Path("socket"), SIGNERS[0].key, 1)
    except KeysError as error:
        assert is_one_line(error)
        assert not any(part in str(error) for part in (repr(bytes([1]) * 8)[2:-1], "0101010101"))


def service_talk() -> Iterable[bytes]:
    """Return a question, and each answer."""
    yield bytes(frame(Ask(1, SIGNERS[0].key)))[4:]
    yield bytes(frame(Give(bytes([1]) * 32, bytes([1]) * 32, 1)))
    yield bytes(frame(Decline("not here")))


def change_talk(data: bytes, random: Random, raw: Raw) -> bytes:
    """Change the message and make its length right again, or leave it wrong."""
    inner = tree()(data[4:], random, raw)
    length = random.choice((len(inner), len(inner), len(inner), random.randrange(2**32)))
    return length.to_bytes(4, "little") + inner if random.randrange(4) else inner


def run_statements(data: bytes) -> None:
    """Read a statement about keys, and the file of plugins that are switched off."""
    found = read_statement(data)
    assert isinstance(found, KeyRotation | KeyRevocation | WireFault)
    path = FOLDER / "a.rotation"
    path.write_bytes(data)
    try:
        assert read_statement_file(path) == found
    except KeysError as error:
        assert is_one_line(error)
    try:
        assert all("\n" not in name for name in read_off(path))
    except PluginError as error:
        assert "\n" not in str(error)


def statements() -> Iterable[bytes]:
    """Return a rotation and a revocation."""
    old, new = SIGNERS
    yield encode(sign(KeyRotation(old.key, new.key, NOW_NS, 1), [old, new]))
    yield encode(sign(KeyRevocation(old.key, RevocationReason.LOST, NOW_NS), [old]))
    yield b"collar\tit did not come back\n"


def statement_signed_anew(value: Any, random: Random) -> Any:
    """Make the signatures of a statement right again."""
    match value:
        case [int(tag), str(name), bytes(payload), list() as signatures, *rest] if tag == Tag.SIGNED and name.isascii():
            covered = bytes_to_sign(name, payload)
            return [tag, name, payload, [[one.key, one.sign(covered)] for one in SIGNERS[: len(signatures)]], *rest]
        case _:
            return value


def run_configuration(data: bytes) -> None:
    """Read a configuration: every mistake is one line that begins with file and line."""
    try:
        config = take(Source.parse("node.toml", Path("/nowhere"), data))
    except ConfigError as error:
        text = str(error)
        assert text.startswith("node.toml:") and text.isprintable() and len(text) <= LINE_CHARS_MAX, text
        assert text.split(":")[1].isdigit(), text
        assert 1 <= error.line <= data.count(b"\n") + 1, text
        return
    assert config.roles


CONFIGURATION: Final = b"""# a comment
[node]
name = "echo"
unlock = "file:passphrase"
[links]
listen = "tcp://127.0.0.1:7401"
bytes_per_s = 1_000_000
[[peers]]
name = "twin"
key = "0000000000000000000000000000000000000000000000000000000000000001"
curve_key = '0000000000000000000000000000000000000000000000000000000000000002'
topics = ["totals", '''two''']
topics_address = "tcp://127.0.0.1:7402"
[roles.echo]
limit = { a = 1, b = [1, 2.5, 1979-05-27T07:32:00Z] }
[plugins.echo]
trusted = true
[journal]
segment_bytes = 0x1000000
[log]
level = "info"
"""
WORDS: Final = tuple(
    word.encode()
    for word in (
        *("[node]", "[[peers]]", "[roles.x]", "[", "]", "[[", "]]", "{", "}", "=", '"', "'", '"""', "'''", "#", "\\"),
        *(
            "\\u0000",
            "\\U0010ffff",
            "\\x",
            "1979-05-27",
            "0x",
            "9" * 30,
            "-0.0",
            "nan",
            "inf",
            "1e9",
            "true",
            "\r",
            "\0",
        ),
        *("a.b.c = 1", "name", "name = 1", 'data = "x"', "a." * 20, "[" * 20, "é", "\ufeff", "segment_bytes = 1", ","),
    )
)


def run_pipe(data: bytes) -> None:
    """Read what a plugin's own process has sent, and then what the node would have sent."""
    read_end, write_end = os.pipe()
    try:
        os.set_blocking(read_end, False)
        os.write(write_end, data[:60_000])
    finally:
        os.close(write_end)
    inbox = pipe.Inbox(read_end)
    try:
        while True:
            body = inbox.read_until(time.monotonic_ns() + 10**9, 4_096)
            assert isinstance(pipe.decode_from_child(body), pipe.Ready | pipe.Failed | pipe.Told)
    except pipe.PipeFault as error:
        assert error.kind in ("down", "wrong")
    finally:
        os.close(read_end)
    source = io.BytesIO(data)
    try:
        while (body := pipe.read_exactly(source.read, 4_096) or b"") != b"":
            try:
                pipe.to_child.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                assert str(error)
    except pipe.PipeFault as error:
        assert error.kind == "wrong"


def pipe_talk() -> Iterable[bytes]:
    """Return each message, alone and two in a row."""
    messages = (
        pipe.Begin("collar", "collar:Collar", {"a": [1, None]}),
        pipe.Ready(("check_orders",), ("echo",)),
        pipe.Failed("no", True),
        pipe.Ask(1, bytes(64), bytes(8)),
        pipe.Told(1, bytes(2)),
        pipe.Told(2, None, "raised", "no"),
    )
    for message in messages:
        yield pipe.framed(message)
    yield b"".join(map(pipe.framed, messages[1:3]))


TARGETS: Final = {
    "node": Target(run_node, groups, tree()),
    "handshake": Target(run_handshake, greetings, tree(signed_anew)),
    "keystore": Target(run_keystore, keystores, numbers(digested_anew)),
    "key_service": Target(run_key_service, service_talk, change_talk, 600),
    "statements": Target(run_statements, statements, tree(statement_signed_anew)),
    "configuration": Target(run_configuration, lambda: [CONFIGURATION], lines(WORDS)),
    "plugin_pipe": Target(run_pipe, pipe_talk, change_talk),
}
