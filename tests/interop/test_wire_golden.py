"""Golden bytes made by a second implementation, against our encoder and decoder, both ways."""

import json
from typing import Any, Final

import msgpack
import numpy as np
import pytest

from openoutcry.marketdata.records import KINDS
from openoutcry.wire import merkle
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.frames import RecordFrame, encode_records
from openoutcry.wire.signed import Signature, Signed, verify
from openoutcry.wire.tags import Tag
from tests.wire.everything import ALL_MESSAGES, ALL_SAMPLES
from tests.wire.golden import PATH, SEED, crc32c_of, golden

GOLDEN: Final[dict[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))
CODEC: Final = Codec(ALL_MESSAGES)


def test_the_second_implementation_still_makes_the_stored_bytes() -> None:
    """msgpack, struct and a bitwise CRC-32C make everything once more; nothing differs from the file."""
    assert json.loads(json.dumps(golden())) == GOLDEN


def test_every_tag_ever_given_has_a_message_and_golden_bytes() -> None:
    """The enum of tags, the tag table and the file name the same messages."""
    stored = {row["content"][0]: row["name"] for row in GOLDEN["messages"]}
    assert stored == {tag: type_.__name__ for tag, type_ in ALL_MESSAGES.types.items()}
    assert {int(tag): tag.name.lower() for tag in Tag} == dict(ALL_MESSAGES.names)


@pytest.mark.parametrize("index", range(len(ALL_SAMPLES)), ids=lambda index: type(ALL_SAMPLES[index][0]).__name__)
def test_messages_have_the_golden_bytes(index: int) -> None:
    """Each sample is encoded to the stored bytes, and those are decoded to the sample."""
    message, content = ALL_SAMPLES[index]
    stored = bytes.fromhex(GOLDEN["messages"][index]["bytes"])
    assert encode(message) == stored
    assert CODEC.decode(stored) == message
    assert msgpack.unpackb(stored) == content


@pytest.mark.parametrize("row", GOLDEN["frames"], ids=lambda row: f"kind {row['kind']}")
def test_record_frames_have_the_golden_bytes(row: dict[str, Any]) -> None:
    """Rows of every record kind are framed to the stored bytes, and those give the rows back."""
    kind = KINDS.kinds[row["kind"]]
    records = np.array([tuple(values) for values in row["rows"]], kind.dtype)
    stored = bytes.fromhex(row["bytes"])
    assert bytes(encode_records(kind, row["stream"], row["sequence"], records)) == stored
    decoded = KINDS.decode(stored)
    assert isinstance(decoded, RecordFrame)
    assert (decoded.kind, decoded.stream, decoded.sequence) == (kind, row["stream"], row["sequence"])
    assert decoded.records.tolist() == [tuple(values) for values in row["rows"]]


def test_every_record_kind_has_golden_bytes() -> None:
    """The table of kinds against the file."""
    assert {row["kind"] for row in GOLDEN["frames"]} == set(KINDS.kinds)


@pytest.mark.parametrize("row", GOLDEN["signed"], ids=lambda row: row["name"])
def test_signed_objects_have_the_golden_signature_and_id(row: dict[str, str]) -> None:
    """Signed by PyNaCl's own class over bytes put together by hand; ours signs the same and verifies it."""
    signature = Signature(bytes.fromhex(row["key"]), bytes.fromhex(row["signature"]))
    signed = Signed(row["name"], bytes.fromhex(row["payload"]), (signature,))
    assert verify(signed, Ed25519Verifier(), [signature.key]) is None
    assert Ed25519Signer(SEED).sign(signed.signed_bytes()) == signature.signature
    assert signed.object_id().hex() == row["id"]


def test_trees_have_the_golden_root() -> None:
    """A tree of three leaves whose hashes were written out one by one."""
    tree = GOLDEN["tree"]
    pairs = zip(tree["salts"], tree["records"], strict=True)
    leaves = [merkle.leaf(bytes.fromhex(salt), bytes.fromhex(record)) for salt, record in pairs]
    assert [leaf.hex() for leaf in leaves] == tree["leaves"]
    assert merkle.root(leaves).hex() == tree["root"]


def test_the_bitwise_checksum_is_crc_32c() -> None:
    """The vectors of RFC 3720, appendix B.4, so that the second implementation is right itself."""
    assert crc32c_of(bytes(32)) == 0x8A9136AA
    assert crc32c_of(b"\xff" * 32) == 0x62A8AB43
    assert crc32c_of(bytes(range(32))) == 0x46DD794E
