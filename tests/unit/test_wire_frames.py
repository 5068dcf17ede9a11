"""Record frames: the layout, each fault, no copies."""

import re
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from openoutcry.domain import EventKind, Op
from openoutcry.domain.records import COMMAND, EVENT
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import (
    COMMANDS,
    EVENTS,
    KINDS,
    RecordFrame,
    RecordKind,
    RecordTable,
    encode_records,
    is_record_frame,
    read_header,
    room,
    seal,
)
from openoutcry.wire.limits import FRAME_BYTES_MAX, FRAME_RECORDS_MAX, INT_MAX
from tests.wire.golden import crc32c_of


def commands(count: int) -> NDArray[np.void]:
    """Return commands that differ."""
    records = np.zeros(count, COMMAND)
    records["op"] = Op.PLACE
    records["client_id"] = np.arange(count)
    return records


def forged(change: dict[int, bytes], count: int = 1) -> bytes:
    """Return a frame with some bytes replaced and a checksum that fits again."""
    frame = encode_records(COMMANDS, 1, 1, commands(count))
    for offset, content in change.items():
        frame[offset : offset + len(content)] = content
    frame[28:32] = struct.pack("<I", crc32c_of(bytes(frame[:28] + frame[32:])))
    return bytes(frame)


@pytest.mark.parametrize("count", [1, 2, 256])
def test_the_layout_is_the_one_written_down(count: int) -> None:
    """Header fields at their offsets, the checksum by a bitwise CRC-32C, the body as numpy holds it."""
    records = commands(count)
    frame = bytes(encode_records(COMMANDS, 5, 77, records))
    assert struct.unpack("<4sHHQQI", frame[:28]) == (b"OORF", 1, 1, 5, 77, count)
    assert struct.unpack("<I", frame[28:32]) == (crc32c_of(frame[:28] + frame[32:]),)
    assert frame[32:] == records.tobytes()


def test_the_records_are_a_read_only_view_of_the_frame() -> None:
    """No memory beyond the array object; writing is refused, also where the frame itself could be written."""
    for frame in (encode_records(COMMANDS, 1, 1, commands(1_000)), bytes(encode_records(COMMANDS, 1, 1, commands(9)))):
        tracemalloc.start()
        decoded = KINDS.decode(frame)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert isinstance(decoded, RecordFrame)
        assert np.shares_memory(decoded.records, np.frombuffer(frame, np.uint8))
        assert peak < 4_000
        with pytest.raises(ValueError, match="read-only"):
            decoded.records["op"] = 0


def test_records_written_in_place_are_sealed_without_a_copy() -> None:
    """A buffer is filled, sealed, and used again for fewer records; the frame is a view of it."""
    buffer, view = room(COMMANDS, 8)
    view[:] = commands(8)
    frame = seal(buffer, COMMANDS, 2, 3, 8)
    assert frame.obj is buffer
    assert bytes(frame) == bytes(encode_records(COMMANDS, 2, 3, commands(8)))
    view["client_id"] += 1
    again = KINDS.decode(seal(buffer, COMMANDS, 2, 11, 3))
    assert isinstance(again, RecordFrame)
    assert (again.sequence, again.records["client_id"].tolist()) == (11, [1, 2, 3])


def test_records_need_not_be_contiguous() -> None:
    """Every second row of an array."""
    decoded = KINDS.decode(encode_records(COMMANDS, 1, 1, commands(9)[::2]))
    assert isinstance(decoded, RecordFrame)
    assert decoded.records["client_id"].tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", FaultCode.WRONG_LENGTH),
        (forged({})[:31], FaultCode.WRONG_LENGTH),
        (forged({})[:32], FaultCode.WRONG_LENGTH),
        (forged({})[:-1], FaultCode.WRONG_LENGTH),
        (forged({}) + b"\x00", FaultCode.WRONG_LENGTH),
        (forged({0: b"OORE"}), FaultCode.WRONG_MAGIC),
        (forged({4: b"\x00\x00"}), FaultCode.UNKNOWN_KIND),
        (forged({4: b"\x03\x00"}), FaultCode.UNKNOWN_KIND),
        (forged({6: b"\x00\x00"}), FaultCode.UNKNOWN_VERSION),
        (forged({6: b"\x02\x00"}), FaultCode.UNKNOWN_VERSION),
        (forged({8: struct.pack("<Q", 2**63 - 1)}), None),
        (forged({8: struct.pack("<Q", 2**63)}), FaultCode.OUT_OF_RANGE),
        (forged({16: struct.pack("<Q", 0)}), FaultCode.OUT_OF_RANGE),
        (forged({16: struct.pack("<Q", INT_MAX - 1)}), None),
        (forged({16: struct.pack("<Q", INT_MAX)}), FaultCode.OUT_OF_RANGE),
        (forged({24: struct.pack("<I", 0)}), FaultCode.OUT_OF_RANGE),
        (forged({24: struct.pack("<I", 2)}), FaultCode.WRONG_LENGTH),
        (forged({24: struct.pack("<I", FRAME_RECORDS_MAX + 1)}), FaultCode.OUT_OF_RANGE),
        (forged({24: struct.pack("<I", 2**32 - 1)}), FaultCode.OUT_OF_RANGE),
        (forged({}), None),
        (b"OORF" + bytes(FRAME_BYTES_MAX - 3), FaultCode.TOO_LONG),
        (b"OORF" + bytes(1 << 20), FaultCode.UNKNOWN_VERSION),
    ],
)
def test_each_kind_of_wrong_frame_has_its_fault(frame: bytes, code: FaultCode | None) -> None:
    """Frames wrong in one thing each, with a checksum that fits, and right ones on the line between."""
    tracemalloc.start()
    decoded = KINDS.decode(frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (decoded.code if isinstance(decoded, WireFault) else None) is code
    assert peak < 4_000


@pytest.mark.parametrize(("kind", "good"), [(0, False), (1, True), (max(EventKind), True), (max(EventKind) + 1, False)])
def test_an_event_of_no_kind_is_a_fault(kind: int, good: bool) -> None:
    """One row among good ones, at and beyond both ends of the kinds."""
    records = np.zeros(3, EVENT)
    records["kind"] = [1, kind, 2]
    decoded = KINDS.decode(encode_records(EVENTS, 1, 1, records))
    assert isinstance(decoded, RecordFrame) is good
    assert good or (isinstance(decoded, WireFault) and decoded.code is FaultCode.OUT_OF_RANGE)


def test_a_command_may_say_anything() -> None:
    """Random bytes as commands pass: refusing them with a reason is the book's work."""
    records = np.frombuffer(np.random.default_rng(1).bytes(64 * 50), COMMAND)
    decoded = KINDS.decode(encode_records(COMMANDS, 1, 1, records))
    assert isinstance(decoded, RecordFrame)
    assert decoded.records.tobytes() == records.tobytes()


def test_the_largest_frame_is_taken() -> None:
    """As many records as may be; one more is asserted by the sender already."""
    decoded = KINDS.decode(encode_records(COMMANDS, 1, 1, commands(FRAME_RECORDS_MAX)))
    assert isinstance(decoded, RecordFrame)
    assert len(decoded.records) == FRAME_RECORDS_MAX
    with pytest.raises(AssertionError):
        encode_records(COMMANDS, 1, 1, commands(FRAME_RECORDS_MAX + 1))


def test_a_node_takes_less_where_it_said_so() -> None:
    """The bound of a HELLO at and below the length of a frame."""
    frame = encode_records(COMMANDS, 1, 1, commands(2))
    assert isinstance(KINDS.decode(frame, len(frame)), RecordFrame)
    assert isinstance(KINDS.decode(frame, len(frame) - 1), WireFault)


def test_frames_and_messages_are_told_apart_by_the_first_byte() -> None:
    """A frame, a message, nothing; the header is read without belief."""
    assert [is_record_frame(data) for data in (forged({}), b"\x93\x09\x01\x02", b"")] == [True, False, False]
    header = read_header(forged({4: b"\x63\x00"}))
    assert header is not None
    assert (header.kind, header.records) == (99, 1)
    assert read_header(b"OORF") is None


TICK = np.dtype([("price_ticks", "<i8")])


def test_extensions_bring_kinds_of_their_own() -> None:
    """A kind from 10,000 on is decoded by the extended table and unknown to the other."""
    kind = RecordKind(10_000, "tick", TICK, (("price_ticks", 1, 9),))
    frame = encode_records(kind, 1, 1, np.array([(1,), (9,)], TICK))
    assert isinstance(KINDS.extended([kind]).decode(frame), RecordFrame)
    assert isinstance(KINDS.decode(frame), WireFault)
    low, high = (KINDS.extended([kind]).decode(encode_records(kind, 1, 1, np.array([(x,)], TICK))) for x in (0, 10))
    assert isinstance(low, WireFault) and isinstance(high, WireFault)


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        ([COMMANDS, COMMANDS], "record kind 1 (command) is there already"),
        ([RecordKind(10_000, "a", TICK), RecordKind(10_001, "a", TICK)], "record kind 10001 (a) is there already"),
        ([RecordKind(3, "tick", TICK)], "record kind 3 is not given to tick"),
        ([RecordKind(1, "tick", TICK)], "record kind 1 is not given to tick"),
        ([RecordKind(0, "tick", TICK)], "record kind 0, expected 1 to 65535"),
        ([RecordKind(10_000, "tick", np.dtype([("name", "O")]))], "holds objects"),
        ([RecordKind(10_000, "tick", TICK, (("size", 0, 1),))], "record kind tick has no field size"),
    ],
)
def test_kinds_that_clash_or_cannot_travel_do_not_enter_the_table(kinds: list[RecordKind], why: str) -> None:
    """Kinds that break one rule each."""
    with pytest.raises(ValueError, match=re.escape(why)):
        RecordTable(kinds)


def test_the_views_share_the_buffer() -> None:
    """What `room` gives is one piece of memory."""
    buffer, view = room(EVENTS, 3)
    shared: Any = np.frombuffer(buffer, np.uint8)
    assert np.shares_memory(view, shared)
