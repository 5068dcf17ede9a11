"""What a plugin's own process, or someone's hand, puts before the host is a fault or the thing itself, nothing else."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openoutcry.domain import RejectCode
from openoutcry.host.account import WORDS_CHARS_MAX, one_line
from openoutcry.host.codes import fault_of
from openoutcry.host.errors import PluginError
from openoutcry.host.off import OFF_FILE, read_off
from openoutcry.host.pipe import (
    LENGTH,
    OVERHEAD_BYTES,
    Failed,
    Inbox,
    PipeFault,
    Ready,
    Told,
    decode_from_child,
    framed,
)
from openoutcry.host.source import in_folder

labels = st.lists(st.from_regex(r"\A[a-z][a-z0-9_]{0,31}\Z"), max_size=3).map(tuple)
messages = st.one_of(
    st.builds(Ready, labels, labels, labels, labels),
    st.builds(Failed, st.text(max_size=50), st.booleans()),
    st.builds(Told, st.integers(0, 2**63 - 1), st.none() | st.binary(max_size=50), st.text(max_size=9), st.text()),
)


def decoded(body: bytes) -> Ready | Failed | Told | None:
    """Return the message, None for a fault."""
    try:
        return decode_from_child(body)
    except PipeFault as fault:
        assert fault.kind == "wrong"
        return None


@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_fault(body: bytes) -> None:
    """Random bytes; what is a message encodes to one that is the same."""
    message = decoded(body)
    assert message is None or decoded(msgspec.msgpack.encode(message)) == message


@given(message=messages, place=st.integers(0, 300), byte=st.integers(0, 255), cut=st.integers(0, 5))
def test_a_message_with_one_wrong_byte_is_a_message_or_a_fault(
    message: Ready | Failed | Told, place: int, byte: int, cut: int
) -> None:
    """Every kind of message, one byte changed and some cut off; unchanged it comes back as it was."""
    body = bytearray(msgspec.msgpack.encode(message))
    assert decoded(bytes(body)) == message
    body[place % len(body)] = byte
    decoded(bytes(body[: len(body) - cut]))


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x91" * 65_536,
        b"\x95\x05\x01\xc0\xa0\xa0" + b"\x91" * 65_000,
        b"\x96\x05\x01\xc0\xa0\xa0" + b"\x91" * 65_000,
        b"\xdd\xff\xff\xff\xff",
        b"\x95\x05\x01\xc6\xff\xff\xff\xff\xa0\xa0",
        b"\x93\x03\xdb\xff\xff\xff\xff\xc2",
        b"\x92\x02\xdd\x00\x00\xff\xff" + b"\xa1x" * 0xFFFF,
    ],
    ids=["nested", "after", "unknown", "array", "bytes", "text", "many"],
)
def test_a_bomb_is_a_fault(bomb: bytes) -> None:
    """Nested arrays, also in a field that does not exist; lengths of four gigabytes; as many names as fit."""
    message = decoded(bomb)
    assert message is None


@given(
    sent=st.lists(st.one_of(st.binary(max_size=40), messages.map(framed)), max_size=4).map(b"".join),
    parts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_frames_are_cut_out_of_any_stream(sent: bytes, parts: list[int]) -> None:
    """Junk between frames, in parts of any length: bodies never exceed the bound, and nothing is waited for twice."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    inbox = Inbox(reading)
    taken = 0
    try:
        for number, begin in enumerate(range(0, len(sent), parts[0])):
            os.write(writing, sent[begin : begin + parts[0]])
            try:
                taken += LENGTH.size + len(inbox.read_until(time.monotonic_ns(), OVERHEAD_BYTES))
            except PipeFault as fault:
                assert fault.kind in {"late", "wrong"}, number
                if fault.kind == "wrong":
                    return
        assert taken <= len(sent)
    finally:
        os.close(reading)
        os.close(writing)


@given(codes=st.lists(st.integers(-(2**15), 2**15 - 1), max_size=40))
def test_codes_are_known_or_named(codes: list[int]) -> None:
    """Any int16 against the enumeration, one by one."""
    known = {0, *map(int, RejectCode)}
    fault = fault_of(np.array(codes, dtype=np.int16), len(codes))
    strange = [code for code in codes if code not in known]
    assert fault == (f"answered code {strange[0]}, which is no RejectCode" if strange else None)


@given(text=st.text(max_size=3_000))
def test_a_strangers_text_becomes_one_line(text: str) -> None:
    """Any text, control characters and surrogates left out."""
    line = one_line(text)
    assert len(line) <= WORDS_CHARS_MAX
    assert line.isprintable()


@given(content=st.binary(max_size=300))
def test_any_file_is_a_list_or_a_fault(content: bytes) -> None:
    """Random bytes as the list of plugins that are off, and as a pyproject.toml."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / OFF_FILE).write_bytes(content)
        (folder / "pyproject.toml").write_bytes(content)
        for read in (lambda: read_off(folder / OFF_FILE), lambda: in_folder(folder)):
            try:
                read()
            except PluginError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "project = 5",
        "[project]\nentry-points = 5",
        "[project.entry-points]\nopenoutcry = 5",
        "[project]\ndependencies = 5\n[project.entry-points.openoutcry]\na = 'b:c'",
        "[project]\ndependencies = [5]\n[project.entry-points.openoutcry]\na = 'b:c'",
        "[project]\ndependencies = ['openoutcry ~~ 1']\n[project.entry-points.openoutcry]\na = 'b:c'",
        "[project.entry-points.openoutcry]\na = 5",
    ],
)
def test_a_pyproject_of_another_shape_is_a_fault(tmp_path: Path, text: str) -> None:
    """Numbers where tables, arrays or texts belong."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(PluginError, match=r"pyproject\.toml"):
        in_folder(tmp_path)
