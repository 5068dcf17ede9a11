"""Fixtures of the suites."""

import pytest

from benchmarks.suites import scale as sizes


@pytest.fixture(scope="session")
def scale() -> sizes.Scale:
    """Return the published sizes, or small ones."""
    return sizes.chosen()
