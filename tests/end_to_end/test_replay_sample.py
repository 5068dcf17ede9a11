"""The demonstration's recording, real where it can be had, against the figures in tests/data/replay/figures.json.

`make test` fetches the sample of real order flow, as `make demo` does. Where it cannot be had, the same is asked of
the generated flow that the demonstration then falls back on.
"""

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from openoutcry.cli.demo import find_sample, record_generated
from openoutcry.replay.books import OpenBooks, open_fast, open_plain
from openoutcry.replay.compare import OTHER
from openoutcry.replay.flow import Flow
from openoutcry.replay.readers.options import Options
from openoutcry.replay.rebuild import rebuild
from openoutcry.replay.rematch import rematch
from openoutcry.replay.snapshot import STALE
from openoutcry.replay.source import Source
from openoutcry.replay.table import AUTO, read
from tests.flows import silent

FIGURES = Path(__file__).parent.parent / "data" / "replay" / "figures.json"
OTHER_PPM_MAX = 10_000
"""At most one trade in a hundred may differ for a reason that has no name."""


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The recording, read once."""
    path = find_sample(None)
    if path is None:
        path = record_generated(tmp_path_factory.mktemp("generated"), plain=False)
    return read(Source(path), AUTO, Options())


@cache
def figures() -> dict[str, Any]:
    """Return the committed figures."""
    found: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return found


def test_the_sample_rebuilds_without_a_crossed_book_and_every_execution_is_right(flow: Flow) -> None:
    """After every transaction of the venue; executions: the order is there, at its price, with enough left, best."""
    rebuilt = rebuild(flow, open_fast, time.perf_counter_ns, silent)
    assert [market.crossed for market in rebuilt.market] == [0]
    assert not any(rebuilt.faults.values())
    assert not rebuilt.refused
    if flow.reader == "bitstamp":
        expected = figures()["bitstamp"]
        found = (flow.records, len(flow.messages), len(rebuilt.market[0].time_ns), rebuilt.executions)
        assert found == tuple(expected[name] for name in ("records", "messages", "transactions", "executions"))
        assert flow.remarks[STALE] == expected["stale"]


def test_matched_anew_the_venues_trades_come_out_the_same(flow: Flow) -> None:
    """At least the committed share; every trade that differs is in a named class, next to none in `other`."""
    comparison = rematch(flow, open_fast, time.perf_counter_ns, silent).comparison
    assert comparison.same + comparison.missing.total() == comparison.venue
    assert comparison.missing[OTHER] * 1_000_000 <= OTHER_PPM_MAX * comparison.venue
    assert comparison.extra[OTHER] * 1_000_000 <= OTHER_PPM_MAX * comparison.venue
    share = comparison.share_ppm()
    assert share is not None
    if flow.reader == "bitstamp":
        expected = figures()["bitstamp"]
        assert comparison.venue == expected["venue_trades"]
        assert comparison.same >= expected["same_at_least"]
        assert comparison.missing == expected["missing"]
    else:
        assert share >= figures()["generated"]["same_at_least_ppm"]


@pytest.mark.parametrize("mode", [rebuild, rematch])
def test_fast_and_plain_books_agree_on_every_event_of_the_sample(flow: Flow, mode: Callable[..., Any]) -> None:
    """Both modes, all events."""
    opened: tuple[OpenBooks, ...] = (open_fast, open_plain)
    fast, plain = (mode(flow, books, time.perf_counter_ns, silent) for books in opened)
    assert (fast.events == plain.events).all()
    assert len(fast.events) > len(flow.messages)
