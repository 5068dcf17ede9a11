"""One member of the first market: a process that sends its commands when it is told that it is its turn.

Lines on standard input, each answered by one on standard output:

| line | what is done | answer |
|---|---|---|
| `COUNT` | the next COUNT commands are sent and taken | commands taken so far |
| `COUNT begun` | the same | `begun` after the first frame was taken, then as above |
| `end` | what was heard is written into the file of results | how often the link came back, commands that then waited |

It begins with `ready`, its account and its session. When the input ends, it ends. Nothing here knows of a kill: that
the link comes back, and what has to be sent again, is the client's.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import numpy as np

from openoutcry.client import EventFrame, Happening, OrderEvent, SessionEvent, Taken, Venue
from openoutcry.client.errors import Closed
from openoutcry.client.reading import Reader
from openoutcry.domain.records import EVENT, Commands

FRAME: Final = 32
"""Commands of one frame."""

WINDOW: Final = 4
"""Frames of one turn that are on their way."""

BEGUN_FRAMES: Final = 16
"""Frames, at least, of a turn whose beginning is told: the venue is killed before it has taken the last."""

PATIENCE_S: Final = 90.0
"""How long a member waits for the venue: a restart takes some seconds."""


TAKEN_ROWS: Final = np.dtype([("sequence", "<u8"), ("commands", "<u8"), ("book_sequence", "<u8")])
"""What the venue has acknowledged: a frame."""


class Heard:
    """Collects the member's events as they come, in a thread of its own."""

    def __init__(self, reader: Reader[EventFrame]) -> None:
        self.frames: list[EventFrame] = []
        self.fault = ""
        self._reader = reader
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def last(self) -> int:
        """Number of the last event."""
        return self.frames[-1].number + len(self.frames[-1].events) - 1 if self.frames else 0

    def wait(self, number: int) -> None:
        """Wait for an event. Raises TimeoutError."""
        with self._more:
            if not self._more.wait_for(lambda: self.last >= number or bool(self.fault), PATIENCE_S):
                raise TimeoutError(f"event {number} has not come: the last one is {self.last}")

    def _run(self) -> None:
        while True:
            try:
                frame = self._reader.get()
            except Closed:
                return
            with self._more:
                if isinstance(frame, EventFrame):
                    if frame.number != self.last + 1:
                        self.fault = f"event {frame.number} came after {self.last}"
                    self.frames.append(EventFrame(frame.number, frame.events.copy()))
                else:
                    self.fault = f"{frame} frames of events were missed"
                self._more.notify_all()


class Trader:
    """A member at work."""

    def __init__(self, venue: Venue, commands: Commands, heard: Heard) -> None:
        self.venue, self.commands, self.heard = venue, commands, heard
        self.taken: list[Taken] = []
        self.at = 0
        self.returns = self.waited = 0
        self._open: deque[tuple[Future[Taken], int]] = deque()
        self._is_lost = False
        venue.on_event(self._note)

    def turn(self, count: int, begun: Callable[[], object] | None = None) -> None:
        """Send so many commands, and wait until the venue has taken them.

        begun: called once, when the venue has taken the first frame and others are on their way; then frames are small,
        so that it takes a while.
        """
        end = self.at + count
        size = FRAME if begun is None else max(1, min(FRAME, count // BEGUN_FRAMES))
        for first in range(self.at, end, size):
            rows = self.commands[first : min(first + size, end)]
            self._open.append((self.venue.later.submit(rows), len(rows)))
            if len(self._open) >= WINDOW:
                self._take()
                if begun is not None:
                    begun()
                    begun = None
        if begun is not None:  # a turn of three commands or fewer
            begun()
        while self._open:
            self._take()
        self.at = end

    def _take(self) -> None:
        """Wait until the venue has taken the oldest frame."""
        self.taken.append(self._open[0][0].result(PATIENCE_S))
        self._open.popleft()

    def write(self, path: Path) -> None:
        """Write what the venue has acknowledged and told, after the last event of it was heard."""
        if self.taken:
            self.heard.wait(self.taken[-1].event_head)
        events = np.concatenate([np.zeros(0, EVENT), *(frame.events for frame in self.heard.frames)])
        taken = np.array([one[:3] for one in self.taken], TAKEN_ROWS)
        np.savez(path, events=events, taken=taken, fault=np.array(self.heard.fault))

    def _note(self, event: OrderEvent | SessionEvent) -> None:
        if isinstance(event, SessionEvent) and event.happening is Happening.LINK_LOST:
            self._is_lost = True
        elif self._is_lost and isinstance(event, SessionEvent) and event.happening is Happening.OPENED:
            self._is_lost = False
            self.returns += 1
            self.waited += sum(count for future, count in list(self._open) if not future.done())


def main(profile: str, commands: str, results: str) -> int:
    """Trade until the input ends."""
    rows = np.load(commands)
    with Venue.open(profile, track=False, timeout_s=PATIENCE_S) as venue, venue.frames() as frames:
        rows["account"] = venue.later.account(None)
        trader = Trader(venue, rows, Heard(frames))
        _say(f"ready {venue.later.account(None)} {venue.later.opened.session}")
        for line in sys.stdin:
            word, *more = line.split()
            if word == "end":
                trader.write(Path(results))
                _say(f"{trader.returns} {trader.waited}")
            else:
                trader.turn(int(word), (lambda: _say("begun")) if more else None)
                _say(str(trader.at))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
