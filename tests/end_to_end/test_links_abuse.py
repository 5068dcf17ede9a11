"""Peers that abuse a node's links get a clear answer or a closed door, and another peer goes on as before.

In each test a victim has a link to the same server; after the abuse a frame still passes both ways on that very link.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import zmq

from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.zmq_io import Links, LinkState
from openoutcry.role import Topic
from openoutcry.wire.faults import FaultCode
from tests.links.curve_client import MORE, CurveClient, split
from tests.links.nodes import identity, is_up, key, links, peer, server, until
from tests.links.strangers import Stranger, introduction, is_welcome, refusals, strangers

FRAME = b"\x92\x05\xc4\x05hello"
SERVER_CURVE = identity("server").curve_public
QUIET: dict[str, Any] = {"listen": ""}
"""Settings of a node that others do not reach."""


class Scene:
    """A server, a victim with a link to it, and a context for whoever abuses the server."""

    def __init__(self, served: Links, victim: Links, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self.served = served
        self.victim = victim
        self.context = context
        self.arrived: list[Arrival] = []
        self.strangers: list[Stranger] = []

    def stranger(self, name: str = "stranger", routing_id: bytes = b"") -> Stranger:
        """Connect one that has authenticated its CURVE key and said nothing yet."""
        found = Stranger(self.context, self.served.address, SERVER_CURVE, name, routing_id)
        self.strangers.append(found)
        self.until(found.is_connected)
        return found

    def admitted(self, name: str = "stranger", routing_id: bytes = b"") -> Stranger:
        """Connect one that has greeted and was welcomed."""
        found = self.stranger(name, routing_id)
        found.greet()
        heard: list[bytes] = []
        self.until(lambda: is_welcome(self.hear(found, heard)))
        return found

    def hear(self, stranger: Stranger, heard: list[bytes]) -> list[bytes]:
        """Add to what a stranger has heard, and return it."""
        heard += stranger.heard()
        return heard

    def until(self, holds: Any) -> None:
        """Run server and victim until it holds."""
        until(holds, self.served, self.victim, arrivals=self.arrived)

    def run(self, seconds: float) -> None:
        """Run server and victim for a while."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def from_others(self) -> list[Arrival]:
        """Return what arrived at the server from anyone but the victim."""
        return [arrival for arrival in self.arrived if arrival.peer not in (key("victim"), key("server"))]


@contextmanager
def scene(**settings: Any) -> Iterator[Scene]:
    """Open a server and its victim; check in the end that the victim has noticed nothing."""
    with (
        server("server", peer("listed"), **settings) as served,
        links("victim", [peer("server", served.address)], **QUIET) as victim,
        strangers() as context,
    ):
        until(lambda: is_up(victim, "server") and is_up(served, "victim"), served, victim)
        opened = Scene(served, victim, context)
        yield opened
        opened.arrived.clear()
        victim.send([Outgoing(key("server"), FRAME)])
        served.send([Outgoing(key("victim"), FRAME)])
        opened.until(lambda: {arrival.peer for arrival in opened.arrived} >= {key("victim"), key("server")})
        assert victim.counters.admitted == 1 and victim.counters.refused_by_peer == 0
        assert served.counters.limited == 0 or victim.peers_status()[0].detail == ""


def test_a_peer_that_speaks_null_gets_no_message_in() -> None:
    """It connects without CURVE and sends; libzmq ends each of its connections in the handshake."""
    with scene() as on:
        null = Stranger(on.context, on.served.address, None)
        on.until(lambda: on.served.counters.unheard > 0)
        assert not null.is_connected() and on.from_others() == []
        assert on.served.counters.not_admitted == 0


def test_the_record_of_another_node_does_not_make_its_link_mine() -> None:
    """HELLO as the victim with its record, which anyone can have seen: it certifies another CURVE key."""
    with scene() as on:
        forger = on.stranger()
        forger.greet("victim", record_of="victim")
        forger.send(FRAME)
        on.until(lambda: on.served.counters.refused_record == 1 and on.served.counters.not_admitted == 1)
        heard: list[bytes] = []
        on.until(lambda: bool(on.hear(forger, heard)))
        assert refusals(heard) == [FaultCode.WRONG_SENDER]
        assert on.from_others() == [] and not any(is_welcome([frame]) for frame in heard)


def test_a_hello_in_another_name_is_not_believed() -> None:
    """HELLO as the victim, then its own record: not signed by whom HELLO names."""
    with scene() as on:
        forger = on.stranger()
        forger.greet("victim", record_of="stranger")
        heard: list[bytes] = []
        on.until(lambda: bool(on.hear(forger, heard)))
        assert refusals(heard) == [FaultCode.WRONG_SENDER] and on.from_others() == []


def test_a_listed_curve_key_speaks_only_for_the_node_that_it_is_listed_for() -> None:
    """The listed peer's CURVE key, certified by another identity."""
    with scene() as on:
        forger = on.stranger("listed")
        hello, record = introduction(identity("else"), identity("listed").curve_public).greeting(time.time_ns())
        forger.send(hello)
        forger.send(record)
        heard: list[bytes] = []
        on.until(lambda: bool(on.hear(forger, heard)))
        assert refusals(heard) == [FaultCode.WRONG_SENDER] and on.from_others() == []


def test_metadata_cannot_name_another_curve_key() -> None:
    """A client of our own claims User-Id and descriptor in its metadata; what ZAP has answered counts."""
    with scene() as on:
        claims = {b"User-Id": identity("victim").curve_public.hex().encode(), b"__fd": b"0", b"Identity": b"x"}
        with strange_client(on, claims) as client:
            for frame in introduction(identity("victim")).greeting(time.time_ns()):
                client.send(frame)
            on.until(lambda: on.served.counters.refused_record == 1)
            for frame in introduction(identity("stranger")).greeting(time.time_ns()):
                client.send(frame)
            client.send(FRAME)
            on.until(lambda: bool(on.from_others()))
            assert on.from_others() == [Arrival(key("stranger"), FRAME)]


def test_frames_before_a_greeting_are_refused_and_too_many_close_the_door() -> None:
    """One frame is answered with NOT_ADMITTED, a hundred close the door."""
    with scene(penalty_ms=60_000) as on:
        rude = on.stranger()
        rude.send(FRAME)
        heard: list[bytes] = []
        on.until(lambda: refusals(on.hear(rude, heard)) == [FaultCode.NOT_ADMITTED])
        for _ in range(100):
            rude.send(FRAME)
        on.until(lambda: on.served.counters.denied_closed > 0)
        assert on.served.counters.closed_strangers == 1 and on.from_others() == []


def test_greeting_without_end_closes_the_door() -> None:
    """An admitted peer shows its record forty times: each costs two signatures."""
    with scene(penalty_ms=60_000) as on:
        rude = on.admitted()
        for _ in range(40):
            rude.greet()
        on.until(lambda: on.served.counters.closed_strangers == 1)
        assert not is_up(on.served, "stranger")


def test_a_routing_id_in_use_cannot_be_taken() -> None:
    """Two peers choose the same routing id, the second while the first is there: only the first one has it."""
    with scene() as on:
        first = on.admitted("first", b"chosen")
        second = on.stranger("second", b"chosen")
        second.greet()
        for _ in range(3):
            second.send(FRAME)
        on.run(0.5)
        assert on.from_others() == []
        on.served.send([Outgoing(key("first"), FRAME), Outgoing(key("second"), FRAME)])
        heard: list[bytes] = []
        on.until(lambda: FRAME in on.hear(first, heard))
        assert second.heard() == [] and on.served.counters.unreachable == 1


def test_the_routing_id_of_a_peer_that_left_gives_nothing_of_its_link() -> None:
    """The first one leaves, the second takes its routing id at once and sends without a greeting; then it greets."""
    with scene() as on:
        first = on.admitted("first", b"chosen")
        first.socket.close()
        on.until(lambda: on.served.counters.disconnected == 1)
        second = on.stranger("second", b"chosen")
        second.send(FRAME)
        on.until(lambda: on.served.counters.not_admitted == 1)
        assert on.from_others() == []
        second.greet()
        second.send(FRAME)
        on.until(lambda: bool(on.from_others()))
        assert on.from_others() == [Arrival(key("second"), FRAME)]


def test_a_routing_id_like_those_that_libzmq_gives_closes_the_door() -> None:
    """Some far from the counter, one of another length; a later link gets an id of libzmq's own and is served."""
    with scene(penalty_ms=60_000) as on:
        for number, routing_id in enumerate((b"\0abcd", b"\0\xff\xff\xff\xff", b"\0ab", b"\0")):
            squatter = on.stranger(f"squatter {number}", routing_id)
            squatter.greet()
        on.until(lambda: on.served.counters.refused_routing_id == 4)
        on.until(lambda: on.served.counters.disconnected == 4)
        assert on.from_others() == [] and not any(is_up(on.served, f"squatter {number}") for number in range(4))
        on.admitted("honest")


@pytest.mark.parametrize(
    "bytes_sent",
    [
        pytest.param(
            b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(47) + b"\x06" + b"\x7f" + b"\xff" * 7, id="command"
        ),
        pytest.param(b"\x01\x00" + b"\x7f" * 100, id="old version"),
        pytest.param(os.urandom(1 << 20), id="a megabyte of junk"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: node\r\n\r\n", id="another protocol"),
    ],
)
def test_junk_in_place_of_a_handshake_ends_the_connection(bytes_sent: bytes) -> None:
    """Plain TCP: a huge length, an old version, random bytes, another protocol."""
    with scene() as on:
        with socket.create_connection(split(on.served.address)) as tcp:
            tcp.setblocking(False)
            with suppress(BlockingIOError, ConnectionError):
                tcp.sendall(bytes_sent)
            on.until(lambda: on.served.counters.unheard > 0)
        on.until(lambda: on.served.counters.disconnected > 0)
        assert on.from_others() == []


def test_a_huge_length_after_the_handshake_ends_the_connection() -> None:
    """An authenticated client announces a frame of 2^62 bytes: nothing is allocated, the connection ends."""
    with scene() as on, strange_client(on, {}) as client:
        before = resident_kib()
        client.claim(1 << 62, bytes(100))
        on.until(lambda: on.served.counters.disconnected > 0)
        assert client.is_ended()
        assert resident_kib() - before < 4_096


def test_a_message_of_endless_parts_ends_the_connection() -> None:
    """Parts of 64 KiB and never a last one: libzmq would keep them all, since it counts only whole messages."""
    with (
        scene(link_bytes_max=1 << 20, frame_bytes_max=1 << 16, penalty_ms=60_000) as on,
        strange_client(on, {}) as client,
    ):
        for frame in introduction(identity("stranger")).greeting(time.time_ns()):
            client.send(frame)
        on.until(lambda: is_up(on.served, "stranger"))
        before = resident_kib()
        with pytest.raises(OSError, match=r"pipe|reset|timed out"):
            for _ in range(4_000):
                client.send(bytes(1 << 16), MORE)
                on.served.receive(0.0, 16)
        on.until(lambda: on.served.counters.disconnected == 1)
        assert on.served.counters.closed_heavy == 1
        assert resident_kib() - before < 128 * 1_024


def test_messages_in_parts_are_dropped_and_too_many_close_the_door() -> None:
    """No node sends them: an admitted peer sends two hundred of a thousand parts each."""
    with scene(penalty_ms=60_000) as on:
        rude = on.admitted()
        rude.socket.send_multipart([FRAME] * 1_000)
        on.until(lambda: on.served.counters.multipart == 1)
        for _ in range(200):
            rude.socket.send_multipart([FRAME] * 1_000)
        on.until(lambda: on.served.counters.denied_closed > 0)
        assert on.served.counters.closed_faults == 1 and on.from_others() == []


def test_a_peer_over_its_rate_is_told_and_its_frames_are_dropped() -> None:
    """A thousand messages a second are allowed, 250 at once; 600 come at once, which is no flood yet."""
    with scene(messages_per_s=1_000) as on:
        hasty = on.admitted()
        for _ in range(600):
            hasty.send(FRAME)
        heard: list[bytes] = []
        on.until(lambda: FaultCode.RATE_LIMITED in refusals(on.hear(hasty, heard)))
        on.until(lambda: on.served.counters.limited + len(on.from_others()) == 600)
        assert 200 <= len(on.from_others()) < 600
        assert refusals(heard) == [FaultCode.RATE_LIMITED]
        assert on.served.counters.closed_flood == 0 and is_up(on.served, "stranger")


def test_the_door_of_a_flooder_is_closed_and_opens_again_after_its_penalty() -> None:
    """It sends without end; it is shut out, denied when it comes again, and let in when its penalty is over."""
    with scene(messages_per_s=1_000, penalty_ms=700) as on:
        flooder = on.admitted()

        def flood() -> bool:
            for _ in range(200):
                flooder.send(FRAME)
            return on.served.counters.closed_flood > 0

        on.until(flood)
        assert not is_up(on.served, "stranger")
        assert len(on.from_others()) < 2_000
        on.until(lambda: on.served.counters.denied_closed > 0)
        on.run(0.8)
        on.admitted()
        assert on.served.counters.closed_flood == 1


def test_a_node_that_floods_those_who_opened_a_link_to_it_is_left_for_a_while() -> None:
    """The server sends without end to a client that allows little: the client ends the link, and opens it again."""
    with (
        server() as served,
        links("client", [peer("server", served.address)], messages_per_s=1_000, penalty_ms=300) as client,
    ):
        until(lambda: is_up(client, "server") and is_up(served, "client"), served, client)

        def flood() -> bool:
            served.send([Outgoing(key("client"), FRAME)] * 200)
            return client.counters.closed_flood > 0

        until(flood, served, client)
        assert client.peers_status()[0].state is LinkState.DOWN
        until(lambda: is_up(client, "server"), served, client)


def test_the_door_of_a_peer_that_does_not_read_is_closed_and_memory_stays_bounded() -> None:
    """The server sends 400 MB to a peer that reads nothing: its queue fills, frames are dropped, its door closes."""
    settings = {"link_bytes_max": 4 << 20, "frame_bytes_max": 1 << 16, "stuck_frames_max": 100, "penalty_ms": 60_000}
    with scene(**settings) as on:
        on.admitted()
        before = resident_kib()
        frame = bytes(60_000)
        for _ in range(7_000):
            on.served.send([Outgoing(key("stranger"), frame)])
            if on.served.counters.closed_stuck:
                break
            on.served.receive(0.0, 1)
        assert on.served.counters.closed_stuck == 1 and on.served.counters.stuck > 100
        assert not is_up(on.served, "stranger")
        assert resident_kib() - before < 64 * 1_024
        on.until(lambda: on.served.counters.disconnected == 1)


def test_too_many_useless_frames_close_the_door() -> None:
    """The node says of a hundred frames at once that it could do nothing with them; that of the victim stays open."""
    with scene(penalty_ms=60_000) as on:
        on.admitted()
        on.served.fault(key("victim"))
        on.served.fault(key("stranger"), 101)
        assert on.served.counters.closed_faults == 1 and not is_up(on.served, "stranger")
        on.until(lambda: on.served.counters.denied_closed > 0)


def test_connections_that_say_nothing_are_shut() -> None:
    """Twenty authenticated ones and twenty of plain TCP; there is no end of them, but each has little time."""
    with scene(greeting_ms=200) as on:
        for number in range(20):
            on.stranger(f"silent {number}")
        tcp = [socket.create_connection(split(on.served.address)) for _ in range(20)]
        on.until(lambda: on.served.counters.closed_silent >= 40)
        for connection in tcp:
            connection.close()
        assert is_up(on.served, "victim")


def test_connections_beyond_all_bounds_are_shut_the_oldest_silent_one_first() -> None:
    """Three hundred of plain TCP where 260 have room: the node never has more, and the victim keeps its own."""
    with scene(sessions_max=1, greeting_max=1, greeting_ms=60_000) as on:
        tcp = [socket.create_connection(split(on.served.address)) for _ in range(300)]
        on.until(lambda: on.served.counters.closed_crowd >= 40 and on.served.counters.disconnected >= 40)
        assert on.served.counters.accepted - on.served.counters.disconnected <= 261
        for connection in tcp:
            connection.close()


def test_strangers_that_only_connect_find_no_more_room_and_listed_peers_do() -> None:
    """Room for three that have not greeted: the others are denied, a listed peer is let in."""
    with scene(greeting_max=3, greeting_ms=60_000) as on:
        for number in range(3):
            on.stranger(f"silent {number}")
        other = Stranger(on.context, on.served.address, SERVER_CURVE, "other")
        on.until(lambda: on.served.counters.denied_busy > 0)
        assert not other.is_connected()
        on.admitted("listed")


def test_the_longest_idle_link_makes_room_and_busy_ones_do_not() -> None:
    """Room for two links of unlisted peers, one is the victim's: a second one comes, a third finds no room."""
    with scene(sessions_max=2) as on:
        on.admitted("second")
        third = on.stranger("third")
        third.greet()
        heard: list[bytes] = []
        on.until(lambda: bool(refusals(on.hear(third, heard))))
        assert refusals(heard) == [FaultCode.BUSY] and is_up(on.served, "second")
        on.admitted("listed")


def test_one_node_has_only_so_many_links() -> None:
    """Six of the same key: the two oldest ones are given up."""
    with scene() as on:
        for number in range(6):
            on.admitted("many", b"link %d" % number)
        on.until(lambda: on.served.counters.dropped_idle == 2)
        ups = [link for link in on.served.peers_status() if link.key == key("many") and link.state is LinkState.UP]
        assert len(ups) == 4


def test_a_revoked_stranger_is_told_so() -> None:
    """It greets properly, with a key that is revoked."""
    with (
        links("server", [peer("victim"), peer("bad")], lambda who: who == key("bad")) as served,
        strangers() as context,
    ):
        bad = Stranger(context, served.address, SERVER_CURVE, "bad")
        until(lambda: served.counters.denied_revoked > 0, served)
        assert not bad.is_connected()
    with (
        server("server", is_revoked=lambda who: who == key("bad")) as served,
        strangers() as context,
    ):
        bad = Stranger(context, served.address, SERVER_CURVE, "bad")
        until(bad.is_connected, served)
        bad.greet()
        heard: list[bytes] = []
        while not heard:
            served.receive(0.01, 16)
            heard += bad.heard()
        assert refusals(heard) == [FaultCode.REVOKED]
        until(lambda: served.counters.denied_revoked > 0, served)


def test_a_follower_with_too_many_topics_is_shut_out() -> None:
    """Ten are allowed; a follower of a hundred loses its connection, another one goes on."""
    with (
        server(publish="tcp://127.0.0.1:0", subscriptions_max=10, penalty_ms=60_000) as served,
        links("good", [peer("server", topics_address=served.publish_address, topics=("t",))], **QUIET) as good,
    ):
        until(lambda: served.counters.subscriptions == 1, served, good)
        many = tuple(f"t{number}" for number in range(100))
        with links("bad", [peer("server", topics_address=served.publish_address, topics=many)], **QUIET) as bad:
            until(lambda: served.counters.denied_closed > 0, served, good, bad)
            assert served.counters.closed_strangers == 1
        served.send([Outgoing(Topic("t"), FRAME)])
        arrived: list[Arrival] = []
        until(lambda: bool(arrived), served, good, arrivals=arrived)
        assert arrived == [Arrival(key("server"), FRAME)]


@contextmanager
def strange_client(on: Scene, metadata: dict[bytes, bytes]) -> Iterator[CurveClient]:
    """Connect a client of our own while the server runs in another thread; then the server is ours again."""
    done: list[CurveClient] = []
    thread = threading.Thread(
        target=lambda: done.append(CurveClient(on.served.address, SERVER_CURVE, identity("stranger"), metadata))
    )
    thread.start()
    on.until(lambda: not thread.is_alive())
    thread.join()
    try:
        yield done[0]
    finally:
        done[0].close()


def resident_kib() -> int:
    """Return how much memory this process has, in KiB."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_024
