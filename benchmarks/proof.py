"""What proof of order costs a venue and its members: chains, heads, receipts, signatures, proofs, checking a session.

`python -m benchmarks.run --only proof`, or `python -m benchmarks.proof [--quick]` for this alone. One thread; Ed25519
by libsodium. "take" is what a venue adds to each frame that it applies, digest included: the share of a core at 1.5
million commands a second is `share_ppm`. Left out: the book, the journal, the network.
"""

import argparse
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from itertools import count
from time import perf_counter
from typing import Final

import numpy as np

from benchmarks.books import paused_collection
from benchmarks.record import RESULTS, Recorder
from openoutcry.domain.records import COMMAND
from openoutcry.venue.messages import CommandsTaken, TakenRun
from openoutcry.venue.proof.desk import ProofDesk
from openoutcry.venue.proof.hashes import digest_of
from openoutcry.venue.proof.member import MemberChain
from openoutcry.venue.proof.messages import ChainHead, ProofAsk, ProofWanted
from openoutcry.venue.proof.session_file import About, EntryKind, append, begin
from openoutcry.venue.proof.shown import read_command, show_command, sign_tree
from openoutcry.venue.proof.verifying import verify_session
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.faults import WireFault
from openoutcry.wire.frames import COMMANDS, encode_records
from openoutcry.wire.signed import sign

VENUE, MEMBER = Ed25519Signer(b"V" * 32), Ed25519Signer(b"M" * 32)
VERIFIER: Final = Ed25519Verifier()
START_NS: Final = 10**18
COMMANDS_PER_S: Final = 1_500_000
"""The rate for which a venue is built."""

BEFORE, EVENTS = 1_000, 10**9
"""Commands of the book before the session's, so that no rules are carried out again; events that are left out."""

TURNS: Final = 200_000
TURNS_QUICK: Final = 2_000


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time each call of a venue and a member, and a whole session."""
    turns = TURNS_QUICK if quick else TURNS
    for size in (1, 256):
        recorder.add("proof", {"what": "take", "commands": size}, time_take(size, turns // size + 1_000))
    recorder.add("proof", {"what": "extend", "commands": 256}, time_extend(turns // 256 + 1_000))
    for what, figures in time_calls(turns // 100).items():
        recorder.add("proof", {"what": what}, figures)
    recorder.add("proof", {"what": "verify session"}, time_session(turns // 256))


def timed(call: Callable[[], object], turns: int) -> dict[str, float | int]:
    """Return how long a call takes, in microseconds, over so many turns."""
    with paused_collection():
        begin_s = perf_counter()
        for _ in range(turns):
            call()
        return {"us": (perf_counter() - begin_s) / turns * 1e6, "turns": turns}


def secret_of(path: str) -> bytes:
    """Stand in for `Ports.secret`."""
    return sha256(path.encode()).digest()


def time_take(size: int, frames: int) -> dict[str, float | int]:
    """A venue takes runs, four in a group of a tenth of a head, and closes its heads."""
    desk = ProofDesk(VENUE.key, secret_of)
    desk.add(1, MEMBER.key)
    records = bytes(size * COMMAND.itemsize)
    number = count()

    def take() -> None:
        turn = next(number)
        time_ns = START_NS + turn * 250_000
        desk.take(1, turn * size + 1, size, turn * size + 1, records, time_ns)
        if turn % 4 == 3:
            desk.close(time_ns)

    figures = timed(take, frames)
    return {**figures, "share_ppm": int(figures["us"] * COMMANDS_PER_S / size)}


def time_extend(frames: int) -> dict[str, float | int]:
    """A member adds frames to its chain and signs it every tenth of a second, at 6,000 frames a second."""
    chain = MemberChain(VENUE.key, MEMBER.key, 1, secret_of("proof/1"))
    records = bytes(256 * COMMAND.itemsize)
    number = count()

    def extend() -> None:
        turn = next(number)
        now_ns = START_NS + turn * 170_000
        chain.extend(turn * 256 + 1, 256, digest_of(records), now_ns)
        if chain.is_due(now_ns):
            chain.sign(MEMBER)

    return timed(extend, frames)


def time_calls(turns: int) -> dict[str, dict[str, float | int]]:
    """Signing, judging, heads, receipts and proofs, one by one; a head covers 60 frames."""
    desk = ProofDesk(VENUE.key, secret_of)
    desk.add(1, MEMBER.key)
    watch, records = desk.watches[1], bytes(256 * COMMAND.itemsize)
    for turn in range(60):
        desk.take(1, turn * 256 + 1, 256, turn * 256 + 1, records, START_NS)
    head = desk.close(START_NS)
    assert isinstance(head, ChainHead)
    chain = MemberChain(VENUE.key, MEMBER.key, 1, watch.secret, sequence=watch.sequence, chain=watch.chain)
    signed = chain.sign(MEMBER)
    assert desk.judge(signed, VERIFIER) is None and desk.hear(signed, START_NS) is None
    found = desk.link_of(1, 257)
    assert found is not None
    tree = sign_tree(MEMBER, VENUE.key, 1, watch.secret, 257, records)
    whole = show_command(signed, *found, watch.secret, 7, records)
    alone = show_command(signed, *found, watch.secret, 7, records, tree=tree)
    ask = ProofAsk(ProofWanted.RECEIPT, 1, 257)
    return {
        "sign commands": timed(lambda: chain.sign(MEMBER), turns),
        "judge a signature": timed(lambda: desk.judge(signed, VERIFIER), turns),
        "sign a head": timed(lambda: sign(head, [VENUE]), turns),
        "receipt": timed(lambda: desk.answer(ask, 1), turns),
        "sign a tree of 256": timed(lambda: sign_tree(MEMBER, VENUE.key, 1, watch.secret, 257, records), turns // 10),
        "read a whole frame": timed(lambda: read_command(whole, VENUE.key, VERIFIER), turns),
        "read a path": timed(lambda: read_command(alone, VENUE.key, VERIFIER), turns),
    }


def time_session(frames: int) -> dict[str, float | int]:
    """Check a session of frames of 256 commands with heads and receipts, and no events."""
    desk = ProofDesk(VENUE.key, secret_of)
    desk.add(1, MEMBER.key)
    out = BytesIO()
    begin(About(VENUE.key, MEMBER.key, 1), out)
    state = desk.answer(ProofAsk(ProofWanted.CHAIN, 1), 1)
    assert state is not None
    append(EntryKind.RECEIVED, START_NS, encode(state), out)
    rows = np.zeros(256, COMMAND)
    for turn in range(frames):
        time_ns, first = START_NS + turn * 170_000, turn * 256 + 1
        frame = encode_records(COMMANDS, 1, first, rows)
        append(EntryKind.SENT, time_ns, frame, out)
        book = BEFORE + first
        desk.take(1, first, 256, book, memoryview(frame)[32:], time_ns)
        append(EntryKind.RECEIVED, time_ns, encode(CommandsTaken(1, first, (TakenRun(256, book),), EVENTS)), out)
        head = desk.close(time_ns, now=turn == frames - 1)
        if head is not None:
            append(EntryKind.HEARD, time_ns, encode(sign(head, [VENUE])), out)
    for turn in range(frames):
        receipt = desk.answer(ProofAsk(ProofWanted.RECEIPT, 1, turn * 256 + 1), 1)
        assert receipt is not None
        append(EntryKind.RECEIVED, time_ns, encode(receipt), out)
    data = out.getvalue()
    begin_s = perf_counter()
    report = verify_session(BytesIO(data), MEMBER.key, VERIFIER)
    seconds = perf_counter() - begin_s
    assert not isinstance(report, WireFault) and not report.findings
    return {"commands": frames * 256, "us_per_command": seconds / frames / 256 * 1e6, "megabytes": len(data) / 1e6}


def main() -> None:
    """Measure this alone, and keep the results unless --quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof", description="Measure proof of order.")
    parser.add_argument("--quick", action="store_true", help="small, not kept: shows that it works")
    quick = parser.parse_args().quick
    measure(Recorder(None if quick else RESULTS), quick=quick)


if __name__ == "__main__":
    main()
