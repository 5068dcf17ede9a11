"""What goes into a node and what comes out of it, as bytes."""

from typing import NamedTuple

from openoutcry.role import Topic
from openoutcry.wire.fields import KeyId


class Arrival(NamedTuple):
    """One frame, and the node at the other end of the link that it came by, whose key the link has authenticated."""

    peer: KeyId
    frame: bytes | memoryview


class Outgoing(NamedTuple):
    """One frame for one node, or for everyone who has subscribed to a topic."""

    to: KeyId | Topic
    frame: bytes | memoryview
