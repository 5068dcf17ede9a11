"""The page of figures: what it says follows from the results and from nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import record, report
from benchmarks.record import Recorder

MACHINE = {"cpu": "A processor", "cores": 2, "python": "3.11", "numpy": "2", "numba": "0", "load": 0.1}


def write(folder: Path, measure: str, *lines: tuple[dict[str, Any], dict[str, Any], str]) -> None:
    """Write results: case, figures, date."""
    with (folder / f"{measure}.jsonl").open("a", encoding="utf-8") as file:
        for case, figures, date in lines:
            facts = {"measure": measure, "case": case, "figures": figures, "commit": "c0ffee", "date": date}
            file.write(json.dumps({**facts, "machine": MACHINE}) + "\n")


def peers(folder: Path, date: str, **rates: float) -> None:
    """Write one side-by-side on A: a silent peer, a peer that tells, and ours in two batch sizes."""
    write(
        folder,
        "peers",
        (
            {"workload": "A", "engine": "silent", "version": "1"},
            {"messages_per_s": rates["silent"], "messages": 5, "reports": "nothing", "python": "3"},
            date,
        ),
        (
            {"workload": "A", "engine": "telling", "version": "2"},
            {"messages_per_s": rates["telling"], "messages": 5, "reports": "every trade", "python": "3"},
            date,
        ),
        *(
            (
                {"workload": "A", "engine": "openoutcry, handles", "batch": batch},
                {"messages_per_s": rate, "messages": 5, "reports": "every event"},
                date,
            )
            for batch, rate in ((1, rates["single"]), (256, rates["batched"]))
        ),
    )


def test_the_page_is_what_the_results_say() -> None:
    """The committed page against a new rendering of the committed results."""
    assert report.PAGE.read_text(encoding="utf-8") == report.render()


def test_a_page_without_results_says_so(tmp_path: Path) -> None:
    """An empty folder: every section is there and says that it was not measured."""
    page = report.render(tmp_path)
    assert page.count(report.NOT_MEASURED) == 11
    assert page.startswith("# Benchmarks\n")


def test_the_latest_line_of_a_case_counts(tmp_path: Path) -> None:
    """Two lines of one case, and one of another: the earlier one is not on the page."""
    for date, rate in (("2026-01-01", 1e6), ("2026-01-02", 21e6)):
        case = {"workload": "A", "naming": "handles", "batch": 256}
        write(tmp_path, "throughput", (case, {"messages_per_s": rate}, date))
    page = report.render(tmp_path)
    assert "| A | handles |  |  | 21 |  | 20, batch 256 and above | 30 | yes |" in page


@pytest.mark.parametrize(("rate", "met"), [(20e6, "yes"), (19.9e6, "no")])
def test_a_missed_target_is_named(tmp_path: Path, rate: float, met: str) -> None:
    """Just at the target, and just below it."""
    case = {"workload": "A", "naming": "handles", "batch": 4096}
    write(tmp_path, "throughput", (case, {"messages_per_s": rate}, "2026-01-01"))
    line = next(line for line in report.render(tmp_path).splitlines() if line.startswith("| A | handles |"))
    assert line.endswith(f"| {met} |")


def test_multiples_are_of_the_latest_run_and_name_both_fastest(tmp_path: Path) -> None:
    """The fastest peer, which says nothing, and the fastest that tells what traded; an older run does not mix in."""
    peers(tmp_path, "2026-01-01", silent=1, telling=1, single=1, batched=1)
    peers(tmp_path, "2026-01-02", silent=8e6, telling=1e6, single=2e6, batched=24e6)
    page = report.render(tmp_path)
    assert "| ours, as a multiple of | silent 1 (Python 3) | telling 2 (Python 3) | target |" in page
    assert "| handles, batches | 3.0 | 24.0 | 10 |" in page
    assert "| handles, one message a call | 0.2 | 2.0 |  |" in page


def test_a_result_is_kept_as_it_was_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded, read again: the same case and figures, rounded to five digits, with commit and machine."""
    recorder = Recorder(tmp_path)
    result = recorder.add("memory", {"naming": "handles"}, {"growth_bytes": 7, "bytes_per_order": 1 / 3})
    assert list(record.read("memory", tmp_path)) == [result]
    assert result.figures == {"growth_bytes": 7, "bytes_per_order": 0.33333}
    assert set(MACHINE) <= set(result.machine)
    assert "memory naming=handles" in capsys.readouterr().out


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """The second line is cut off: the error says so."""
    write(tmp_path, "memory", ({"naming": "handles"}, {}, "2026-01-01"))
    with (tmp_path / "memory.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"measure": "mem')
    with pytest.raises(ValueError, match=r"memory\.jsonl line 2: "):
        list(record.read("memory", tmp_path))
