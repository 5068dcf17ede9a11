"""Timings by pytest-benchmark; `python -m benchmarks.run` runs them and keeps their medians."""
