"""Open Outcry: a plugin-based matching and price-discovery engine for markets without a centre.

Importing this package costs nothing: numpy, numba and zmq are loaded by the modules that need them.
"""

__version__ = "0.1.0"
