"""Engine handles: how a book names an order, without any table to look it up in.

A handle is generation << 32 | slot: the slot is the order's place in the pool, the generation counts how often the
slot was used, so a handle of an order that is gone never names another one (a slot's 2^32 uses apart). Slot 0 is
never used, so 0 is no handle.
"""


def handle(slot: int, generation: int) -> int:
    """Return the handle of a slot's present order."""
    return generation << 32 | slot


def slot_of(handle_: int) -> int:
    """Return the slot of a handle."""
    return handle_ & 0xFFFFFFFF


def generation_of(handle_: int) -> int:
    """Return the generation of a handle."""
    return handle_ >> 32
