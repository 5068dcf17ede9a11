"""The keystore: made, opened, changed; every way in which it cannot be, each with its own line."""

import fcntl
import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nacl.exceptions import RuntimeError as SodiumError

from openoutcry.node.keys import files, keystore
from openoutcry.node.keys.errors import (
    Damaged,
    KeysError,
    Missing,
    NewerFormat,
    NotAKeystore,
    NotChanged,
    Revoked,
    SystemRefuses,
    WrongPassphrase,
    WrongPermissions,
)
from openoutcry.node.keys.keystore import (
    Contents,
    change_passphrase,
    create,
    open_keystore,
    read_header,
    renew_links,
    require_in_use,
    revoke,
    rotate,
    seal,
    statements_of,
)
from openoutcry.node.keys.layout import (
    CHEAPEST,
    DIGEST_BYTES,
    HEADER,
    IDENTITIES_MAX,
    KEYSTORE_BYTES_MAX,
    MEMORY_BYTES_MAX,
    MODERATE,
    PASSES_MAX,
    Public,
    take_apart,
)
from openoutcry.node.keys.secrets import NodeSecrets
from openoutcry.wire.key_statements import KeyRevocation, KeyRotation, RevocationReason
from tests.keystores import NOW_NS, PASSPHRASE, is_one_line, make, names_in


def opened(path: Path, passphrase: bytes = PASSPHRASE) -> NodeSecrets:
    """The secrets in a keystore."""
    contents = open_keystore(path, passphrase)
    secrets = contents.secrets()
    contents.wipe()
    return secrets


def redigested(content: bytes) -> bytes:
    """A keystore whose digest fits again, as somebody makes it who knows the format."""
    body = content[:-DIGEST_BYTES]
    return body + sha256(body).digest()


def test_what_was_made_opens_with_its_passphrase(tmp_path: Path) -> None:
    """Header and secrets agree; two keystores are different; the file is only its owner's; nothing else is left."""
    path = tmp_path / "node.keys"
    public = make(path)
    assert read_header(path) == public
    secrets = opened(path)
    assert (secrets.signer.key, secrets.curve.public, secrets.curve_generation) == (public.identity, public.curve, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["node.keys"]
    assert make(tmp_path / "other.keys").identity != public.identity


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Under a umask that takes nothing away, and one that takes all; also after a change."""
    for mask in (0o000, 0o777):
        path = tmp_path / f"{mask}.keys"
        before = os.umask(mask)
        try:
            make(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            renew_links(path, PASSPHRASE)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        finally:
            os.umask(before)


def test_the_usual_cost_is_moderate_and_stands_in_the_file(tmp_path: Path) -> None:
    """The one keystore here that takes its time: three passes over 256 MiB, kept by a later change."""
    path = tmp_path / "node.keys"
    create(path, PASSPHRASE)
    assert take_apart(path.read_bytes(), "it").cost == MODERATE == (3, 256 << 20)
    renew_links(path, PASSPHRASE)
    assert take_apart(path.read_bytes(), "it").cost == MODERATE


def test_nothing_secret_stands_in_the_file(tmp_path: Path) -> None:
    """Neither seed nor passphrase; the same content is sealed differently each time."""
    path = tmp_path / "node.keys"
    make(path)
    seed, _ = opened(path).reveal()
    content = path.read_bytes()
    assert seed not in content
    assert PASSPHRASE not in content
    change_passphrase(path, PASSPHRASE, PASSPHRASE)
    again = path.read_bytes()
    assert take_apart(again, "it").salt != take_apart(content, "it").salt
    assert take_apart(again, "it").nonce != take_apart(content, "it").nonce
    assert take_apart(again, "it").sealed != take_apart(content, "it").sealed


def test_a_keystore_is_never_overwritten(tmp_path: Path) -> None:
    """By making another one under its name, or where something else or a dead link stands."""
    path = tmp_path / "node.keys"
    make(path)
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for taken in (path, tmp_path / "link", tmp_path / "folder"):
        with pytest.raises(NotChanged, match="is there already: choose another name") as caught:
            make(taken)
        assert is_one_line(caught.value)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["folder", "link", "node.keys"]


def pipe_at(path: Path) -> None:
    """A pipe that nobody writes to: opening it must not wait."""
    os.mkfifo(path, 0o600)


def file_of(content: bytes) -> Callable[[Path], None]:
    """Make a private file of that content."""

    def put(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(0o600)

    return put


WRONG: list[tuple[str, Callable[[Path], Any], type[KeysError], str]] = [
    ("missing", lambda path: None, Missing, "no such file: name the keystore, or make one with outcry keys new "),
    ("empty", file_of(b""), NotAKeystore, "is no keystore"),
    ("text", file_of(b"[node]\nname = 1\n"), NotAKeystore, "is no keystore"),
    ("folder", lambda path: path.mkdir(), NotAKeystore, "is a folder, pipe or device: name a file"),
    ("pipe", pipe_at, NotAKeystore, "is a folder, pipe or device: name a file"),
    ("torn", file_of(b"OUTCRYKS\x01\x00" + bytes(20)), Damaged, "is damaged: it ends after 30 bytes: restore"),
    ("newer", file_of(b"OUTCRYKS\x02\x00" + bytes(900)), NewerFormat, "has keystore format 2, .* install a later"),
    ("long", file_of(b"OUTCRYKS\x01\x00" + bytes(1 << 20)), Damaged, "more than 65536 bytes: restore"),
    ("zeros", file_of(b"OUTCRYKS\x01\x00" + bytes(200)), Damaged, "not those that its header says: restore"),
]


@pytest.mark.parametrize(("what", "put", "error", "text"), WRONG, ids=[row[0] for row in WRONG])
def test_each_wrong_file_has_its_own_line(
    what: str, put: Callable[[Path], Any], error: type[KeysError], text: str, tmp_path: Path
) -> None:
    """The line names the file and what to do, whether the file is opened, shown or changed."""
    path = tmp_path / f"{what}.keys"
    put(path)
    uses: list[Callable[[], object]] = [
        lambda: read_header(path),
        lambda: open_keystore(path, PASSPHRASE),
        lambda: renew_links(path, PASSPHRASE),
    ]
    for use in uses:
        with pytest.raises(error, match=text) as caught:
            use()
        assert str(path) in str(caught.value)
        assert is_one_line(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o700, 0o777, 0o644])
def test_a_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    """Any right more than the owner's to read and write; the line is the command that puts it right, which does."""
    path = tmp_path / "my node.keys"
    make(path)
    path.chmod(mode)
    with pytest.raises(WrongPermissions) as caught:
        open_keystore(path, PASSPHRASE)
    assert str(caught.value).endswith(
        f"its mode is {mode:04o}, which is not only for its owner: run chmod 600 '{path}'"
    )
    assert is_one_line(caught.value)
    with pytest.raises(WrongPermissions):
        read_header(path)
    path.chmod(0o400)
    opened(path).wipe()


def test_a_wrong_passphrase_is_told_apart_from_damage(tmp_path: Path) -> None:
    """Empty, another, one letter less, with the end of a line; a flipped bit is damage whatever the passphrase."""
    path = tmp_path / "node.keys"
    make(path)
    for wrong in (b"", b"wrong", PASSPHRASE[:-1], PASSPHRASE + b"\n"):
        with pytest.raises(WrongPassphrase, match="does not open: wrong passphrase") as caught:
            open_keystore(path, wrong)
        assert is_one_line(caught.value)
        assert PASSPHRASE.decode() not in str(caught.value)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="its digest does not fit: restore it from a backup"):
        open_keystore(path, PASSPHRASE)


def test_whoever_can_mend_the_digest_cannot_mend_the_seal(tmp_path: Path) -> None:
    """Each byte of the header and of the rest changed, the digest made anew: never opens."""
    path = tmp_path / "node.keys"
    make(path)
    content = path.read_bytes()
    for place in range(len(content) - DIGEST_BYTES):
        changed = bytearray(content)
        changed[place] ^= 0x04
        if 12 <= place < 24:  # how much work is asked: tried below, within what is taken
            continue
        path.write_bytes(redigested(bytes(changed)))
        with pytest.raises(KeysError) as caught:
            open_keystore(path, PASSPHRASE)
        assert is_one_line(caught.value)


@pytest.mark.parametrize(
    ("passes", "memory_bytes"),
    [
        (0, CHEAPEST.memory_bytes),
        (PASSES_MAX + 1, CHEAPEST.memory_bytes),
        (2**32 - 1, CHEAPEST.memory_bytes),
        (1, CHEAPEST.memory_bytes - 1),
        (1, 0),
        (1, MEMORY_BYTES_MAX + 1),
        (1, 2**42),
        (1, 2**64 - 1),
    ],
)
def test_a_file_cannot_ask_for_any_work_it_likes(
    passes: int, memory_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Terabytes and hours, and less than argon2id can: refused before argon2id is called at all."""
    path = tmp_path / "node.keys"
    make(path)
    fields = list(HEADER.unpack_from(path.read_bytes()))
    fields[3:5] = [passes, memory_bytes]
    path.write_bytes(redigested(HEADER.pack(*fields) + path.read_bytes()[HEADER.size :]))

    def never(*_: object) -> bytes:
        raise AssertionError("argon2id was called")

    monkeypatch.setattr(keystore, "crypto_pwhash_alg", never)
    with pytest.raises(Damaged, match=f"asks for {passes} passes over {memory_bytes} bytes, at most") as caught:
        open_keystore(path, PASSPHRASE)
    assert is_one_line(caught.value)


def test_other_work_than_was_done_opens_nothing(tmp_path: Path) -> None:
    """One pass more, within what is taken: another key, so the seal does not open."""
    path = tmp_path / "node.keys"
    make(path)
    fields = list(HEADER.unpack_from(path.read_bytes()))
    fields[3] += 1
    path.write_bytes(redigested(HEADER.pack(*fields) + path.read_bytes()[HEADER.size :]))
    with pytest.raises(WrongPassphrase):
        open_keystore(path, PASSPHRASE)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (1, 0, "format 0 with key derivation 1 does not exist"),
        (2, 0, "format 1 with key derivation 0 does not exist"),
        (2, 2, "format 1 with key derivation 2 does not exist"),
        (8, 16, "its sealed part has 16 bytes"),
        (8, 47, "its sealed part has 47 bytes"),
        (8, 49, "its sealed part has 49 bytes"),
        (8, 16 + 32 * (IDENTITIES_MAX + 1), "its sealed part has 2096 bytes"),
    ],
)
def test_numbers_that_no_keystore_has_are_damage(field: int, value: int, says: str, tmp_path: Path) -> None:
    """One number of the header each, with a length and a digest that fit it."""
    path = tmp_path / "node.keys"
    make(path)
    content = path.read_bytes()
    fields = list(HEADER.unpack_from(content))
    end = HEADER.size + fields[7]
    fields[field] = value
    path.write_bytes(redigested(HEADER.pack(*fields) + content[HEADER.size : end] + bytes(fields[8] + DIGEST_BYTES)))
    with pytest.raises(Damaged, match=says) as caught:
        open_keystore(path, PASSPHRASE)
    assert is_one_line(caught.value)


class Lying(Contents):
    """Contents that say of themselves what is not so."""

    said: Public

    @property
    def public(self) -> Public:
        """Not theirs."""
        return self.said


@pytest.mark.parametrize("field", ["identity", "curve", "curve_generation"])
def test_a_public_part_that_does_not_follow_from_the_seeds_is_damage(field: str, tmp_path: Path) -> None:
    """Sealed with the right passphrase around a wrong identity, link key or generation."""
    path = tmp_path / "node.keys"
    make(path)
    contents = open_keystore(path, PASSPHRASE)
    lying = Lying(contents.seeds, 1, (), CHEAPEST)
    lying.said = msgspec.structs.replace(contents.public, **{field: 2 if field == "curve_generation" else b"x" * 32})
    path.write_bytes(seal(lying, PASSPHRASE))
    with pytest.raises(Damaged, match="its keys are not those of its seeds"):
        open_keystore(path, PASSPHRASE)


def test_memory_that_the_machine_does_not_give_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What PyNaCl raises when libsodium gets none."""
    path = tmp_path / "node.keys"
    make(path)

    def fails(*_: object) -> bytes:
        raise SodiumError("Unexpected failure in key derivation")

    monkeypatch.setattr(keystore, "crypto_pwhash_alg", fails)
    with pytest.raises(SystemRefuses, match="MiB of memory, which this machine did not give: free some") as caught:
        open_keystore(path, PASSPHRASE)
    assert is_one_line(caught.value)


def test_rotation_gives_another_identity_and_keeps_the_secrets_of_roles(tmp_path: Path) -> None:
    """Three times: each statement is from the identity before to the one after, and numbered; derived secrets stay."""
    path = tmp_path / "node.keys"
    identities = [make(path).identity]
    derived = opened(path).derive("role|x")
    links = {opened(path).curve.public}
    for number in (1, 2, 3):
        rotation, frame = rotate(path, PASSPHRASE, NOW_NS + number)
        assert rotation == KeyRotation(identities[-1], rotation.new, NOW_NS + number, number)
        identities.append(rotation.new)
        secrets = opened(path)
        assert secrets.signer.key == rotation.new == read_header(path).identity
        assert secrets.derive("role|x") == derived
        links.add(secrets.curve.public)
        assert list(statements_of(read_header(path), "it"))[-1] == (rotation, frame)
    assert len(set(identities)) == len(links) == 4


def test_new_link_keys_leave_the_identity(tmp_path: Path) -> None:
    """Generations 2 and 3: other keys, same identity, nothing stated."""
    path = tmp_path / "node.keys"
    public = make(path)
    seen = {public.curve}
    for generation in (2, 3):
        renewed = renew_links(path, PASSPHRASE)
        assert renewed == read_header(path)
        assert (renewed.identity, renewed.curve_generation, renewed.statements) == (public.identity, generation, ())
        assert opened(path).curve.public == renewed.curve
        seen.add(renewed.curve)
    assert len(seen) == 3


def test_a_revoked_identity_is_not_used_any_more(tmp_path: Path) -> None:
    """Given up from a moment on: used before, not from then; neither rotated nor revoked again."""
    path = tmp_path / "node.keys"
    identity = make(path).identity
    require_in_use(read_header(path), path, NOW_NS)
    revocation, _ = revoke(path, PASSPHRASE, RevocationReason.STOLEN, NOW_NS)
    assert revocation == KeyRevocation(identity, RevocationReason.STOLEN, NOW_NS)
    require_in_use(read_header(path), path, NOW_NS - 1)
    with pytest.raises(Revoked, match=r"is revoked \(stolen\): make another keystore with outcry keys new") as caught:
        require_in_use(read_header(path), path, NOW_NS)
    assert is_one_line(caught.value)
    before = path.read_bytes()
    uses: list[Callable[[], object]] = [
        lambda: rotate(path, PASSPHRASE, NOW_NS),
        lambda: revoke(path, PASSPHRASE, RevocationReason.LOST, NOW_NS),
    ]
    for use in uses:
        with pytest.raises(NotChanged, match="is revoked, which is for good"):
            use()
    assert path.read_bytes() == before


def test_an_earlier_identity_is_revoked_by_its_digits(tmp_path: Path) -> None:
    """After a rotation: the old one goes, the present one stays in use; too few digits or others name nobody."""
    path = tmp_path / "node.keys"
    old = make(path).identity.hex()
    new = rotate(path, PASSPHRASE, NOW_NS)[0].new.hex()
    for digits in (old[:7], "0" * 64, "zz", old + "0", "\n"):
        with pytest.raises(NotChanged, match=r"has no identity .* give 8 digits or more") as caught:
            revoke(path, PASSPHRASE, RevocationReason.RETIRED, NOW_NS, digits)
        assert is_one_line(caught.value)
    revocation, _ = revoke(path, PASSPHRASE, RevocationReason.RETIRED, NOW_NS, old[:8].upper())
    assert revocation.key.hex() == old
    require_in_use(read_header(path), path, NOW_NS)
    assert read_header(path).identity.hex() == new


def test_a_keystore_holds_so_many_identities_and_no_more(tmp_path: Path) -> None:
    """Rotated as often as it can be, every one revoked: still below its largest size; one more is refused."""
    path = tmp_path / "node.keys"
    make(path)
    for number in range(1, IDENTITIES_MAX):
        rotate(path, PASSPHRASE, NOW_NS + number)
    with pytest.raises(NotChanged, match="has had 64 identities, which is the most"):
        rotate(path, PASSPHRASE, NOW_NS)
    rotations = [found for found, _ in statements_of(read_header(path), "it")]
    keys = [found.old for found in rotations if isinstance(found, KeyRotation)] + [read_header(path).identity]
    assert len(set(keys)) == IDENTITIES_MAX
    for key in keys:
        revoke(path, PASSPHRASE, RevocationReason.RETIRED, NOW_NS, key.hex())
    assert len(read_header(path).statements) == 2 * IDENTITIES_MAX - 1
    assert path.stat().st_size < KEYSTORE_BYTES_MAX
    assert opened(path).signer.key == keys[-1]


def test_another_passphrase_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """The content stays; only the new one opens it; a wrong old one changes nothing."""
    path = tmp_path / "node.keys"
    rotated = (make(path), rotate(path, PASSPHRASE, NOW_NS))[1][0].new
    change_passphrase(path, PASSPHRASE, b"another")
    assert opened(path, b"another").signer.key == rotated
    with pytest.raises(WrongPassphrase):
        open_keystore(path, PASSPHRASE)
    before = path.read_bytes()
    with pytest.raises(WrongPassphrase):
        change_passphrase(path, PASSPHRASE, b"third")
    assert path.read_bytes() == before


CALLS = ("open", "fchmod", "write", "fsync", "close", "link", "rename", "unlink")


class PowerCut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PowerCut()], ids=["error", "end"])
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupted_change_leaves_the_old_keystore_or_the_new_one(
    call: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the system fails, or is the last one, at its first, second, third use: what is there opens."""
    for nth in (1, 2, 3):
        path = tmp_path / f"{nth}.keys"
        old = make(path).identity
        real, count = getattr(os, call), [0]

        def breaks(
            *arguments: Any, real: Callable[..., Any] = real, count: list[int] = count, nth: int = nth, **options: Any
        ) -> Any:
            count[0] += 1
            if count[0] >= nth:
                raise error
            return real(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(os, call, breaks)
            try:
                rotate(path, PASSPHRASE, NOW_NS)
                is_done = True
            except (KeysError, OSError, PowerCut) as found:
                is_done = False
                assert isinstance(found, KeysError) or not isinstance(error, OSError) or call == "close"
        header = read_header(path)
        assert opened(path).signer.key == header.identity
        assert len(header.statements) == (0 if header.identity == old else 1)
        assert header.identity != old or not is_done


def test_half_a_write_is_finished_or_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system takes seven bytes at a time; then it takes some and refuses the rest."""
    path = tmp_path / "node.keys"
    make(path)
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, content: real(file, content[:7]))
    renew_links(path, PASSPHRASE)
    assert read_header(path).curve_generation == 2
    taken = [0]

    def full(file: int, content: bytes) -> int:
        taken[0] += 1
        if taken[0] > 5:
            raise OSError(28, "No space left on device")
        return real(file, content[:7])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SystemRefuses, match=r"node\.keys: No space left on device"):
        renew_links(path, PASSPHRASE)
    monkeypatch.undo()
    assert opened(path).curve_generation == 2
    assert names_in(tmp_path) == ["node.keys"]


def test_only_one_process_changes_a_keystore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another holds it, and where another has just replaced it."""
    path = tmp_path / "node.keys"
    make(path)
    with (
        files.locked(path, "advice"),
        pytest.raises(NotChanged, match="is being changed by another process: try again when that is done") as caught,
    ):
        renew_links(path, PASSPHRASE)
    assert is_one_line(caught.value)
    assert renew_links(path, PASSPHRASE).curve_generation == 2
    real = fcntl.flock

    def late(file: int, operation: int) -> None:
        real(file, operation)
        files.replace(path, path.read_bytes())

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", late)
        with pytest.raises(NotChanged, match="is being changed by another process"):
            renew_links(path, PASSPHRASE)
    assert renew_links(path, PASSPHRASE).curve_generation == 3


def test_a_link_to_a_keystore_stays_one(tmp_path: Path) -> None:
    """A change goes to the file that it leads to."""
    (tmp_path / "far").mkdir()
    path, link = tmp_path / "far" / "node.keys", tmp_path / "link"
    make(path)
    link.symlink_to(path)
    renew_links(link, PASSPHRASE)
    assert link.is_symlink()
    assert opened(path).curve_generation == 2


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Missing, and a file in its place; a name that no file can have."""
    with pytest.raises(Missing, match=r"there is no folder .*: make it first") as caught:
        make(tmp_path / "gone" / "node.keys")
    assert is_one_line(caught.value)
    make(tmp_path / "node.keys")
    with pytest.raises(SystemRefuses, match="Not a directory"):
        make(tmp_path / "node.keys" / "x")
    with pytest.raises(SystemRefuses, match="File name too long"):
        make(tmp_path / ("x" * 250))
    with pytest.raises(Missing, match="no such file"):
        read_header(tmp_path / "x\0y")
    with pytest.raises(Missing, match="no such file") as caught:
        read_header(tmp_path / "two\nlines")
    assert is_one_line(caught.value)


def test_an_open_keystore_shows_nothing_and_is_wiped(tmp_path: Path) -> None:
    """Its repr, and the memory of its seeds."""
    path = tmp_path / "node.keys"
    make(path)
    contents = open_keystore(path, PASSPHRASE)
    held = list(contents.seeds)
    assert any(held[0])
    assert held[0].hex()[:8] not in repr(contents)
    contents.wipe()
    assert held == [bytearray(32)]
    assert contents.seeds == []


@pytest.mark.parametrize("is_new", [True, False])
def test_a_keystore_is_on_the_disk_before_it_has_its_name(
    is_new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of the system in order: written, synced, named, and then the folder synced."""
    path = tmp_path / "node.keys"
    if not is_new:
        make(path)
    calls: list[str] = []
    for name in ("write", "fsync", "link", "rename"):
        call = getattr(os, name)

        def noting(*arguments: Any, name: str = name, real: Callable[..., Any] = call) -> Any:
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            calls.append("sync folder" if is_folder else name)
            return real(*arguments)

        monkeypatch.setattr(os, name, noting)
    if is_new:
        make(path)
    else:
        renew_links(path, PASSPHRASE)
    assert calls == ["write", "fsync", "link" if is_new else "rename", "sync folder"]
