"""What the entry point names: the hooks of this plugin."""

from collections.abc import Sequence

from openoutcry.host.kinds import RoleKind, Scenario
from openoutcry.host.specs import hookimpl
from openoutcry_discovery.kinds import DISCOVERY, TRADER
from openoutcry_discovery.scenario import SCENARIOS


@hookimpl
def roles() -> Sequence[RoleKind]:
    """Return the kinds of roles."""
    return [DISCOVERY, TRADER]


@hookimpl
def scenarios() -> Sequence[Scenario]:
    """Return the scenarios."""
    return SCENARIOS
