"""What a venue charges: tariffs with the time from which they hold, and the fees of trades in whole units.

Integers throughout. docs/reference/tariffs.md states the rule, its rounding and what follows from it.
"""
