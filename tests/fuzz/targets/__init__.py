"""Fuzzing of every decoder, guided by coverage: `python -m tests.fuzz.targets [--seconds N] [NAME ...]`.

A target is what takes bytes from outside, with seeds that are good and a way to change them that keeps their structure:
checksums, digests and signatures are made right again, or nothing would get past them. docs/how-to/fuzz.md says more.
"""
