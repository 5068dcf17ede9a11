"""A real process that writes a journal and is ended by SIGKILL; `make soak` does it 200 times."""

from pathlib import Path

from tests.journal_kills import POINTS, Kills

KILLS = 10
SEED = 1


def test_no_acknowledged_record_is_lost_and_none_is_there_twice(tmp_path: Path) -> None:
    """Ten kills of one journal: twice at any moment and twice at each of the four crash points."""
    kills = Kills(tmp_path / "journal", SEED)
    for number in range(KILLS):
        kills.kill(POINTS[number % len(POINTS)])
    assert sum(kills.counts[name] for name in ("at any moment", *(point.value for point in POINTS))) == KILLS
    assert 0 < kills.acknowledged <= kills.counts["records"]
