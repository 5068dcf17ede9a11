"""The members' processes, from outside: started, spoken to by lines, and ended by their process ids."""

import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

import numpy as np

from openoutcry.cli.market.play import MEMBERS, Play
from openoutcry.client.practice import Practice

END_S: Final = 5.0
"""How long a member may take to end when its input has ended."""


class MarketBroken(Exception):
    """The market could not be played to its end; the message says which process failed, and how."""


class Member:
    """One member's process."""

    def __init__(self, name: str, profile: Path, commands: Path) -> None:
        """Start it; `meet` waits for it."""
        self.name = name
        self.results = commands.with_suffix(".heard.npz")
        self._log = commands.with_suffix(".log")
        self.account = self.session = -1
        self.taken = self.returns = self.waited = 0
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C is for the one who started it all, and he ends it in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "openoutcry.cli.market.trader", str(profile), str(commands), str(self.results)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def meet(self) -> None:
        """Wait until it has opened its session. Raises MarketBroken."""
        _, account, session = self.hear().split()
        self.account, self.session = int(account), int(session)

    def say(self, line: str) -> None:
        """Write it a line. Raises MarketBroken."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._broken() from error

    def hear(self) -> str:
        """Wait for its next line. Raises MarketBroken where it ends instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._broken()
        return line.strip()

    def hear_taken(self) -> None:
        """Wait until its turn is over."""
        self.taken = int(self.hear())

    def finish(self) -> None:
        """Have it write down what it has heard."""
        self.say("end")
        self.returns, self.waited = (int(word) for word in self.hear().split())

    def close(self) -> None:
        """End it: by the end of its input, else by a signal to its process id."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended before
            process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _broken(self) -> MarketBroken:
        said = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return MarketBroken(
            f"member {self.name} (process {self.pid}) has ended: {said[-1][:300] if said else 'no word'}"
        )


class Crew:
    """All members; leaving ends them."""

    def __init__(self, practice: Practice, play: Play) -> None:
        self._practice, self._play = practice, play
        self._opened = ExitStack()
        self.members: list[Member] = []

    def __enter__(self) -> Self:
        try:
            for number, name in enumerate(MEMBERS):
                path = self._practice.folder / f"{name}.npy"
                np.save(path, self._play.own(number))
                member = Member(name, self._practice.profile(name), path)
                self._opened.callback(member.close)
                self.members.append(member)
            for member in self.members:
                member.meet()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all; twice is once."""
        self._opened.close()
