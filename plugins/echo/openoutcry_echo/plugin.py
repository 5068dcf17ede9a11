"""What the entry point names: the hooks of this plugin."""

from collections.abc import Sequence

from openoutcry.host.kinds import RoleKind, Scenario
from openoutcry.host.specs import hookimpl
from openoutcry_echo.kinds import ECHO, ECHO_CLIENT, ECHO_VIEW
from openoutcry_echo.scenario import SCENARIOS


@hookimpl
def roles() -> Sequence[RoleKind]:
    """Return the kinds of roles."""
    return [ECHO, ECHO_VIEW, ECHO_CLIENT]


@hookimpl
def scenarios() -> Sequence[Scenario]:
    """Return the scenarios."""
    return SCENARIOS
