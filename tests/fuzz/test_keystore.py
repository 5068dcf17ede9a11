"""Torn, flipped and invented keystores and questions: always one clear line, never a crash, never secrets."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.node.keys.errors import Damaged, KeysError, NewerFormat, NotAKeystore
from openoutcry.node.keys.keystore import open_keystore, read_header, rotate
from openoutcry.node.keys.layout import DIGEST_BYTES, HEADER, MAGIC, take_apart
from openoutcry.node.keys.protocol import ask_decoder
from openoutcry.node.keys.statements import read_statement
from openoutcry.wire.faults import WireFault
from tests.keystores import NOW_NS, PASSPHRASE, is_one_line, make


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A keystore that has been rotated once, so that it holds a statement and two seeds."""
    path = tmp_path_factory.mktemp("keystore") / "node.keys"
    make(path)
    rotate(path, PASSPHRASE, NOW_NS)
    yield path


def refusal(content: bytes, path: Path) -> KeysError:
    """Return why a keystore of that content does not open; it must not."""
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeysError) as caught:
        open_keystore(path, PASSPHRASE)
    assert is_one_line(caught.value)
    assert str(path) in str(caught.value)
    with pytest.raises(type(caught.value)):
        read_header(path)
    return caught.value


def test_a_file_torn_at_any_byte_is_told(good: Path, tmp_path: Path) -> None:
    """Cut after each byte: damaged, or, where nothing is left, no keystore."""
    content = good.read_bytes()
    for length in range(len(content)):
        error = refusal(content[:length], tmp_path / "torn.keys")
        assert type(error) is (Damaged if length else NotAKeystore)


def test_a_flipped_bit_anywhere_is_told(good: Path, tmp_path: Path) -> None:
    """Every bit of the bytes, and one of each byte of the file: damaged; in the magic no keystore; in the version, but
    for its lowest bit, a newer one.
    """
    content = good.read_bytes()
    for bit in range(8 * len(content)):
        place = bit // 8
        changed = bytearray(content)
        changed[place] ^= 1 << bit % 8
        expected = NotAKeystore if place < 8 else NewerFormat if place < 10 and bit != 64 else Damaged
        with pytest.raises(expected):
            take_apart(bytes(changed), "it")
        if bit % 8 == place % 8:
            assert type(refusal(bytes(changed), tmp_path / "flipped.keys")) is expected


def test_bytes_too_many_are_told(good: Path, tmp_path: Path) -> None:
    """One more, and the whole file twice."""
    content = good.read_bytes()
    for more in (b"\0", b"x", content):
        assert type(refusal(content + more, tmp_path / "long.keys")) is Damaged


@given(body=st.binary(max_size=300), is_headed=st.booleans(), fields=st.tuples(*[st.integers(0, 2**32 - 1)] * 4))
def test_invented_files_are_refused_by_name(body: bytes, is_headed: bool, fields: tuple[int, int, int, int]) -> None:
    """Any bytes, also behind a good magic and version with any numbers and a digest that fits: never another error."""
    content = body
    if is_headed:
        passes, memory, public, sealed = fields
        head = HEADER.pack(MAGIC, 1, 1, passes % 20, memory, bytes(16), bytes(24), public % 400, sealed % 400)
        content = head + body
        content += sha256(content).digest()
    with pytest.raises(KeysError) as caught:
        take_apart(content, "it")
    assert is_one_line(caught.value)


@given(
    public=st.binary(max_size=200)
    | st.builds(
        msgspec.msgpack.encode,
        st.recursive(
            st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | st.text(max_size=9), st.lists
        ),
    ),
    sealed=st.integers(0, 5).map(lambda seeds: bytes(32 * seeds + 16)) | st.binary(max_size=90),
)
def test_invented_contents_with_all_numbers_right_are_refused_or_well_formed(public: bytes, sealed: bytes) -> None:
    """The public part is anything: it is read as its type says, or the keystore is damaged."""
    body = HEADER.pack(MAGIC, 1, 1, 1, 8_192, bytes(16), bytes(24), len(public), len(sealed)) + public + sealed
    try:
        parts = take_apart(body + sha256(body).digest(), "it")
    except KeysError as error:
        assert type(error) is Damaged
        assert is_one_line(error)
    else:
        assert len(parts.public.identity) == len(parts.public.curve) == 32
        assert len(parts.sealed) % 32 == 16
        assert len(parts.head) + len(parts.sealed) + DIGEST_BYTES == len(body) + DIGEST_BYTES


@given(frame=st.binary(max_size=1_200))
def test_invented_statements_say_nothing(frame: bytes) -> None:
    """Any bytes: a fault, never an exception, never a statement."""
    assert isinstance(read_statement(frame), WireFault)


@given(asked=st.binary(max_size=80))
def test_invented_questions_are_questions_or_nothing(asked: bytes) -> None:
    """What the service decodes: a question within its bounds, or a decoding error."""
    try:
        ask = ask_decoder.decode(asked)
    except msgspec.DecodeError:
        return
    assert len(ask.identity) == 32
    assert 0 <= ask.version <= 65_535
