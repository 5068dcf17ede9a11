"""What an operator may choose about a journal."""

from dataclasses import dataclass

from openoutcry.node.journal.layout import (
    SEGMENT_BYTES_DEFAULT,
    SEGMENT_BYTES_MAX,
    SEGMENT_BYTES_MIN,
    SEGMENT_HEADER_BYTES,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """segment_bytes: size of new segments. archives_max: how many compressed segments are kept after a truncation,
    None for all, 0 to delete segments without archiving them.
    """

    segment_bytes: int = SEGMENT_BYTES_DEFAULT
    archives_max: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        if (
            not SEGMENT_BYTES_MIN <= self.segment_bytes <= SEGMENT_BYTES_MAX
            or self.segment_bytes % SEGMENT_HEADER_BYTES
        ):
            raise ValueError(
                f"segment_bytes is {self.segment_bytes}: it goes from {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX} in "
                f"steps of {SEGMENT_HEADER_BYTES}"
            )
        if self.archives_max is not None and self.archives_max < 0:
            raise ValueError(f"archives_max is {self.archives_max}: it is 0 or more, or left out to keep all")
