"""Slots: where handles come from."""

from __future__ import annotations

from typing import Final

from openoutcry.book.reference.order import Order
from openoutcry.domain.ids import generation_of, handle, slot_of

GENERATIONS: Final = 2**32
"""A generation is 32 bits and wraps."""


class Slots:
    """A pool of slots, numbered from 1. A freed slot is the next one to be taken."""

    def __init__(self, capacity_max: int) -> None:
        self.capacity_max = capacity_max
        self.orders: list[Order | None] = [None]
        self.generations = [0]
        self.stack: list[int] = []

    @property
    def full(self) -> bool:
        """Whether there is no slot for another order."""
        return not self.stack and len(self.orders) > self.capacity_max

    @property
    def live(self) -> int:
        """Number of slots in use."""
        return len(self.orders) - 1 - len(self.stack)

    def reserve(self) -> int:
        """Return the handle that the next order gets, growing the pool by one when no slot is free."""
        if not self.stack:
            self.stack.append(len(self.orders))
            self.orders.append(None)
            self.generations.append(1)
        slot = self.stack[-1]
        return handle(slot, self.generations[slot])

    def take(self, order: Order) -> None:
        """Give the reserved slot to the order."""
        slot = self.stack.pop()
        assert slot == slot_of(order.handle)
        self.orders[slot] = order

    def free(self, handle_: int) -> None:
        """The order is gone: its slot gets the next generation and lies on top of the stack."""
        slot = slot_of(handle_)
        self.orders[slot] = None
        self.generations[slot] = (self.generations[slot] + 1) % GENERATIONS
        self.stack.append(slot)

    def order(self, handle_: int) -> Order | None:
        """The live order with this handle, or None."""
        slot = slot_of(handle_)
        if slot >= len(self.orders) or self.generations[slot] != generation_of(handle_):
            return None
        return self.orders[slot]
