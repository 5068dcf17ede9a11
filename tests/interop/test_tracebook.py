"""Our books against the matching engine of `tracebook-conformance`, an independent program with the usual rules."""

import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracebook.conformance import (
    AdapterFactory,
    ConformanceConfig,
    ExternalProcessAdapterFactory,
    campaign_profile_names,
    copy_bundled_conformance_suite,
    run_campaign,
    run_conformance_suite,
    run_qualification,
)
from tracebook.core.order import OrderSide
from tracebook.events import MarketEvent

from tests.interop.tracebook_adapter import LOTS_PER_UNIT, PRICE_TICKS_MAX, OpenOutcryAdapter, open_fast

ADAPTER: Final = Path(__file__).with_name("tracebook_adapter.py")
START_SECONDS_MAX: Final = 60.0
"""For a child process to answer: the first one may have to compile the kernel."""

PROFILES: Final = ("fifo-full-v1", "fifo-limit-v1", "fifo-partial-fill-v1")


def child_process() -> AdapterFactory:
    """Return what starts the adapter as a program of its own."""
    return ExternalProcessAdapterFactory([sys.executable, str(ADAPTER)], timeout_seconds=START_SECONDS_MAX)


def same_process(config: ConformanceConfig) -> OpenOutcryAdapter:
    """Return the adapter itself: what it answers is the same, without the start of a process."""
    return OpenOutcryAdapter(config, open_fast)


@pytest.mark.parametrize(("version", "cases"), [("v2", 9), ("v1", 8)])
def test_every_case_of_the_suite_conforms(tmp_path: Path, version: str, cases: int) -> None:
    """The bundled suites, each case in a child process; a report names the first event that differs."""
    suite = copy_bundled_conformance_suite(tmp_path / "suite", suite_version=version)
    report = run_conformance_suite(suite, child_process())
    differing = {case["name"]: case["report"]["divergence"] for case in report["cases"]}
    assert {name: found for name, found in differing.items() if found is not None} == {}
    assert report["conformant_cases"] == report["case_count"] == cases


@pytest.mark.parametrize("profile", PROFILES)
def test_a_child_process_qualifies_for_every_profile(profile: str) -> None:
    """The profile's fixed cases and two generated traces, with every capability of the profile covered."""
    result = run_qualification(child_process(), profile, seed=20_260_801, traces=2, events_per_trace=200)
    assert result.campaign.failure is None
    assert result.coverage_complete
    assert result.qualified


def test_the_profiles_are_all_there_are() -> None:
    """A profile that a new version of the kit adds is noticed."""
    assert campaign_profile_names() == PROFILES


@given(profile=st.sampled_from(PROFILES), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=30)
def test_generated_traces_conform_with_any_seed(profile: str, seed: int) -> None:
    """One trace of 200 events from each drawn seed, in this process; a failure prints the seed that repeats it."""
    result = run_campaign(same_process, profile=profile, seed=seed, traces=1, events_per_trace=200)
    assert result.failure is None
    assert result.conformant


@pytest.mark.parametrize(
    ("price", "quantity"),
    [
        (100.0, 1e300),
        (1e300, 1.0),
        (100.0, 0.0),
        (100.0, -1.0),
        (-100.0, 1.0),
        ((PRICE_TICKS_MAX + 1) / 100, 1.0),
        (100.0, 2**49 / LOTS_PER_UNIT),
    ],
)
def test_what_the_books_cannot_hold_is_refused(price: float, quantity: float) -> None:
    """Absurd prices and quantities are an answer of the protocol and leave an empty book."""
    adapter = same_process(ConformanceConfig())
    event = MarketEvent("new", "TEST", order_id=1, side=OrderSide.BUY, price=price, quantity=quantity)
    observation = adapter.apply(event, 1)
    assert observation.outcome.reason == "INVALID_ORDER"
    assert observation.resting_order_count == 0
