"""Replay of recorded order flow through our books.

Readers turn recordings of several formats into one shape (`Flow`), columnar throughout. `rebuild` applies what the
venue said happened and checks every execution against the book; `rematch` keeps only what traders did, lets our book
decide who trades, and counts how many of the venue's own trades came out the same.
"""
