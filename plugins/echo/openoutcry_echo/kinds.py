"""The kinds of roles that this plugin brings."""

from typing import Any, Final

from openoutcry.host.kinds import Answers, RoleKind
from openoutcry.role import Ports
from openoutcry.wire.frames import COMMANDS
from openoutcry_echo.client import EchoClient, EchoClientSettings
from openoutcry_echo.messages import MESSAGES, REPLY_TAG, REQUEST_TAG
from openoutcry_echo.role import TABLES, Echo, EchoSettings


def _echo(name: str, summary: str, tables: str) -> RoleKind:
    def make(settings: Any, ports: Ports, answers: Answers) -> Echo:
        return Echo(settings, ports, name)

    return RoleKind(
        name=name,
        version=1,
        summary=summary,
        make=make,
        settings=EchoSettings,
        messages=MESSAGES,
        takes=frozenset([REQUEST_TAG]),
        takes_records=frozenset([COMMANDS.number]),
        tables=tables,
    )


def _client(settings: Any, ports: Ports, answers: Answers) -> EchoClient:
    return EchoClient(settings, ports)


ECHO: Final = _echo("echo", "sends back what it is sent", "")
ECHO_VIEW: Final = _echo("echo_view", "the same, and keeps in SQL how much each sender has sent", TABLES)
ECHO_CLIENT: Final = RoleKind(
    name="echo_client",
    version=1,
    summary="sends an echo requests and record frames, and compares what comes back",
    make=_client,
    settings=EchoClientSettings,
    messages=MESSAGES,
    takes=frozenset([REPLY_TAG]),
    takes_records=frozenset([COMMANDS.number]),
)
