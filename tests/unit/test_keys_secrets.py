"""What follows from a node's seed, against published vectors; and that nothing of it is ever shown."""

import copy
import pickle

import pytest
from nacl.bindings import crypto_scalarmult_base

from openoutcry.node.keys.hkdf import OUTPUT_BYTES_MAX, expand, extract, hkdf
from openoutcry.node.keys.protocol import Give
from openoutcry.node.keys.secrets import PATH_BYTES_MAX, CurveKeys, NodeSecrets, curve_public, wipe
from openoutcry.wire.ed25519 import Ed25519Verifier

SEED = bytes(range(32))
OTHER = bytes(range(1, 33))


def numbers(first: int, last: int) -> bytes:
    """The bytes of consecutive values, both ends included."""
    return bytes(range(first, last + 1))


@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "key", "made"),
    [
        (
            b"\x0b" * 22,
            numbers(0x00, 0x0C),
            numbers(0xF0, 0xF9),
            42,
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            numbers(0x00, 0x4F),
            numbers(0x60, 0xAF),
            numbers(0xB0, 0xFF),
            82,
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            b"\x0b" * 22,
            b"",
            b"",
            42,
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
    ids=["A.1", "A.2", "A.3"],
)
def test_hkdf_gives_what_rfc_5869_says(
    secret: bytes, salt: bytes, info: bytes, length: int, key: str, made: str
) -> None:
    """The vectors for SHA-256 of its appendix A: both steps, and the whole."""
    assert extract(secret, salt).hex() == key
    assert expand(bytes.fromhex(key), info, length).hex() == made
    assert hkdf(secret, salt, info, length).hex() == made


def test_hkdf_gives_every_length_up_to_its_last() -> None:
    """Shorter ones are the beginning of longer ones; 255 blocks is the end."""
    longest = hkdf(SEED, b"salt", b"info", OUTPUT_BYTES_MAX)
    assert len(longest) == OUTPUT_BYTES_MAX == 8_160
    for length in (1, 31, 32, 33, 64, 65, OUTPUT_BYTES_MAX - 1):
        assert hkdf(SEED, b"salt", b"info", length) == longest[:length]


PAIRS = [
    # RFC 7748, section 6.1: Bob's.
    (
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ),
    # libzmq's manual, zmq_curve(7): client and server, out of Z85.
    (
        "7bb864b489afa3671fbe69101f94b38972f24816dfb01b51656b3fec8dfd0888",
        "bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518",
    ),
    (
        "8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7",
        "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652",
    ),
]


@pytest.mark.parametrize(("secret", "public"), PAIRS)
def test_the_function_that_makes_public_link_keys_is_that_of_libzmq(secret: str, public: str) -> None:
    """Published pairs. zmq_curve_public multiplies the base point too, but zmq may be imported only where sockets are;
    so libsodium's own function, which the node uses, is held against pairs that libzmq's manual prints.
    """
    assert crypto_scalarmult_base(bytes.fromhex(secret)).hex() == public


def test_link_keys_follow_from_seed_and_generation() -> None:
    """A pair that fits; the same again; another for each generation and seed; pinned, so that no release changes it."""
    keys = [NodeSecrets(seed, generation).curve for seed in (SEED, OTHER) for generation in (1, 2, 11, 2**63 - 1)]
    assert [len(part) for key in keys for part in key] == [32] * 16
    assert len({key.secret for key in keys}) == len({key.public for key in keys}) == 8
    assert all(crypto_scalarmult_base(key.secret) == key.public for key in keys)
    assert NodeSecrets(SEED, 2).curve == keys[1]
    assert curve_public(SEED, 2) == keys[1].public
    assert keys[0].public.hex() == "75c63297b139ecc363ca8515564ae2a53a0021c24add00d1539ed1fa33e46f77"


def test_the_identity_is_the_seed_s_own_key() -> None:
    """Signed with it, verified with the key; another generation of link keys changes nothing about it."""
    secrets = NodeSecrets(SEED)
    assert Ed25519Verifier().verify(secrets.signer.key, secrets.signer.sign(b"data"), b"data")
    assert NodeSecrets(SEED, 2).signer.key == secrets.signer.key
    assert NodeSecrets(OTHER).signer.key != secrets.signer.key


def test_secrets_of_roles_follow_from_the_first_seed() -> None:
    """One for each path; the same after a rotation, which keeps the root, and with other link keys; pinned."""
    first = NodeSecrets(SEED)
    made = {path: first.derive(path) for path in ("a", "b", "ab", "a|b", "é", "x" * PATH_BYTES_MAX)}
    assert len(set(made.values())) == len(made)
    assert {len(secret) for secret in made.values()} == {32}
    rotated = NodeSecrets(OTHER, 2, root=SEED)
    assert {path: rotated.derive(path) for path in made} == made
    assert NodeSecrets(OTHER).derive("a") != made["a"]
    assert made["a"].hex() == "71afa884857ab75968b410661ddd80016dcbe39ac9deea02f5c166391a251491"
    for path in ("", "x" * (PATH_BYTES_MAX + 1)):
        with pytest.raises(ValueError, match="1 to 1024 bytes"):
            first.derive(path)


def test_no_derivation_gives_what_another_one_gives() -> None:
    """A path that is spelled like a link key does not lead to it."""
    secrets = NodeSecrets(SEED)
    assert secrets.derive("curve|1") != secrets.curve.secret
    assert secrets.curve.secret not in (SEED, secrets.derive("1"))


@pytest.mark.parametrize(
    ("seed", "generation", "root"),
    [(b"", 1, None), (bytes(31), 1, None), (bytes(33), 1, None), (SEED, 0, None), (SEED, 2**63, None), (SEED, 1, b"x")],
)
def test_nothing_is_made_of_a_seed_or_generation_that_is_none(seed: bytes, generation: int, root: bytes | None) -> None:
    """Lengths other than 32, generations outside int64; the text holds no seed."""
    with pytest.raises(ValueError, match=r"^a (seed|generation) "):
        NodeSecrets(seed, generation, root)


def test_nothing_of_a_secret_is_shown() -> None:
    """repr, str and format of all that holds one, against its bytes and digits; neither pickled nor copied."""
    secrets = NodeSecrets(SEED, 1, OTHER)
    give = Give(SEED, OTHER, 1)
    texts = [
        form(thing) for thing in (secrets, secrets.curve, give, secrets.signer) for form in (repr, str, "{}".format)
    ]
    hidden = [SEED, OTHER, secrets.curve.secret]
    for text in texts:
        assert not any(secret.hex()[:8] in text or repr(secret)[2:10] in text for secret in hidden)
    assert secrets.signer.key.hex()[:16] in repr(secrets)
    assert secrets.curve.public.hex() in repr(secrets.curve)
    for make in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not copied into a pickle"):
            make(secrets)


def test_wiped_secrets_are_gone() -> None:
    """The bytes are zeros, and nothing but signing works any more; the caller's own seed is left alone."""
    seed = bytearray(SEED)
    secrets = NodeSecrets(seed)
    held = [secrets._seed, secrets._root]
    before = [bytes(secret) for secret in held]
    secrets.wipe()
    assert before == [SEED, SEED]
    assert held == [bytearray(), bytearray()]
    assert seed == SEED
    for use in (lambda: secrets.curve, lambda: secrets.derive("a"), secrets.reveal):
        with pytest.raises(ValueError, match="wiped"):
            use()
    assert len(secrets.signer.sign(b"data")) == 64


def test_wiping_overwrites_in_place() -> None:
    """Seen through a view of the same memory."""
    secret = bytearray(SEED)
    with memoryview(secret) as view:
        wipe(secret)
        assert bytes(view) == bytes(32)


def test_curve_keys_are_a_plain_pair() -> None:
    """Taken apart as the links do."""
    public, secret = CurveKeys(b"p" * 32, b"s" * 32)
    assert (public, secret) == (b"p" * 32, b"s" * 32)
