"""The command line `outcry`. Commands import what they need when they run: help must not wait for numba."""
