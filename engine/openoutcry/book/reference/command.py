"""A command as the plain book reads it, and which flags each op knows."""

from typing import Final, NamedTuple

from openoutcry.domain import CommandFlag, Op


class Command(NamedTuple):
    """One COMMAND record; the fields are those of the dtype, in its order."""

    op: int
    side: int
    kind: int
    tif: int
    stp: int
    flags: int
    spare: int
    pair: int
    account: int
    client_id: int
    price_ticks: int
    qty_lots: int
    display_lots: int
    trigger_ticks: int
    expiry_ns: int

    @property
    def by_handle(self) -> bool:
        """Whether client_id is a handle (PLACE: whether it is not indexed)."""
        return bool(self.flags & CommandFlag.BY_HANDLE)

    @property
    def unknown_flags(self) -> bool:
        """Whether there is a flag that this op does not know."""
        return bool(self.flags & ~int(FLAGS_KNOWN.get(self.op, 0)))


FLAGS_KNOWN: Final[dict[int, int]] = {
    Op.PLACE: CommandFlag.BY_HANDLE | CommandFlag.REDUCE_ONLY,
    Op.CANCEL: CommandFlag.BY_HANDLE,
    Op.REDUCE: CommandFlag.BY_HANDLE,
    Op.REPLACE: CommandFlag.BY_HANDLE,
    Op.SET_PHASE: CommandFlag.CLOSING,
}
