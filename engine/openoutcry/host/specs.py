"""The hooks: what the engine asks of a plugin, one question each.

A hook is a method of the object, or a function of the module, that the plugin's entry point names, marked with
`hookimpl`. Every call is made plugin by plugin, in order of the plugins' names; a plugin never sees what another
answers. What holds for all of them, and which of them may be asked in a process of their own, is in
docs/explanation/plugins.md; docs/reference/hooks.md is written from this file.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pluggy
from numpy.typing import NDArray

from openoutcry.host.groups import GROUP
from openoutcry.host.kinds import ReplayReader, RoleKind, Scenario

hookspec: Final = pluggy.HookspecMarker(GROUP)
hookimpl: Final = pluggy.HookimplMarker(GROUP)
"""Marks a hook of a plugin: `@hookimpl` above a function or method with the name of the hook."""


class Hooks:
    """Every hook there is. The class is never made: it only carries the specifications."""

    @hookspec
    def roles(self) -> Sequence[RoleKind]:  # type: ignore[empty-body]
        """Which kinds of roles do you bring?

        Asked by: a node when it starts, once; `outcry init`, `outcry tap`, `outcry plugins`. Not in a process of its
        own: roles run in the node, so the plugin has to be marked `trusted`.
        Answers: all are taken together. Two plugins that bring a role of the same name do not load together.
        None: no roles. After an exception or a wrong answer the plugin is left out, which is logged; a node that needs
        its role does not start, and says why. Slow: named after `load_ms`, with its stack; after three times that
        the node stops, and leaves the plugin out the next time.
        """

    @hookspec
    def scenarios(self) -> Sequence[Scenario]:  # type: ignore[empty-body]
        """Which small markets show your roles at work, and what must always hold in them?

        Asked by: `outcry simulate`, `outcry plugin try`, once. In the process that asks.
        Answers: all are taken together; two scenarios of the same name do not load together.
        None: no scenarios. After an exception or a wrong answer the plugin is left out; where it was named, the
        command stops and says why. Slow: the command waits.
        """

    @hookspec
    def check_orders(self, commands: NDArray[np.void], last_ticks: NDArray[np.int64]) -> NDArray[np.int16] | None:
        """To which of these commands do you object?

        commands: (n,) COMMAND records of one group, read-only, valid until you return. last_ticks: (n,) int64, the
        last price of each command's pair before the group, in ticks; 0 where there is none, or the role that asks
        keeps no book. A hook may leave out the second argument.

        Asked by: a role with orders, in `admit` and never in `apply`, so a replay asks nobody: once per group (of more
        than `COMMANDS_MAX` commands: once per so many). In a process of its own, unless the plugin is `trusted`.
        Answers: one int16 for each command, 0 for no objection, else a number of `RejectCode`. Of several checks the
        first that objects gives the code, in order of the plugins' names. Keep nothing between two calls: a process
        of its own may be started anew at any time.
        None: no objection to any. An exception, a wrong answer (type, dtype, length, unknown code) or no answer within
        `deadline_ms` is counted and logged, and counts as None; where the plugin is `required`, whatever is not a
        cancellation is then refused. Slow: past a second, longer bound the process of its own is killed and started
        anew; a trusted plugin stops the node, which starts without it the next time.
        """

    @hookspec
    def replay_readers(self) -> Sequence[ReplayReader]:  # type: ignore[empty-body]
        """Which formats of recorded order flow can you read?

        Asked by: `outcry replay --plugin NAME` and `outcry plugin try`, once. In the process that asks.
        Answers: all are taken together, after the engine's own. A reader may not have the name of another one.
        None: no readers. After an exception or a wrong answer the command stops and says why. Slow: it waits. What a
        reader raises for a recording that it cannot read is a `ReplayError`; any other exception becomes one that
        names reader and plugin.
        """


HOOKS: Final = ("roles", "scenarios", "check_orders", "replay_readers")
"""Names of all hooks, in the order of the reference."""

CARRYING: Final = ("roles", "scenarios", "replay_readers")
"""Hooks that bring code which then runs in the process that asked: they need a plugin that is trusted."""
