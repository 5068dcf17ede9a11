"""A plugin's own process: `python -m openoutcry.host.child MEMORY_MB`, begun by a node and by nobody else.

Questions come through standard input and answers go out through standard output, as frames (`pipe`). Both are moved
away before the plugin is imported, so that what it prints goes to standard error, which the node reads and bounds.
"""

import os
import sys
from typing import BinaryIO

import numpy as np

from openoutcry.domain.records import COMMAND
from openoutcry.host.account import words_of
from openoutcry.host.bring import BrokenPlugin, Hook, bring, carried
from openoutcry.host.codes import fault_of
from openoutcry.host.confine import close, limit, refresh
from openoutcry.host.errors import PluginError
from openoutcry.host.kinds import ReplayReader, RoleKind, Scenario
from openoutcry.host.pipe import ASK_BYTES_MAX, Ask, Begin, Failed, Ready, Told, framed, read_exactly, to_child


def main(memory_mb: int) -> int:
    """Serve one plugin until standard input ends."""
    questions, answers = _take_pipes()
    limit(memory_mb)
    refresh()
    body = read_exactly(questions.read, ASK_BYTES_MAX)
    if body is None:
        return 0
    begin = to_child.decode(body)
    assert isinstance(begin, Begin)
    for missing in close([*filter(None, sys.path), sys.prefix, sys.base_prefix]):
        print(missing, file=sys.stderr)
    try:
        hooks = bring(begin.plugin, begin.value, begin.settings)
        ready = Ready(
            tuple(hooks),
            tuple(one.name for one in carried(begin.plugin, "roles", hooks, RoleKind)),
            tuple(one.name for one in carried(begin.plugin, "scenarios", hooks, Scenario)),
            tuple(one.name for one in carried(begin.plugin, "replay_readers", hooks, ReplayReader)),
        )
    except PluginError as error:
        words = str(error).removeprefix(f"plugin {begin.plugin}: ")
        answers.write(framed(Failed(words, settings=not isinstance(error, BrokenPlugin))))
        return 0
    answers.write(framed(ready))
    while True:
        refresh()
        body = read_exactly(questions.read, ASK_BYTES_MAX)
        if body is None:
            return 0
        ask = to_child.decode(body)
        assert isinstance(ask, Ask)
        answers.write(framed(_answer(hooks["check_orders"], ask)))


def _answer(hook: Hook, ask: Ask) -> Told:
    commands = np.frombuffer(ask.commands, dtype=COMMAND)
    arguments = [commands] if "last_ticks" not in hook.arguments else [commands, np.frombuffer(ask.last_ticks, "<i8")]
    try:
        answer = hook.function(*arguments)
    except BaseException as error:  # also SystemExit: whoever asks is told what happened, and not that it ended
        return Told(ask.number, kind="raised", words=words_of(error))
    if answer is None:
        return Told(ask.number)
    fault = fault_of(answer, len(commands))
    if fault is not None:
        return Told(ask.number, kind="wrong", words=fault)
    return Told(ask.number, codes=answer.astype("<i2").tobytes())


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, answers


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
