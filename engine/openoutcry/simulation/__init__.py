"""Simulation: whole markets of unmodified roles and nodes in one process, on virtual time, with faults from a seed.

Only what surrounds a node is virtual: the network, the clock, the disk. One seed repeats a run byte for byte.
"""
