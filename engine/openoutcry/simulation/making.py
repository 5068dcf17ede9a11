"""From a scenario to its nodes."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from openoutcry.host.kinds import RoleKind, Scenario
from openoutcry.node.core.language import Language
from openoutcry.simulation.chance import Chance
from openoutcry.simulation.clock import Clock
from openoutcry.simulation.faults import DRIFT_PPB_MAX, SKEW_NS_MAX, Fault
from openoutcry.simulation.identities import REAL_EVERY, identity
from openoutcry.simulation.network import STEP_NS
from openoutcry.simulation.options import EPOCH_NS, Options
from openoutcry.simulation.virtual_node import VirtualNode
from openoutcry.wire.codec import Codec
from openoutcry.wire.table import MESSAGES

EVEN: Final = 0.5
"""Runs, as a part of 1, whose clocks differ by whole steps and do not drift: there a frame can arrive at the very
nanosecond of a deadline, also one that was set by another node."""


def make_nodes(scenario: Scenario, seed: int, options: Options, skew: bool, counts: Counter[str]) -> list[VirtualNode]:
    """Return the nodes, in the order of their names in the scenario; none is up."""
    real = seed % REAL_EVERY == 0 if options.real is None else options.real
    identities = {name: identity(seed, name, real) for name in scenario.names}
    casts = scenario.nodes({name: one.key for name, one in identities.items()})
    chance = Chance(seed, "clocks")
    even = chance.draw() < EVEN
    nodes = []
    for index, name in enumerate(scenario.names):
        clock = Clock(EPOCH_NS)
        if skew:
            _skew(clock, chance, even)
            counts[Fault.SKEW] += 1
        language = _language(tuple(cast.kind for cast in casts[name]))
        nodes.append(
            VirtualNode(index, name, casts[name], identities[name], language, clock, options.make_core, counts)
        )
    return nodes


def codec_of(nodes: Sequence[VirtualNode]) -> Codec:
    """Return what reads the messages of all nodes."""
    types = [type_ for node in nodes for cast in node.casts for type_ in cast.kind.messages]
    return _codec(tuple(dict.fromkeys(types)))


def _skew(clock: Clock, chance: Chance, even: bool) -> None:
    """Set a clock wrong; even: by whole steps, and at the right speed."""
    offset_ns = chance.between(-SKEW_NS_MAX, SKEW_NS_MAX)
    drift_ppb = chance.between(-DRIFT_PPB_MAX, DRIFT_PPB_MAX)
    clock.offset_ns = offset_ns - offset_ns % STEP_NS if even else offset_ns
    clock.drift_ppb = 0 if even else drift_ppb


# A thousand runs of one scenario make the same decoders: 2 ms each.
@lru_cache(64)
def _language(kinds: tuple[RoleKind, ...]) -> Language:
    return Language(dict(enumerate(kinds, 1)))


@lru_cache(64)
def _codec(types: tuple[type, ...]) -> Codec:
    return Codec(MESSAGES.extended(types))
