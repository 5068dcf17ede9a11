"""Captured traffic shown, the format exported, the pages complete: `outcry tap` and `outcry spec export`."""

import io
import json
import re
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from openoutcry.cli.main import main
from openoutcry.cli.vocabulary import ENGINE_MESSAGES
from openoutcry.domain.records import COMMAND
from openoutcry.marketdata.records import KINDS
from openoutcry.wire import limits
from openoutcry.wire.capture import CAPTURE_MAGIC, read_capture, write_capture
from openoutcry.wire.checksum import ChecksumSigner
from openoutcry.wire.codec import encode
from openoutcry.wire.faults import FaultCode, WireFault
from openoutcry.wire.frames import COMMANDS, RecordKind, encode_records
from openoutcry.wire.limits import CAPTURE_FRAME_BYTES_MAX, CONTROL_BYTES_MAX, TAP_RECORDS_MAX, TAP_VALUES_MAX
from openoutcry.wire.messages import StreamHead
from openoutcry.wire.pages import messages_page
from openoutcry.wire.requests import enclose
from openoutcry.wire.spec import specification
from openoutcry.wire.streams import FollowerState
from openoutcry.wire.tags import Tag
from openoutcry.wire.tap import Tap, text

ROOT = Path(__file__).parents[2]
WIRE_PAGE = (ROOT / "docs" / "reference" / "wire.md").read_text(encoding="utf-8")
TAP = Tap(ENGINE_MESSAGES, KINDS)
SPEC = specification(ENGINE_MESSAGES, KINDS)


def test_a_capture_comes_back_frame_by_frame() -> None:
    """Frames of any length and content, and none at all."""
    for frames in ([], [b""], [b"x", bytes(1_000), b"OORF", b"OOTAP 1\n"]):
        file = io.BytesIO()
        write_capture(frames, file)
        file.seek(0)
        assert list(read_capture(file)) == frames


@pytest.mark.parametrize(
    ("content", "frames", "code"),
    [
        (CAPTURE_MAGIC + b"\x01\x00\x00\x00ab", [b"a"], FaultCode.MALFORMED),
        (CAPTURE_MAGIC + b"\x02\x00\x00\x00a", [], FaultCode.MALFORMED),
        (CAPTURE_MAGIC + b"\x02\x00", [], FaultCode.MALFORMED),
        (CAPTURE_MAGIC + b"\xff\xff\xff\xff" + bytes(100), [], FaultCode.TOO_LONG),
        (bytes(CAPTURE_FRAME_BYTES_MAX + 1), [], FaultCode.TOO_LONG),
        (bytes(CAPTURE_FRAME_BYTES_MAX), [bytes(CAPTURE_FRAME_BYTES_MAX)], None),
        (b"\x93\x09\x01\x02", [b"\x93\x09\x01\x02"], None),
    ],
)
def test_a_file_that_is_cut_or_claims_too_much_ends_with_a_fault(
    content: bytes, frames: list[bytes], code: FaultCode | None
) -> None:
    """Captures cut inside a frame or a length; a claim of four billion; a file that is one frame."""
    found = list(read_capture(io.BytesIO(content)))
    faults = [each.code for each in found if isinstance(each, WireFault)]
    assert found[: len(frames)] == frames
    assert faults == ([code] if code else [])


def test_a_message_is_shown_with_its_names() -> None:
    """A known message; the same with a newer field; an unknown one; what our decoder refuses says why."""
    assert TAP.show(encode(StreamHead(7, 9))) == {
        "kind": "message",
        "bytes": 4,
        "fault": None,
        "tag": 9,
        "name": "stream_head",
        "fields": {"stream": 7, "sequence": 9},
    }
    assert TAP.show(msgpack.packb([9, 7, 9, "new"]))["fields"] == {"stream": 7, "sequence": 9, "3": "new"}
    unknown = TAP.show(msgpack.packb([12_345, {b"key": [1.5, None]}, msgpack.ExtType(3, b"\x01")]))
    assert (unknown["tag"], unknown["name"], unknown["fault"]) == (12_345, None, "unknown tag: tag 12345")
    assert unknown["fields"] == {"1": {"map": [["6b6579", ["1.5", None]]]}, "2": "extension 3: 01"}
    wrong = TAP.show(msgpack.packb([9, 7, "nine"]))
    assert wrong["fault"].startswith("invalid field")
    assert wrong["fields"] == {"stream": 7, "sequence": "nine"}


def test_messages_inside_messages_are_opened() -> None:
    """An envelope of two messages: the signed request, its content and both messages are shown."""
    bodies = [encode(StreamHead(1, number)) for number in (5, 6)]
    envelope = enclose(bodies, ChecksumSigner(b"n" * 32, b"k" * 32), b"r" * 32, 1, 1, b"s" * 32)
    fields = TAP.show(encode(envelope))["fields"]
    assert [body["fields"]["sequence"] for body in fields["bodies"]] == [5, 6]
    name, payload = fields["request"][1:3]
    assert (name, payload["name"], payload["fields"]["receiver"]) == ("request", "request", (b"r" * 32).hex())
    lines = text(TAP.show(encode(envelope)))
    assert "      name: stream_head" in lines


def test_records_are_shown_with_their_fields() -> None:
    """A good frame, its first records only; one whose checksum is wrong, with its header and the start of its body."""
    frame = encode_records(COMMANDS, 3, 4, np.zeros(TAP_RECORDS_MAX + 1, COMMAND))
    shown = TAP.show(frame)
    assert (shown["record"], shown["stream"], shown["sequence"], shown["records"]) == ("command", 3, 4, 9)
    assert (shown["fault"], len(shown["rows"]), set(shown["rows"][0])) == (
        None,
        TAP_RECORDS_MAX,
        set(COMMAND.names or ()),
    )
    frame[-1] ^= 1
    wrong = TAP.show(frame)
    assert (wrong["fault"], wrong["records"], "rows" in wrong) == ("wrong checksum", 9, False)
    assert TAP.show(b"OORF")["fault"].startswith("wrong length")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (b"\xc1", "malformed"),
        (b"", "malformed"),
        (b"\x91" * 60_000, "too nested"),
        (bytes(CONTROL_BYTES_MAX + 1), "too long"),
        (b"\xd7\xff" + b"\xff" * 8, "malformed"),
        (b"\xd4\xff\x00", "malformed"),
    ],
)
def test_what_cannot_be_read_says_so(frame: bytes, said: str) -> None:
    """No item, nesting, too many bytes, timestamps that are none."""
    assert TAP.show(frame)["unreadable"].startswith(said)


def test_what_is_long_is_cut() -> None:
    """Long strings, bytes and arrays, and control characters, in one message."""
    fields = TAP.show(msgpack.packb([9, "x" * 500, b"y" * 500, [0] * 100, "\x1b[31m\n\u00e9"]))["fields"]
    assert fields["stream"].endswith("x... (500 characters)")
    assert fields["sequence"].endswith("79... (500 bytes)")
    assert fields["3"][TAP_VALUES_MAX:] == ["... 68 more"]
    assert fields["4"] == "\\x1b[31m\\x0a\\xe9"
    assert TAP.show(msgpack.packb([9] + [0] * 100))["more_fields"] == 100 - TAP_VALUES_MAX


def test_the_command_shows_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two frames as text and as JSON, one object a line."""
    with (tmp_path / "traffic").open("wb") as out:
        write_capture([encode(StreamHead(7, 9)), b"junk"], out)
    assert main(["tap", str(tmp_path / "traffic")]) == 0
    printed = capsys.readouterr().out
    assert "frame 1\n  kind: message\n  bytes: 4\n  tag: 9\n  name: stream_head\n" in printed
    assert "frame 2\n  kind: message\n  bytes: 4\n  fault: malformed" in printed
    assert main(["tap", "--json", str(tmp_path / "traffic")]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["frame"], row["bytes"], row.get("name")) for row in rows] == [(1, 4, "stream_head"), (2, 4, None)]


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No such file, a folder, a capture cut short, a place that cannot be written."""
    (tmp_path / "cut").write_bytes(CAPTURE_MAGIC + b"\x09\x00\x00\x00")
    for arguments, message in (
        (["tap", str(tmp_path / "none")], f"{tmp_path / 'none'}: No such file or directory"),
        (["tap", str(tmp_path)], f"{tmp_path}: Is a directory"),
        (["tap", str(tmp_path / "cut")], f"{tmp_path / 'cut'}: frame 1: malformed: the file ends inside a frame"),
        (["spec", "export", "--out", str(tmp_path)], f"--out {tmp_path}: Is a directory"),
    ):
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err) == ("", f"outcry: {message}\n")


def test_the_command_exports_the_specification(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To the terminal and to a file, as JSON and as the page."""
    assert main(["spec", "export"]) == 0
    assert json.loads(capsys.readouterr().out) == {**json.loads(json.dumps(SPEC)), "machines": []}
    assert main(["spec", "export", "--page", "--out", str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == messages_page(SPEC)
    assert capsys.readouterr().out == ""


def test_the_specification_has_every_message_record_and_code() -> None:
    """Against the tag table, the record layouts and the enums themselves."""
    assert {message["tag"] for message in SPEC["messages"]} == {int(tag) for tag in Tag}
    for message in SPEC["messages"]:
        type_ = ENGINE_MESSAGES.types[message["tag"]]
        assert [field["name"] for field in message["fields"]] == list(type_.__struct_fields__)
        assert message["about"]
    for record in SPEC["records"]:
        kind: RecordKind = KINDS.kinds[record["kind"]]
        assert sum(int(field["type"][1:]) // 8 for field in record["fields"]) == record["bytes"] == kind.dtype.itemsize
    assert SPEC["codes"]["RejectCode"]["UNKNOWN_OP"] == 1
    assert SPEC["faults"] == {code.name: int(code) for code in FaultCode}
    assert {"Side", "Op", "Phase", "EventKind", "Capability"} <= set(SPEC["enums"])


def _bounded(field: dict[str, Any]) -> bool:
    match field["type"]:
        case "int":
            return field["min"] is not None and field["max"] is not None
        case "str" | "bytes":
            return field["length_max"] is not None
        case "array":
            return field["length_max"] is not None and _bounded(field["items"])
        case "struct":
            return all(_bounded(inner) for inner in field["fields"])
    return field["type"] in {"bool", "enum"}


def test_every_field_of_every_message_is_bounded() -> None:
    """The exported types themselves: a range for each integer, a length for all else, no float, no map."""
    assert [
        (message["name"], field["name"])
        for message in SPEC["messages"]
        for field in message["fields"]
        if not _bounded(field)
    ] == []


def test_the_message_reference_is_what_the_types_say() -> None:
    """docs/reference/messages.md is what `outcry spec export --page` writes, with a heading for each tag."""
    page = (ROOT / "docs" / "reference" / "messages.md").read_text(encoding="utf-8")
    assert page == messages_page(SPEC), "write it anew: outcry spec export --page --out docs/reference/messages.md"
    for tag in Tag:
        assert f"\n## {tag.name}\n\nTag {int(tag)}," in page


def test_the_page_has_every_fault() -> None:
    """A row with number and name for each code, and none besides."""
    section = WIRE_PAGE.partition("## Faults")[2].partition("\n## ")[0]
    rows = {
        name: int(number) for number, name in re.findall(r"^\| (\d+) \| ([A-Z_]+) \| \w.+ \|$", section, re.MULTILINE)
    }
    assert rows == {code.name: int(code) for code in FaultCode}


def test_the_page_has_every_bound() -> None:
    """A row with name and value for each constant of wire/limits.py, and none besides."""
    section = WIRE_PAGE.partition("## Limits")[2].partition("\n## ")[0]
    rows = {
        name: int(number.replace(",", ""))
        for name, number in re.findall(r"^\| ([A-Z_]+) \| ([\d,]+) \| \w.+ \|$", section, re.MULTILINE)
    }
    assert rows == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_the_page_has_every_state_of_a_follower() -> None:
    """The table of moves names each state."""
    section = WIRE_PAGE.partition("## Numbered streams")[2].partition("\n## ")[0]
    assert all(f"| {state.name}" in section for state in FollowerState)
