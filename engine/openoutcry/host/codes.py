"""What an order check may answer, and how the answers of several become one."""

import enum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from openoutcry.domain import Op, RejectCode

CODE_MAX: Final = int(max(RejectCode))
assert sorted(RejectCode) == list(range(1, CODE_MAX + 1)), "one comparison tells whether a code is known"

UNCHECKED: Final = RejectCode.CAPACITY
"""The code of what is refused since a required check gave no answer: this venue cannot take it now."""

TAKING_BACK: Final = (Op.CANCEL, Op.REDUCE, Op.MASS_CANCEL)
"""Never refused for want of an answer: a check that is down must not keep a trader in the market."""


class NoAnswer(enum.Enum):
    """What stands for the answer of a check that gave none; None would mean that it does not object."""

    NO_ANSWER = 0


NO_ANSWER: Final = NoAnswer.NO_ANSWER

Answer: TypeAlias = NDArray[np.int16] | NoAnswer | None


def fault_of(answer: object, count: int) -> str | None:
    """Say why this is no answer to a check of `count` commands, None where it is one. About 2 microseconds."""
    if type(answer) is not np.ndarray:
        return f"answered {type(answer).__name__}, expected an array of {count} int16 or None"
    if answer.dtype != np.int16:
        return f"answered an array of {answer.dtype}, expected int16"
    if answer.shape != (count,):
        return f"answered an array of shape {answer.shape}, expected ({count},)"
    if count and np.maximum.reduce(answer.view(np.uint16)) > CODE_MAX:
        strange = answer[(answer < 0) | (answer > CODE_MAX)]
        return f"answered code {int(strange[0])}, which is no RejectCode"
    return None


def merge(codes: NDArray[np.int16], answer: NDArray[np.int16]) -> None:
    """Add the objections of one check to those of the checks before it, whose codes stay."""
    np.copyto(codes, answer, where=codes == 0)


def refuse_unchecked(codes: NDArray[np.int16], ops: NDArray[np.uint8]) -> None:
    """Refuse what no check before has refused, cancellations aside."""
    codes[(codes == 0) & ~np.isin(ops, TAKING_BACK)] = UNCHECKED
