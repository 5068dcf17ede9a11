"""What a node believes of others' keys: statements from files, chains of rotations, what is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from openoutcry.node.keys.errors import BadStatement, Missing, SystemRefuses
from openoutcry.node.keys.keystore import revoke, rotate
from openoutcry.node.keys.revocations import CHAIN_MAX, Revocations, load_revocations
from openoutcry.node.keys.statements import read_statement_file, statement_path, write_statement
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, RevocationReason
from openoutcry.wire.messages import StreamHead
from openoutcry.wire.signed import sign
from openoutcry.wire.tags import Message
from tests.keystores import NOW_NS, PASSPHRASE, is_one_line, make

SIGNERS = [Ed25519Signer(index.to_bytes(32, "big")) for index in range(CHAIN_MAX + 3)]
KEYS = [signer.key for signer in SIGNERS]


def put(folder: Path, name: str, message: Message, signers: Sequence[Ed25519Signer]) -> Path:
    """Write a signed statement."""
    path = folder / name
    path.write_bytes(encode(sign(message, signers)))
    return path


def rotation(folder: Path, old: int, new: int, sequence: int, from_ns: int = NOW_NS) -> Path:
    """Write a rotation between two of the keys."""
    message = KeyRotation(KEYS[old], KEYS[new], from_ns, sequence)
    return put(folder, f"{old}-{new}-{sequence}-{from_ns}.rotation", message, [SIGNERS[old], SIGNERS[new]])


def revocation(folder: Path, key: int, from_ns: int) -> Path:
    """Write a revocation of one of the keys."""
    message = KeyRevocation(KEYS[key], RevocationReason.STOLEN, from_ns)
    return put(folder, f"{key}-{from_ns}.revocation", message, [SIGNERS[key]])


def test_nothing_is_known_without_statements(tmp_path: Path) -> None:
    """No files, and an empty folder."""
    for known in (Revocations(), load_revocations([]), load_revocations([tmp_path])):
        assert not known.is_revoked(KEYS[0], NOW_NS)
        assert known.successor(KEYS[0]) is None


def test_a_key_is_revoked_from_its_moment_on(tmp_path: Path) -> None:
    """Told twice, the earlier one counts; nobody else is."""
    told = [revocation(tmp_path, 0, NOW_NS + 5), revocation(tmp_path, 0, NOW_NS)]
    for known in (load_revocations(told), load_revocations(told[::-1])):
        assert not known.is_revoked(KEYS[0], NOW_NS - 1)
        assert known.is_revoked(KEYS[0], NOW_NS)
        assert not known.is_revoked(KEYS[1], NOW_NS)
    assert load_revocations([revocation(tmp_path, 0, NOW_NS + 5)]).is_revoked(KEYS[0], NOW_NS) is False


def test_a_chain_leads_to_its_last_key(tmp_path: Path) -> None:
    """From each of its keys, in whatever order the files are read; the last one has no successor; time counts."""
    paths = [rotation(tmp_path, 0, 1, 1, NOW_NS), rotation(tmp_path, 1, 2, 2, NOW_NS + 5), rotation(tmp_path, 2, 3, 7)]
    for order in (paths, paths[::-1], [tmp_path], [*paths, *paths]):
        known = load_revocations(order)
        assert [known.successor(key) for key in KEYS[:5]] == [KEYS[3], KEYS[3], KEYS[3], None, None]
    assert known.successor(KEYS[0], NOW_NS - 1) is None
    assert known.successor(KEYS[0], NOW_NS) == KEYS[1]
    assert known.successor(KEYS[0], NOW_NS + 5) == KEYS[3]
    assert not known.is_revoked(KEYS[0], NOW_NS)


def test_a_rotation_of_a_revoked_key_does_not_count(tmp_path: Path) -> None:
    """Made from the moment of the revocation on: by whoever stole it. Made before: by its owner."""
    made = rotation(tmp_path, 0, 1, 1, NOW_NS)
    assert load_revocations([made, revocation(tmp_path, 0, NOW_NS)]).successor(KEYS[0]) is None
    assert load_revocations([made, revocation(tmp_path, 0, NOW_NS + 1)]).successor(KEYS[0]) == KEYS[1]


def test_two_successors_are_refused(tmp_path: Path) -> None:
    """Whichever sequence they claim: one of them is a thief's."""
    for sequence in (1, 2):
        with pytest.raises(BadStatement, match=r"both rotate key .*: ask its owner which of them holds") as caught:
            load_revocations([rotation(tmp_path, 0, 1, 1), rotation(tmp_path, 0, 2, sequence)])
        assert is_one_line(caught.value)


@pytest.mark.parametrize("steps", [[(0, 1, 1), (1, 0, 2)], [(0, 1, 1), (1, 2, 2), (2, 0, 3)], [(0, 1, 5), (1, 0, 5)]])
def test_a_chain_that_comes_back_is_refused(steps: list[tuple[int, int, int]], tmp_path: Path) -> None:
    """Of two and of three keys, whatever the sequences."""
    with pytest.raises(BadStatement, match="its sequence is not larger: drop the one") as caught:
        load_revocations([rotation(tmp_path, *step) for step in steps])
    assert is_one_line(caught.value)


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    """As long as a keystore makes it: followed to the end; one more: refused."""
    paths = [rotation(tmp_path, index, index + 1, index + 1) for index in range(CHAIN_MAX + 1)]
    assert load_revocations(paths[:-1]).successor(KEYS[0]) == KEYS[CHAIN_MAX]
    with pytest.raises(BadStatement, match="begins a chain of more than 63 rotations") as caught:
        load_revocations(paths)
    assert is_one_line(caught.value)


def test_a_file_that_says_nothing_is_refused(tmp_path: Path) -> None:
    """Empty, junk, long, another message, signed or not, signed by one of two, a flipped bit anywhere: named."""
    good = rotation(tmp_path, 0, 1, 1).read_bytes()
    wrong = {
        "empty": b"",
        "junk": b"junk",
        "long": good + bytes(2_000),
        "more": good + b"\0",
        "unsigned": encode(StreamHead(1, 1)),
        "other": encode(sign(StreamHead(1, 1), [SIGNERS[0]])),
        "half": encode(sign(KeyRotation(KEYS[0], KEYS[1], 1, 1), [SIGNERS[0]])),
        "forged": encode(sign(KeyRevocation(KEYS[0], RevocationReason.LOST, 1), [SIGNERS[1]])),
    }
    wrong |= {
        f"bit {bit}": good[: bit // 8] + bytes([good[bit // 8] ^ 1 << bit % 8]) + good[bit // 8 + 1 :]
        for bit in range(0, 8 * len(good), 5)
    }
    path = tmp_path / "x"
    for content in wrong.values():
        path.write_bytes(content)
        with pytest.raises(BadStatement, match=f"{path} is no statement about a key .*: get it anew") as caught:
            load_revocations([path])
        assert is_one_line(caught.value)
    with pytest.raises(Missing, match="no such file: name the file of a statement, or drop it"):
        load_revocations([tmp_path / "gone"])


def test_a_folder_gives_only_its_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other files in it are left alone; too many statements are refused."""
    rotation(tmp_path, 0, 1, 1)
    revocation(tmp_path, 3, NOW_NS)
    (tmp_path / "README").write_text("not one")
    known = load_revocations([tmp_path])
    assert known.successor(KEYS[0]) == KEYS[1]
    assert known.is_revoked(KEYS[3], NOW_NS)
    monkeypatch.setattr("openoutcry.node.keys.revocations.STATEMENT_FILES_MAX", 1)
    with pytest.raises(SystemRefuses, match="more than 1 statements"):
        load_revocations([tmp_path])


def test_what_a_keystore_states_is_believed(tmp_path: Path) -> None:
    """Two rotations and a revocation, written beside it by name, read back, put together."""
    path = tmp_path / "node.keys"
    first = make(path).identity
    written = []
    for made in (
        rotate(path, PASSPHRASE, NOW_NS),
        rotate(path, PASSPHRASE, NOW_NS + 1),
        revoke(path, PASSPHRASE, RevocationReason.RETIRED, NOW_NS + 9, first.hex()),
    ):
        written.append(write_statement(path, *made))
        assert read_statement_file(written[-1]) == made[0]
        assert statement_path(path, made[0]) == written[-1]
        last = made[0]
    assert [file.name for file in written] == [
        "node.keys.1.rotation",
        "node.keys.2.rotation",
        f"node.keys.{first.hex()[:16]}.revocation",
    ]
    assert {file.stat().st_mode & 0o777 for file in written} == {0o644}
    known = load_revocations([tmp_path])
    assert known.is_revoked(first, NOW_NS + 9)
    assert isinstance(last, KeyRevocation)
    second = read_statement_file(written[1])
    assert isinstance(second, KeyRotation)
    assert known.successor(first) == second.new
