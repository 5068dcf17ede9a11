"""Who hands out turns: a member sends, and only when the venue has taken it all does the next one send.

So the venue's journal has the commands of four processes in the order of the recording, and nothing has to be put in
order afterwards. What it costs is the time of one answer a turn.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from openoutcry.cli.market.crew import Crew
from openoutcry.cli.market.play import Play, kill_turn
from openoutcry.client.practice import Practice

DEAD_S: Final = 1.0
"""How long the venue stays dead, so that it is seen."""


class Pacing(threading.Thread):
    """Plays everything, in a thread of its own. `state`, `done` and `turn` may be read meanwhile."""

    def __init__(self, play: Play, crew: Crew, practice: Practice, note: Callable[[str], object]) -> None:
        super().__init__(name="pacing")
        self.play, self.crew, self.practice, self.note = play, crew, practice, note
        self.state = "running"
        self.done = 0
        self.member = 0
        self.failed: BaseException | None = None
        self.down_s = 0.0
        self.is_stopping = False

    def run(self) -> None:
        """Play."""
        try:
            self._play()
        except BaseException as error:  # raised by who waits for this thread
            self.failed = error

    def _play(self) -> None:
        turns = self.play.turns()
        fatal = kill_turn(turns, len(self.play.commands))
        for number, turn in enumerate(turns):
            if self.is_stopping:
                return
            member = self.crew.members[turn.member]
            self.member = turn.member
            if number == fatal:
                member.say(f"{turn.count} begun")
                member.hear()
                self._kill(member.name)
            else:
                member.say(str(turn.count))
            member.hear_taken()
            if number == fatal:
                self.note(f"{member.name} has come back by itself, and has sent again what had no answer")
            self.done = turn.first + turn.count

    def _kill(self, name: str) -> None:
        begin = time.monotonic()
        self.practice.kill()
        self.state = "killed"
        self.note(f"SIGKILL to the venue, in the middle of what {name} sends: its memory is gone")
        time.sleep(DEAD_S)
        self.state = "restarting"
        self.note("the venue is started again, from its journal")
        self.practice.start()
        self.state = "running"
        self.down_s = time.monotonic() - begin
        self.note(f"the venue trades again, {self.down_s:.1f} s after the kill")
