"""Links between well-behaved nodes, on real sockets of the loopback interface."""

import os
import threading
import time

import pytest

from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.zmq_io import LinkError, LinkState
from openoutcry.role import Topic
from openoutcry.wire.faults import FaultCode
from tests.links.nodes import is_up, key, links, peer, server, until

FRAME = b"\x92\x05\xc4\x05hello"


def test_frames_pass_both_ways_and_carry_the_key_of_who_sent_them() -> None:
    """Two nodes; only one of them opens the link; twenty frames each way, in order."""
    with server() as served, links("client", [peer("server", served.address)]) as client:
        until(lambda: is_up(served, "client") and is_up(client, "server"), served, client)
        frames = [b"\x92\x05%c" % number for number in range(20)]
        client.send([Outgoing(key("server"), frame) for frame in frames])
        served.send([Outgoing(key("client"), memoryview(frame)) for frame in frames])
        arrived: list[Arrival] = []
        until(lambda: len(arrived) == 40, served, client, arrivals=arrived)
        assert [bytes(frame) for sender, frame in arrived if sender == key("client")] == frames
        assert [bytes(frame) for sender, frame in arrived if sender == key("server")] == frames
        assert served.counters.arrivals == client.counters.arrivals == 20


def test_long_frames_pass_whole() -> None:
    """A record frame of a megabyte, the longest there is, and one around the length up to which frames are copied."""
    with server() as served, links("client", [peer("server", served.address)]) as client:
        until(lambda: is_up(client, "server"), served, client)
        sizes = [16_384, 16_385, 1_048_608]
        frames = [b"OORF" + os.urandom(size - 4) for size in sizes]
        client.send([Outgoing(key("server"), frame) for frame in frames])
        arrived: list[Arrival] = []
        until(lambda: len(arrived) == 3, served, client, arrivals=arrived)
        assert [bytes(frame) for _, frame in arrived] == frames


def test_frames_longer_than_the_other_node_takes_are_not_sent() -> None:
    """A server that takes 65,536 bytes; one more byte would end the connection."""
    with server(frame_bytes_max=65_536) as served, links("client", [peer("server", served.address)]) as client:
        until(lambda: is_up(client, "server"), served, client)
        client.send([Outgoing(key("server"), b"O" * size) for size in (65_537, 65_536)])
        arrived: list[Arrival] = []
        until(lambda: len(arrived) == 1, served, client, arrivals=arrived)
        assert len(arrived[0].frame) == 65_536
        assert client.counters.too_long == 1 and served.counters.disconnected == 0


def test_a_link_comes_back_after_the_other_node_was_away() -> None:
    """The server closes and a new one opens at the same address; the client greets it without being told."""
    with server() as served, links("client", [peer("server", served.address)]) as client:
        address = served.address
        until(lambda: is_up(client, "server"), served, client)
        served.close()
        until(lambda: not is_up(client, "server"), client)
        client.send([Outgoing(key("server"), FRAME)])
        assert client.counters.unreachable == 1
        with server(listen=address) as again:
            until(lambda: is_up(client, "server"), again, client)
            client.send([Outgoing(key("server"), FRAME)])
            arrived: list[Arrival] = []
            until(lambda: bool(arrived), again, client, arrivals=arrived)
            assert arrived == [Arrival(key("client"), FRAME)]


def test_a_client_that_comes_back_is_reached_by_its_new_link() -> None:
    """The client closes and opens again while the server still knows the old link: the newest one is used."""
    with server() as served:
        with links("client", [peer("server", served.address)]) as client:
            until(lambda: is_up(client, "server"), served, client)
        with links("client", [peer("server", served.address)]) as client:
            until(lambda: is_up(client, "server"), served, client)
            served.send([Outgoing(key("client"), FRAME)])
            arrived: list[Arrival] = []
            until(lambda: bool(arrived), served, client, arrivals=arrived)
            assert arrived == [Arrival(key("server"), FRAME)]


def test_what_was_sent_before_the_end_of_a_link_still_arrives() -> None:
    """The client sends and closes before the server has looked once more."""
    with server() as served, links("client", [peer("server", served.address)]) as client:
        until(lambda: is_up(client, "server"), served, client)
        client.send([Outgoing(key("server"), FRAME)] * 5)
        time.sleep(0.3)
        client.close()
        time.sleep(0.3)
        arrived: list[Arrival] = []
        until(lambda: len(arrived) == 5, served, arrivals=arrived)
        assert arrived == [Arrival(key("client"), FRAME)] * 5


def test_listed_peers_are_let_in_and_others_are_not() -> None:
    """One server, which lists one of two clients; the other never gets as far as a message."""
    with links("server", [peer("friend")]) as served:
        with links("friend", [peer("server", served.address)]) as friend:
            until(lambda: is_up(friend, "server"), served, friend)
        with links("other", [peer("server", served.address)]) as other:
            until(lambda: served.counters.denied_unlisted > 0, served, other)
            until(lambda: other.peers_status()[0].detail != "", served, other)
            assert other.peers_status()[0].state is LinkState.DOWN
            assert served.counters.not_admitted == 0 and served.counters.admitted == 1


def test_a_server_with_another_key_than_expected_is_not_spoken_to() -> None:
    """The client is configured with another node's CURVE key: the handshake fails before anything is sent."""
    with server() as served:
        wrong = peer("somebody else", served.address)
        with links("client", [wrong]) as client:
            until(lambda: served.counters.unheard > 0, served, client)
            assert client.peers_status()[0].state is LinkState.DOWN
            assert client.counters.sent == 0 and served.counters.admitted == 0


def test_a_server_that_is_another_node_than_expected_is_not_believed() -> None:
    """The CURVE key is right, the node key is not: what the record says decides."""
    with server() as served:
        right = peer("server", served.address)
        wrong = type(right)(key("somebody else"), right.curve_key, served.address)
        with links("client", [wrong]) as client:
            until(lambda: client.peers_status()[0].state is LinkState.REFUSED, served, client)
            assert not is_up(client, "somebody else")
            assert client.counters.admitted == 0 and client.counters.refused_hello == 1


def test_a_revoked_node_is_refused_and_loses_the_link_that_it_has() -> None:
    """Revoked while its link is up; then it is denied at the door, by the CURVE key that it had."""
    revoked: set[bytes] = set()
    with (
        links("server", [peer("client")], revoked.__contains__) as served,
        links("client", [peer("server", served.address)]) as client,
    ):
        until(lambda: is_up(served, "client") and is_up(client, "server"), served, client)
        revoked.add(key("client"))
        until(lambda: served.counters.denied_revoked > 0, served, client)
        assert not is_up(served, "client") and not is_up(client, "server")
        served.send([Outgoing(key("client"), FRAME)])
        assert served.counters.unreachable == 1


def test_a_peer_that_is_revoked_is_no_longer_spoken_to() -> None:
    """The node that opened the link learns that the other one's key is revoked."""
    revoked: set[bytes] = set()
    with (
        server() as served,
        links("client", [peer("server", served.address)], revoked.__contains__) as client,
    ):
        until(lambda: is_up(client, "server"), served, client)
        revoked.add(key("server"))
        until(lambda: client.peers_status()[0].detail == "revoked", served, client)
        until(lambda: not is_up(served, "client"), served, client)


def test_records_are_shown_again_before_they_expire() -> None:
    """The clock of both goes on by 13 hours, twice: links stay up, and each time the greeting is repeated."""
    now = [time.time_ns()]
    with (
        links("server", [peer("client")], clock_ns=lambda: now[0]) as served,
        links("client", [peer("server", served.address)], clock_ns=lambda: now[0]) as client,
    ):
        until(lambda: is_up(client, "server"), served, client)
        for times in (1, 2):
            now[0] += 13 * 3_600 * 10**9
            until(lambda: served.counters.renewed >= times, served, client)  # noqa: B023
            until(lambda: is_up(client, "server") and is_up(served, "client"), served, client)
        assert served.counters.admitted == client.counters.admitted == 1
        assert served.counters.disconnected == 0


def test_a_link_whose_record_has_expired_is_asked_to_show_it_again() -> None:
    """Only the server's clock goes on, by two days: it refuses, the client greets again, and is refused as expired."""
    ahead = [0]
    with (
        links("server", [peer("client")], clock_ns=lambda: time.time_ns() + ahead[0]) as served,
        links("client", [peer("server", served.address)]) as client,
    ):
        until(lambda: is_up(client, "server") and is_up(served, "client"), served, client)
        ahead[0] = 2 * 86_400 * 10**9
        until(lambda: not is_up(served, "client"), served, client)
        client.send([Outgoing(key("server"), FRAME)])
        until(lambda: client.peers_status()[0].state is LinkState.REFUSED, served, client)
        assert FaultCode.EXPIRED.name in client.peers_status()[0].detail
        assert served.counters.arrivals == 0


def test_followers_of_a_topic_get_it_and_nothing_else() -> None:
    """One follows trades.7, one trades.70; a topic is no prefix of another."""
    with (
        server(publish="tcp://127.0.0.1:0") as served,
        links("seven", [peer("server", topics_address=served.publish_address, topics=("trades.7",))]) as seven,
        links("seventy", [peer("server", topics_address=served.publish_address, topics=("trades.70",))]) as seventy,
    ):
        until(lambda: served.counters.subscriptions == 2, served, seven, seventy)
        served.send([Outgoing(Topic("trades.7"), b"\x92\x08a"), Outgoing(Topic("trades.70"), b"\x92\x08b")])
        got_seven: list[Arrival] = []
        got_seventy: list[Arrival] = []
        until(lambda: bool(got_seven), seven, arrivals=got_seven)
        until(lambda: bool(got_seventy), seventy, arrivals=got_seventy)
        assert got_seven == [Arrival(key("server"), b"\x92\x08a")]
        assert got_seventy == [Arrival(key("server"), b"\x92\x08b")]


def test_topics_of_a_node_that_publishes_none_are_counted() -> None:
    """A server without `publish`."""
    with server() as served:
        served.send([Outgoing(Topic("trades.7"), FRAME)])
        assert served.counters.no_topics == 1


def test_wake_ends_the_wait_from_another_thread_and_before_it_began() -> None:
    """A wait of a minute that another thread ends; then one that was ended before."""
    with server() as served:
        timer = threading.Timer(0.1, served.wake)
        timer.start()
        assert served.receive(60.0, 1) == []
        timer.join()
        served.wake()
        assert served.receive(60.0, 1) == []


def test_waiting_ends_by_itself_and_no_wait_is_none() -> None:
    """Nobody sends anything."""
    with server() as served:
        assert served.receive(0.05, 1) == [] and served.receive(0.0, 1) == []


def test_at_most_so_many_arrivals_come_at_once_and_none_is_lost() -> None:
    """A hundred frames, seven at a time."""
    with server() as served, links("client", [peer("server", served.address)]) as client:
        until(lambda: is_up(client, "server"), served, client)
        client.send([Outgoing(key("server"), b"\x92\x05%c" % number) for number in range(100)])
        arrived: list[Arrival] = []
        end = time.monotonic() + 20
        while len(arrived) < 100 and time.monotonic() < end:
            some = served.receive(0.1, 7)
            assert len(some) <= 7
            arrived += some
        assert [arrival.frame[2] for arrival in arrived] == list(range(100))


def test_a_port_that_is_taken_is_named() -> None:
    """Two servers at one address: one line, with the port."""
    with server() as served:
        port = served.address.rpartition(":")[2]
        with pytest.raises(LinkError, match=f"port {port} is taken"), server(listen=served.address):
            pass


def test_an_address_that_is_not_ours_is_named() -> None:
    """203.0.113.0/24 is for documentation and on no machine."""
    with (
        pytest.raises(LinkError, match=r"cannot listen at tcp://203\.0\.113\.1:4000"),
        server(listen="tcp://203.0.113.1:4000"),
    ):
        pass


def test_peers_that_contradict_each_other_are_named() -> None:
    """One node twice."""
    with pytest.raises(LinkError, match="two peers have the key"), links("server", [peer("a"), peer("a")]):
        pass


def test_closing_gives_every_descriptor_back() -> None:
    """Open descriptors before, and after twenty pairs of nodes with links and topics; closing twice is once."""
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with (
            server(publish="tcp://127.0.0.1:0") as served,
            links(
                "client", [peer("server", served.address, topics_address=served.publish_address, topics=("t",))]
            ) as client,
        ):
            until(lambda: is_up(client, "server"), served, client)
            served.close()
            served.close()
    with pytest.raises(LinkError), server(listen="tcp://203.0.113.1:4000"):
        pass
    assert set(os.listdir("/proc/self/fd")) == before
