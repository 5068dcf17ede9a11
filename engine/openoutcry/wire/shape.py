"""The shape of MessagePack without its content: how many items, how deep; bounded, without recursion or allocation.

Used where no type says what comes: fields of a newer version, and the inspector.
"""

from typing import Final, NamedTuple

from openoutcry.wire.faults import FaultCode, WireFault, fault

Buffer = bytes | bytearray | memoryview


class Head(NamedTuple):
    """What the first byte of an item says."""

    length_bytes: int
    """So many big-endian bytes with a length follow."""
    fixed: int
    """Bytes of content beside those that the length counts."""
    children: int
    """Items inside, where the first byte itself counts them."""
    factor: int
    """Items inside for each 1 of the length: 1 for an array, 2 for a map, 0 where the length counts bytes."""


def _heads() -> tuple[Head | None, ...]:
    heads: list[Head | None] = [Head(0, 0, 0, 0)] * 256
    for low in range(16):
        heads[0x80 | low] = Head(0, 0, 2 * low, 0)
        heads[0x90 | low] = Head(0, 0, low, 0)
    for low in range(32):
        heads[0xA0 | low] = Head(0, low, 0, 0)
    heads[0xC1] = None
    for power in range(3):
        length_bytes = 1 << power
        heads[0xC4 + power] = heads[0xD9 + power] = Head(length_bytes, 0, 0, 0)
        heads[0xC7 + power] = Head(length_bytes, 1, 0, 0)
    for power in range(2):
        heads[0xDC + power] = Head(2 << power, 0, 0, 1)
        heads[0xDE + power] = Head(2 << power, 0, 0, 2)
        heads[0xCA + power] = Head(0, 4 << power, 0, 0)
    for power in range(4):
        heads[0xCC + power] = heads[0xD0 + power] = Head(0, 1 << power, 0, 0)
    for power in range(5):
        heads[0xD4 + power] = Head(0, 1 + (1 << power), 0, 0)
    return tuple(heads)


HEADS: Final = _heads()
"""First byte to what it says; None for 0xC1, which MessagePack never uses."""


def shape_fault(frame: Buffer, items_max: int, nesting_max: int) -> WireFault | None:
    """Say what is wrong with a frame that should be one whole MessagePack item within bounds, or None.

    items_max: of all depths. nesting_max: arrays and maps inside one another.
    Cost: 0.2 microseconds an item, whatever the items hold; stops at the bound.

    >>> shape_fault(b"\\x92\\x01\\xc0", 3, 1)
    >>> str(shape_fault(b"\\x92\\x01\\xc0", 2, 1))
    'too nested: more than 2 items'
    """
    size, position, items = len(frame), 0, 0
    left = [1]
    while left:
        if not left[-1]:
            left.pop()
            continue
        left[-1] -= 1
        items += 1
        head = HEADS[frame[position]] if position < size else None
        if head is None:
            return fault(FaultCode.MALFORMED, f"no item at byte {position}")
        length_bytes, length, children, factor = head
        position += 1
        if length_bytes:
            claimed = int.from_bytes(frame[position : position + length_bytes], "big")
            position += length_bytes
            children = claimed * factor
            if not factor:
                length += claimed
        position += length
        if position > size:
            return fault(FaultCode.MALFORMED, "cut short")
        if children:
            if items + children > items_max:
                return fault(FaultCode.TOO_NESTED, f"more than {items_max} items")
            if len(left) > nesting_max:
                return fault(FaultCode.TOO_NESTED, f"more than {nesting_max} levels")
            left.append(children)
    if position != size:
        return fault(FaultCode.MALFORMED, f"{size - position} bytes after its end")
    return None
