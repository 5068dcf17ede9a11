"""A node and a peer that does something wrong, as processes: a second peer is served as if nothing were."""

import pytest

from benchmarks.children.abuser import KINDS
from benchmarks.nodes.abuse import abusing
from benchmarks.nodes.echo import linked, serving, take
from openoutcry.wire.codec import encode
from openoutcry_echo.messages import EchoRequest

ASKS = 100


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_notices_a_peer_that(kind: str) -> None:
    """The victim asks a hundred times while the abuser does its one thing; each answer is its own, in order."""
    with serving("node", True, "sync", limited=True) as served, linked(served, True, True, b"victim") as link:
        with abusing(kind, served) as done:
            for number in range(1, ASKS + 1):
                request = encode(EchoRequest(number, number.to_bytes(8, "little")))
                link.send(request)
                assert take(link)[4:] == request[4:], "all but the tag of the reply is the request"
        assert sum(done) > 0
