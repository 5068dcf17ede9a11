"""The threat model names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat-model.md"


def test_every_counter_is_shown_by_a_test_that_exists() -> None:
    """Files and functions in the last cell of each row, against the files themselves."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    named = [re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", row) for row in rows if "| shown by |" not in row]
    assert len(named) > 20
    missing = []
    for row in named:
        assert row, "a threat without a test"
        for path, test in row:
            text = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else None
            if text is None or (test and f"def {test}(" not in text):
                missing.append(f"{path}::{test}")
    assert not missing
