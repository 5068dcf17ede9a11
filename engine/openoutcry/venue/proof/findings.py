"""What a session file can show against a venue, or against the file itself: codes that are never reused."""

from enum import IntEnum
from typing import NamedTuple


class FindingCode(IntEnum):
    """What is wrong."""

    UNREADABLE = 1
    """Something in the file is no entry, or no frame."""
    OTHER_SESSION = 2
    """The file is another member's, or holds another session."""
    SENT_DIFFERENT = 3
    """The member itself has sent two different frames under one number."""
    FORGED = 4
    """Something that the venue or a member has to sign, without a signature that fits."""
    TWO_CHAINS = 10
    """The venue has signed two different heads in one place: it showed two chains."""
    BROKEN_CHAIN = 11
    """Heads that do not follow one another."""
    CONTRADICTION = 12
    """The venue has given one command two places in the book."""
    REORDERED = 13
    """Commands stand in another order than they were sent, or than the book's numbers say."""
    TAMPERED = 14
    """The receipt of a frame does not lead to the head: what stands there is not what was sent."""
    DROPPED = 15
    """A frame that the venue has acknowledged, and now does not know."""
    WITHHELD = 16
    """A receipt was asked for in time and never came."""
    INSERTED = 17
    """Commands under the member's name that it has not sent."""
    OTHER_CHAIN = 18
    """The venue's record of the member's commands is not what the member has sent."""
    BEFORE_SEEN = 19
    """A frame stands before a head that its sender had seen before sending it."""
    UNANSWERED = 30
    """A command was taken, and no event says what became of it."""
    WRONG_ANSWER = 31
    """An event says something else of an order than its command."""
    INVENTED_FILL = 32
    """A fill of an order that is not the member's, is not live, or beyond what is left of it."""
    BEYOND_LIMIT = 33
    """A fill at a price worse than the order's limit."""
    WRONG_LEAVES = 34
    """An event's leaves are not those that follow from the events before."""
    NOT_CANCELLED = 35
    """An order was cancelled as by its owner, who has not asked for it."""
    FILLS_DIFFER = 36
    """Two members were told different things of one trade."""
    MATCH_REFUSED = 40
    """A match that cannot be settled: a signature is missing or does not cover its order."""
    MATCH_WITHOUT_FILL = 41
    """A match of which the member's events know nothing."""
    FALSE_REVEALED = 50
    """A published frame that does not stand where it is said to."""
    REPLAY_DIFFERS = 51
    """By the rules, the same commands come to something else."""


OWN: frozenset[FindingCode] = frozenset({FindingCode.UNREADABLE, FindingCode.OTHER_SESSION, FindingCode.SENT_DIFFERENT})
"""What says nothing against the venue."""


class Finding(NamedTuple):
    """One thing that is wrong, and where: the member's command, 0 for none."""

    code: FindingCode
    sequence: int
    detail: str

    def __str__(self) -> str:
        where = f"command {self.sequence}: " if self.sequence else ""
        return f"{self.code.name.lower().replace('_', ' ')}: {where}{self.detail}"
