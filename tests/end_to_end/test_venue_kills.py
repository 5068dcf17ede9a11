"""A venue that is killed again and again has every order that it has acknowledged, once."""

from pathlib import Path

from tests.venue.kills import VenueKills

KILLS = 10


def test_no_acknowledged_order_is_lost_or_doubled_when_a_venue_is_killed(tmp_path: Path) -> None:
    """Ten kills with SIGKILL under load; after each the journal is replayed into plain books, whose state must be that
    of the fast ones and whose displayed orders must have the digest that the restarted node tells.
    """
    node = VenueKills(tmp_path, seed=1)
    for _ in range(KILLS):
        node.kill()
    assert len(node.taken) > KILLS * 100
    assert node.resent > 0
