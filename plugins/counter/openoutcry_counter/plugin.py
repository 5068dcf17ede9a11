"""What the entry point names: the hooks of this plugin."""

from collections.abc import Sequence

from openoutcry.host.kinds import RoleKind, Scenario
from openoutcry.host.specs import hookimpl
from openoutcry_counter.kinds import COUNTER, COUNTER_CLIENT
from openoutcry_counter.scenario import SCENARIOS


@hookimpl
def roles() -> Sequence[RoleKind]:
    """Return the kinds of roles."""
    return [COUNTER, COUNTER_CLIENT]


@hookimpl
def scenarios() -> Sequence[Scenario]:
    """Return the scenarios."""
    return SCENARIOS
