"""The whole path through a venue: `python -m benchmarks.run --only venue`."""

from benchmarks.venue.path import measure

__all__ = ["measure"]
