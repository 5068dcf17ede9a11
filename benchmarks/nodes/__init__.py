"""Measures of a whole node: what a group costs, how fast it starts again, how far away its answer is.

`python -m benchmarks.run --only nodes`. Each part says in its module what is measured and what is left out.
"""

from benchmarks.nodes import abuse, costs, echo, restart, soak
from benchmarks.record import Recorder


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Measure every part, one after the other."""
    costs.measure(recorder, quick=quick)
    restart.measure(recorder, quick=quick)
    echo.measure(recorder, quick=quick)
    abuse.measure(recorder, quick=quick)
    soak.measure(recorder, quick=quick)
