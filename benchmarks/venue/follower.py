"""Follows level 3 of the pair in a process of its own, and says what it holds; see `benchmarks.venue.path`.

Prints a line when it has subscribed, then for each line of input: items, records, digest.
"""

import json
import os
import sys
from typing import Final

import zmq
from nacl.bindings import crypto_scalarmult_base

from openoutcry.marketdata.followers import L3Follower
from openoutcry.marketdata.topics import Channel, topic_of
from openoutcry.node.zmq_io.topics import topic_bytes

SECRET: Final = b"a follower of the benchmarks....".ljust(32, b".")[:32]


def main() -> None:
    """Follow until standard input ends."""
    wanted = json.loads(sys.argv[1])
    if wanted["core"] is not None:
        os.sched_setaffinity(0, {wanted["core"]})
    follower = L3Follower(0)
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.set_hwm(1_000_000)
        if wanted["curve"]:
            socket.setsockopt(zmq.CURVE_SERVERKEY, bytes.fromhex(wanted["curve_public"]))
            socket.setsockopt(zmq.CURVE_PUBLICKEY, crypto_scalarmult_base(SECRET))
            socket.setsockopt(zmq.CURVE_SECRETKEY, SECRET)
        socket.connect(wanted["publish"])
        topic = topic_bytes(topic_of(0, Channel.L3))
        socket.subscribe(topic)
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(sys.stdin, zmq.POLLIN)
        print("following", flush=True)
        gaps = 0
        while True:
            ready = dict(poller.poll())
            while socket.poll(0):
                _, frame = socket.recv_multipart()
                if frame[:1] == b"O":
                    gaps += follower.receive(frame) is not None
            if sys.stdin.fileno() in ready:
                if not sys.stdin.readline():
                    return
                told = {"sequence": follower.sequence, "gaps": gaps, "digest": follower.digest().hex()}
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
