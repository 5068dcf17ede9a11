"""How long a megabyte of junk takes to be refused: `python -m benchmarks.run --only junk`.

Every shape of tests/junk.py to everything that decodes control messages, the median of five; of each decoder the worst
shape is kept. A frame longer than `CONTROL_BYTES_MAX` is refused for its length, so the bound itself is measured too.
"""

import tracemalloc
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.record import Recorder
from openoutcry.wire.limits import CONTROL_BYTES_MAX
from tests.junk import MEGABYTE, decoders, junk

ROUNDS: Final = 5


def measure(recorder: Recorder, *, quick: bool = False) -> None:
    """Time and weigh every decoder."""
    for size in (CONTROL_BYTES_MAX, MEGABYTE):
        shapes = junk(size)
        if quick:
            shapes = dict(list(shapes.items())[::40])
        for name, decode in decoders().items():
            decode(b"")
            worst_us, worst, bytes_max = 0.0, "", 0
            for shape, data in shapes.items():
                laps = []
                for _ in range(ROUNDS):
                    begin = perf_counter()
                    decode(data)
                    laps.append((perf_counter() - begin) * 1e6)
                tracemalloc.start()
                decode(data)
                bytes_max = max(bytes_max, tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
                if median(laps) > worst_us:
                    worst_us, worst = median(laps), shape
            figures: dict[str, float | int | str | None]
            figures = {"worst_us": worst_us, "worst_shape": worst, "bytes_max": bytes_max, "shapes": len(shapes)}
            recorder.add("junk", {"decoder": name, "bytes": size}, figures)
