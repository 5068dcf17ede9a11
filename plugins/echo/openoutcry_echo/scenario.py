"""Small markets for simulation: an echo, and two who ask it."""

from collections.abc import Mapping, Sequence
from typing import Final

from openoutcry.host.kinds import Cast, RoleKind, Scenario
from openoutcry.role import Role
from openoutcry.wire.fields import KeyId
from openoutcry_echo.client import EchoClient, EchoClientSettings
from openoutcry_echo.kinds import ECHO, ECHO_CLIENT, ECHO_VIEW
from openoutcry_echo.role import Echo, EchoSettings

CLIENTS: Final = ("alice", "bob")
REQUESTS: Final = 400
"""Of one client, four every 50 ms: five seconds of them."""


def scenario(kind: RoleKind, requests: int = REQUESTS) -> Scenario:
    """Return one echo of this kind with two clients, of which one signs what it sends."""

    def nodes(keys: Mapping[str, KeyId]) -> Mapping[str, Sequence[Cast]]:
        echo = keys["echo"].hex()
        clients = {
            name: [Cast(ECHO_CLIENT, EchoClientSettings(echo, requests, interval_ms=50, signed=name == CLIENTS[0]))]
            for name in CLIENTS
        }
        return {"echo": [Cast(kind, EchoSettings())], **clients}

    return Scenario(kind.name, f"{kind.name}: {kind.summary}", ("echo", *CLIENTS), nodes, broken, unsettled)


def broken(roles: Mapping[str, Mapping[str, Role]]) -> list[str]:
    """Return which clients were answered more often than the echo has counted."""
    echo = next((role for role in roles.get("echo", {}).values() if isinstance(role, Echo)), None)
    if echo is None:
        return []
    lines = []
    for name, client in clients(roles):
        tally = echo.tally(client.own)
        counted = tally.requests if tally else 0
        if counted < client.answered:
            lines.append(f"{name} has {client.answered} replies, the echo has counted {counted} requests")
    return lines


def unsettled(roles: Mapping[str, Mapping[str, Role]]) -> list[str]:
    """Return which clients wait for replies."""
    return [f"{name} waits for {client.unanswered} replies" for name, client in clients(roles) if client.unanswered]


def clients(roles: Mapping[str, Mapping[str, Role]]) -> list[tuple[str, EchoClient]]:
    """Return the clients that are up, with the names of their nodes."""
    return [(name, role) for name in CLIENTS for role in roles.get(name, {}).values() if isinstance(role, EchoClient)]


SCENARIOS: Final = (scenario(ECHO), scenario(ECHO_VIEW))
