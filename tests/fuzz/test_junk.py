"""A megabyte of junk to every decoder of control messages: refused, with less than a megabyte of memory."""

import tracemalloc

import pytest

from openoutcry.node.core.traffic import Arrival, Outgoing
from openoutcry.node.journal import MemoryDisk
from openoutcry.wire.codec import Head
from openoutcry.wire.faults import WireFault
from openoutcry.wire.limits import CONTROL_BYTES_MAX
from openoutcry.wire.messages import Refuse
from tests.junk import MEGABYTE, decoders, junk
from tests.small_roles import Node

MEMORY_BYTES_MAX = 1 << 20
DECODERS = decoders()


@pytest.mark.parametrize("size", [CONTROL_BYTES_MAX, MEGABYTE])
@pytest.mark.parametrize("name", DECODERS)
def test_junk_is_refused_with_less_than_a_megabyte(name: str, size: int) -> None:
    """Every shape, at the bound of a control message and at a megabyte; what is decoded of it counts as memory."""
    decode = DECODERS[name]
    shapes = junk(size)
    decode(b"")  # what is made once is made
    for shape, data in shapes.items():
        tracemalloc.start()
        found = decode(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY_BYTES_MAX, shape
        assert is_refusal(found), (shape, found)


def is_refusal(found: object) -> bool:
    """Tell whether an answer says no: a fault, an error, a REFUSE; a node answers its peer so, or says nothing."""
    if isinstance(found, list):
        return all(isinstance(one, Outgoing) for one in found) and len(found) <= 1
    return found is None or isinstance(found, WireFault | Refuse | Exception | Head)


def test_a_node_keeps_nothing_of_junk() -> None:
    """No record, no effect: the journal of a node that was given every shape is empty."""
    node = Node(disk=MemoryDisk(bytes(16)))
    for data in junk(CONTROL_BYTES_MAX).values():
        node.core.step([Arrival(bytes(range(32)), data)], node.now_ns)
    assert node.log.last == 0
    assert node.core.counters.records == 0
