"""In which phase a pair is to be, and until when: its calendar, the random ends, an interruption, and who curbs it."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from openoutcry.domain import Phase
from openoutcry.venue.calendar.curbs import Curb, strictest
from openoutcry.venue.calendar.messages import Calendar
from openoutcry.venue.calendar.schedule import SECOND_NS, Transition, drawn, phase_at, phases
from openoutcry.venue.calendar.steps import PhaseStep, phase_steps
from openoutcry.wire.service import StateReason


class Wanted(NamedTuple):
    """The phase in which a pair is to be now, and why.

    until_ns: when something else may be wanted, which is when to ask again; 0 for not by itself. since_ns: when it
    began by the calendar, 0 where somebody curbs the pair: two auctions that follow each other differ only in this.
    """

    phase: Phase
    closing: bool
    reason: StateReason
    until_ns: int
    since_ns: int


@dataclass(frozen=True, slots=True)
class PairSchedule:
    """All that says in which phase a pair is to be. A value: the methods return another one.

    pair: its number, from which random ends follow together with `secret`, 32 bytes of the venue. calendar: None for a
    pair that the operator leads by hand, in phase `by_hand`. curbs: of authorities and of the operator.
    interrupted_ns, interrupted_until_ns: when the auction after a breached band began, and its end; 0 for none.
    """

    pair: int
    secret: bytes
    calendar: Calendar | None = None
    by_hand: Phase = Phase.CLOSED
    by_hand_closing: bool = False
    curbs: tuple[Curb, ...] = ()
    interrupted_ns: int = 0
    interrupted_until_ns: int = 0

    def wanted(self, now_ns: int) -> Wanted:
        """Return the phase for this moment. A day that is over is closed, whoever curbs the pair.

        70 microseconds; the answer changes at `until_ns` and with each value, never between.
        """
        planned, after_ns = self.planned(now_ns)
        curb = strictest(self.curbs, now_ns)
        ends = [after_ns, *(one.until_ns for one in self.curbs if one.is_active(now_ns))]
        phase, closing, reason, since_ns = planned.phase, planned.closing, StateReason.SCHEDULE, planned.at_ns
        if phase is Phase.CLOSED:
            return Wanted(phase, False, reason, after_ns, since_ns)
        if phase is Phase.CONTINUOUS and now_ns < self.interrupted_until_ns:
            phase, reason, since_ns = Phase.AUCTION, StateReason.BAND, self.interrupted_ns
            ends.append(self.interrupted_until_ns)
        if curb is not None:
            phase, closing, reason, since_ns = curb.phase, False, curb.reason, 0
        return Wanted(phase, closing, reason, min((end for end in ends if end), default=0), since_ns)

    def planned(self, now_ns: int) -> tuple[Transition, int]:
        """Return what the calendar says for now, random ends drawn, and when it says something else, 0 for never."""
        if self.calendar is None:
            return Transition(0, self.by_hand, self.by_hand_closing), 0
        holds = phase_at(self.calendar, now_ns)
        planned = drawn(holds, self.secret, self.pair)
        if planned.at_ns > now_ns:  # inside the window of a random end that is still to come
            return phase_at(self.calendar, holds.at_ns - 1), planned.at_ns
        after = next(phases(self.calendar, now_ns + 1, _END_NS), None)
        return planned, drawn(after, self.secret, self.pair).at_ns if after else 0

    def interrupted(self, now_ns: int) -> "PairSchedule":
        """Return the schedule after a breached band has put the pair into an auction at `now_ns`.

        The auction lasts as long as the calendar says. Without a calendar, or where it says nothing, the schedule does
        not change: the operator ends the auction.
        """
        if self.calendar is None or not self.calendar.interruption_s:
            return self
        end = Transition(
            now_ns + self.calendar.interruption_s * SECOND_NS,
            Phase.CONTINUOUS,
            False,
            self.calendar.interruption_random_s * SECOND_NS,
        )
        until_ns = drawn(end, self.secret, self.pair).at_ns
        return replace(self, interrupted_ns=now_ns, interrupted_until_ns=until_ns)


def steps_due(before: Wanted, wanted: Wanted, present: Phase, present_closing: bool) -> tuple[PhaseStep, ...]:
    """Return the steps when what is wanted becomes something else, () while it is the same.

    before: what was wanted until now. present: the phase in which the book is. The auction of a breached band is not
    begun again: the book has begun it.
    """
    if (before.phase, before.closing, before.since_ns) == (wanted.phase, wanted.closing, wanted.since_ns):
        return ()
    if wanted.reason is StateReason.BAND and present is Phase.AUCTION and not present_closing:
        return ()
    return phase_steps(present, present_closing, wanted.phase, wanted.closing)


_END_NS = 2**63 - 1
