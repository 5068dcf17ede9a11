"""A venue in a process of its own, with its members added and its pair listed; see `benchmarks.venue.path`.

python -m benchmarks.venue.server '{"curve": true, "durability": "sync", "folder": ..., "members": [...], "core": 1}'

Prints one line of JSON with its addresses and keys, and ends when its standard input does; with "profile" it then
prints where the time went.
"""

import cProfile
import json
import os
import pstats
import sys
import time
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from benchmarks.children.echo_server import CURVE_PUBLIC, CURVE_SECRET, SEED, UNBOUNDED, when_input_ends
from benchmarks.nodes.costs import NoLog
from benchmarks.venue.plain import PlainLinks
from benchmarks.venue.terms import ACCOUNTS, LIMITS, RATE, pair
from openoutcry.book import commands
from openoutcry.node.core.core import NODE_ROLE, Core
from openoutcry.node.core.parts import Identity, Part
from openoutcry.node.core.traffic import Arrival
from openoutcry.node.journal import FileLog, Log, RoleVersion, Settings
from openoutcry.node.runner import Runner
from openoutcry.node.zmq_io import LinkIdentity, Links, LinkSettings, OpenTo
from openoutcry.venue.messages import MemberAdd, MemberLimit, PairList
from openoutcry.wire.codec import encode
from openoutcry.wire.ed25519 import Ed25519Signer, Ed25519Verifier
from openoutcry.wire.requests import enclose
from openoutcry.wire.tags import Message
from openoutcry_discovery.kinds import DISCOVERY, DiscoverySettings
from tests.small_roles import NoAnswers

OPERATOR: Final = Ed25519Signer(b"operator of the benchmarks......".ljust(32, b".")[:32])


def furnish(core: Core, own: bytes, members: list[bytes]) -> None:
    """Do what an operator does on the first day."""
    messages: list[Message] = [
        PairList(commands.add_pair(pair()).tobytes(), b"B" * 32, b"Q" * 32, "A", 1),
        *(MemberAdd(member, ACCOUNTS, RATE) for member in members),
        *(MemberLimit(member, -1, field, value) for member in members for field, value in LIMITS),
    ]
    for number, message in enumerate(messages):
        now_ns = time.time_ns()
        salt = number.to_bytes(32, "little")
        frame = encode(enclose([encode(message)], OPERATOR, own, now_ns, now_ns + 60 * 10**9, salt))
        core.step([Arrival(OPERATOR.key, frame)], now_ns)


def main() -> None:
    """Serve as the argument says."""
    wanted = json.loads(sys.argv[1])
    if wanted["core"] is not None:
        os.sched_setaffinity(0, {wanted["core"]})
    signer = Ed25519Signer(SEED)
    links: Any = PlainLinks()
    if wanted["curve"]:
        links.close()
        settings = LinkSettings(open_to=OpenTo.ANYONE, publish="tcp://127.0.0.1:0")
        settings = replace(settings, messages_per_s=UNBOUNDED, bytes_per_s=1 << 40, burst_ms=60_000, flood_ms=600_000)
        identity = LinkIdentity(signer, CURVE_PUBLIC, CURVE_SECRET)
        links = Links(settings, identity, ("discovery",), (), time.time_ns, lambda key: False)
    durability = wanted["durability"]
    versions = [NODE_ROLE, RoleVersion(1, "discovery", 1)]
    folder = Path(wanted["folder"])
    log: Log = NoLog() if durability == "none" else FileLog.create(folder, versions, Settings(archives_max=0))
    part = Part(1, DISCOVERY, DiscoverySettings((OPERATOR.key.hex(),), receipts=wanted.get("receipts", False)))
    answers: Any = NoAnswers()
    core = Core([part], log, Identity(signer, Ed25519Verifier(), lambda path: SEED), answers, sync=durability == "sync")
    runner = Runner(core, links, log, time.time_ns, snapshot_at_stop=False)
    start = core.start
    begun: list[float] = []

    def started(now_ns: int) -> Any:
        out = start(now_ns)
        furnish(core, signer.key, [bytes.fromhex(member) for member in wanted["members"]])
        told = {"address": links.address, "publish": links.publish_address, "curve_public": CURVE_PUBLIC.hex()}
        print(json.dumps(told), flush=True)
        begun.append(time.process_time())
        return out

    core.start = started  # type: ignore[method-assign]
    when_input_ends(runner.stop)
    profile = cProfile.Profile() if wanted.get("profile") else None
    if profile is not None:
        profile.enable()
    runner.run()
    if profile is not None:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    links.close()
    log.close()
    counters = core.counters
    told = {"groups": counters.groups, "inputs": counters.inputs, "cpu_s": time.process_time() - begun[0]}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
