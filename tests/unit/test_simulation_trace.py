"""What a trace says and what its digest covers."""

import numpy as np

from openoutcry.node.core.traffic import Arrival
from openoutcry.role import Topic
from openoutcry.simulation.identities import identity
from openoutcry.simulation.trace import NETWORK, Trace, seconds
from openoutcry.simulation.words import words_of
from openoutcry.wire.codec import Codec, encode
from openoutcry.wire.ed25519 import Ed25519Signer
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.requests import enclose
from openoutcry.wire.table import MESSAGES
from tests.simulation.payments import Pay, Receipt

CODEC = Codec(MESSAGES.extended([Pay, Receipt]))
LEFT, RIGHT = (identity(1, name, False) for name in ("left", "right"))
NAMES = {LEFT.key: "left", RIGHT.key: "right"}


def trace(tell: list[str] | None = None, kept: int = 60) -> Trace:
    """Return a trace of two nodes."""
    return Trace(("left", "right"), (LEFT.key, RIGHT.key), CODEC, 10**9, None if tell is None else tell.append, kept)


def test_events_are_told_in_words() -> None:
    """A group with what came and what left, to a node and about a topic; a timer; something of the network."""
    told: list[str] = []
    events = trace(told)
    pay = encode(Pay(7))
    events.group(
        1_001_000_000, 0, [Arrival(RIGHT.key, pay)], [(RIGHT.key, pay), (Topic("coins"), pay), (bytes(32), pay)]
    )
    events.group(1_002_000_000, 1, [], [])
    events.happens(3_500_000_000, NETWORK, "faults end")
    assert told == [
        "   0.001 s left <- right: Pay(number=7)",
        "   0.001 s left -> right: Pay(number=7)",
        "   0.001 s left -> topic coins: Pay(number=7)",
        "   0.001 s left -> 0000000000000000: Pay(number=7)",
        "   0.002 s right: a timer was due",
        "   2.500 s network: faults end",
    ]
    assert events.lines() == tuple(told)


def test_only_the_last_events_are_kept() -> None:
    """Three of five."""
    events = trace(kept=3)
    for number in range(5):
        events.happens(10**9, 0, str(number))
    assert [line[-1] for line in events.lines()] == ["2", "3", "4"]


def test_the_digest_covers_time_node_and_bytes() -> None:
    """Whatever differs in one event gives another digest; the same gives the same."""
    frames = [(RIGHT.key, encode(Pay(7)))]
    events = [
        (1, 0, [Arrival(RIGHT.key, b"x")], frames),
        (2, 0, [Arrival(RIGHT.key, b"x")], frames),
        (1, 1, [Arrival(RIGHT.key, b"x")], frames),
        (1, 0, [], frames),
        (1, 0, [Arrival(RIGHT.key, b"x")], []),
        (1, 0, [Arrival(RIGHT.key, b"x")], [(RIGHT.key, encode(Pay(8)))]),
    ]
    digests = []
    for event in events + events[:1]:
        one = trace()
        one.group(*event)
        digests.append(one.digest)
    assert len(set(digests)) == len(events) and digests[0] == digests[-1]


def test_frames_of_every_kind_have_words() -> None:
    """A record frame, junk, bytes long and short, a key that has a name, an envelope with more than is shown."""
    records = encode_records(COMMANDS, 3, 9, np.zeros(2, COMMANDS.dtype))
    assert words_of(records, CODEC, NAMES) == "2 records of kind 1, stream 3, from 9 on"
    assert words_of(b"\xff\xff", CODEC, NAMES).startswith("2 bytes that are no message: malformed")
    bodies = [encode(Pay(number)) for number in range(10)]
    envelope = enclose(bodies, LEFT.signer, RIGHT.key, 1, 5, bytes(32))
    words = words_of(encode(envelope), CODEC, NAMES)
    assert words.startswith("signed Pay(number=0); Pay(number=1); ") and words.endswith("Pay(number=7); and 2 more")
    request = words_of(envelope.request.payload, CODEC, NAMES)
    assert "sender=left, receiver=right, sequence=1" in request and ".." in request


def test_times_are_those_since_the_begin() -> None:
    """Seconds with three places."""
    assert (seconds(0).strip(), seconds(61_234_999_999).strip()) == ("0.000 s", "61.234 s")


def test_who_a_node_is_follows_from_seed_and_name() -> None:
    """The same key again; another seed, name or kind of signature gives another; a real one is an Ed25519 key."""
    keys = [identity(*who).key for who in ((1, "a", False), (1, "b", False), (2, "a", False), (1, "a", True))]
    assert len(set(keys)) == 4 and keys[0] == identity(1, "a", False).key
    real = identity(1, "a", True)
    assert isinstance(real.signer, Ed25519Signer)
    assert real.verifier.verify(real.key, real.signer.sign(b"x"), b"x")
    assert real.secret("x") == identity(1, "a", False).secret("x") != real.secret("y")
