"""The plugin: what it brings, its settings, and its market under every kind of fault."""

import dataclasses
import io
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from openoutcry.host.plugins import Plugins
from openoutcry.role import NOBODY, TIMER_TAG, Input, Record, Send
from openoutcry.simulation.options import Options
from openoutcry.simulation.scenarios import recast
from openoutcry.simulation.world import simulate
from openoutcry.venue.messages import CommandsTaken
from openoutcry.venue.role import Terms, VenueRole
from openoutcry.wire.tags import Message
from openoutcry_discovery.kinds import DISCOVERY, TRADER, DiscoverySettings
from openoutcry_discovery.scenario import SCENARIOS
from openoutcry_discovery.trader import Trader, TraderSettings, count_of, first_of, frame_of, rows_of

KEY = "ab" * 32


class Ports:
    """What a role may ask of its node, without a node."""

    number = 3
    own = bytes(32)
    store = None

    def verify(self, signed: object) -> bool:
        """Nothing is verified here."""
        raise AssertionError

    def secret(self, path: str) -> bytes:
        """Return what only this node knows."""
        return sha256(path.encode()).digest()


def test_the_kinds_make_their_roles() -> None:
    """A venue with an operator, and a trader."""
    venue = DISCOVERY.make(DiscoverySettings((KEY,)), Ports(), Plugins())
    trader = TRADER.make(TraderSettings(KEY), Ports(), Plugins())
    assert isinstance(venue, VenueRole) and isinstance(trader, Trader)
    assert (venue.name, trader.name) == (DISCOVERY.name, TRADER.name)
    assert venue.floor.feeds is not None


@pytest.mark.parametrize("operators", ["[1]", '["xyz"]', '["' + "A" * 64 + '"]'])
def test_an_operator_is_a_key(operators: str) -> None:
    """Anything but 64 hexadecimal digits is refused when the configuration is read."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"operators": {operators}}}', type=DiscoverySettings)


def test_nothing_breaks_under_faults() -> None:
    """Twelve seeds of the market with every kind of fault: nothing is lost, counted twice or seen otherwise."""
    for seed in range(12):
        assert simulate(SCENARIOS[0], seed, Options()).failure is None


class TwoNumbers(VenueRole):
    """A venue that gives a command that comes again another number."""

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Move every number that is told at once by one."""
        records, sends = super().admit(inputs, now_ns)
        return records, [send._replace(body=_moved(send.body)) for send in sends]


class Twice(VenueRole):
    """A venue that, when it goes on from a snapshot, gives the number of each member's last event once more."""

    def restore(self, source: BinaryIO) -> None:
        """Take one off each stream."""
        super().restore(source)
        heads = self.floor.sessions.rows["event_head"]
        heads -= (heads > 0).astype(np.uint64)


def _moved(body: Message | memoryview) -> Message | memoryview:
    if not isinstance(body, CommandsTaken):
        return body
    return replace(body, runs=tuple(replace(run, book_sequence=run.book_sequence + 1) for run in body.runs))


@pytest.mark.parametrize(("venue", "words"), [(TwoNumbers, "before with"), (Twice, "another state")])
def test_a_planted_bug_is_found(venue: type[VenueRole], words: str) -> None:
    """By the first twelve seeds, and the failure says what is wrong."""

    def make(settings: Any, ports: Any, answers: Any) -> VenueRole:
        terms = Terms(frozenset(bytes.fromhex(key) for key in settings.operators))
        return venue("discovery", terms, ports, answers)

    kind = dataclasses.replace(DISCOVERY, make=make)
    scenario = recast(SCENARIOS[0], kind)
    found = (simulate(scenario, seed, Options()).failure for seed in range(12))
    failure = next((one for one in found if one is not None), None)
    assert failure is not None and words in str(failure)


def test_frames_of_a_trader_follow_each_other() -> None:
    """First command, number and length agree for the first hundred frames."""
    following = 1
    for frame in range(1, 101):
        assert (first_of(frame), frame_of(following), len(rows_of(frame, 0))) == (following, frame, count_of(frame))
        following += count_of(frame)


def test_a_trader_goes_on_from_a_snapshot() -> None:
    """The same ticks afterwards give the same bytes; junk is a ValueError."""
    trader, copy = Trader(TraderSettings(KEY), Ports()), Trader(TraderSettings(KEY), Ports())
    tick = [Record(3, TIMER_TAG, 10**9, NOBODY, b"tick")]
    trader.apply(tick)
    state = io.BytesIO()
    trader.snapshot(state)
    copy.restore(io.BytesIO(state.getvalue()))
    assert trader.apply(tick) == copy.apply(tick)
    with pytest.raises(ValueError, match="no state of a trader"):
        copy.restore(io.BytesIO(b"\xc1"))
