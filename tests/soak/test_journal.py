"""The journal under 200 kills; what came of them is kept in benchmarks/results/journal.jsonl."""

from pathlib import Path
from statistics import median

import pytest

from benchmarks.record import RESULTS, Recorder
from tests.journal_kills import POINTS, Kills

SEEDS = (1, 2, 3, 4)
KILLS = 50
"""Of each seed, ten at any moment and ten at each crash point."""


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_no_acknowledged_record_is_lost_in_fifty_kills(seed: int, tmp_path: Path) -> None:
    """One journal a seed, checked from its first record after every kill."""
    kills = Kills(tmp_path / "journal", seed)
    for number in range(KILLS):
        kills.kill(POINTS[number % len(POINTS)])
    figures = {name.replace(" ", "_").replace(",", ""): count for name, count in sorted(kills.counts.items())}
    recovery = {"open_p50_ms": median(kills.recovery_s) * 1e3, "open_max_ms": max(kills.recovery_s) * 1e3}
    totals = {"kills": KILLS, "acknowledged": kills.acknowledged, "lost": 0, "twice": 0}
    Recorder(RESULTS).add("journal", {"what": "kills", "seed": seed}, {**totals, **figures, **recovery})
