"""Measures the engine: workloads, runs, a side-by-side with other engines, and the page that reports them."""
