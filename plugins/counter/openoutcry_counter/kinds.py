"""The kinds of roles that this plugin brings."""

from typing import Any, Final

from openoutcry.host.kinds import Answers, RoleKind
from openoutcry.moves import Machine
from openoutcry.role import Ports
from openoutcry_counter.client import CounterClient, CounterClientSettings
from openoutcry_counter.messages import ANSWER, HELD, HOLD, INCREMENT, MESSAGES, QUERY, SETTLE, SETTLED
from openoutcry_counter.role import Counter, CounterSettings
from openoutcry_counter.table import MACHINE, Case


def kind(machine: Machine[Case] = MACHINE) -> RoleKind:
    """Return the kind of counter that this table makes: the real one, or a mutant to be found."""

    def make(settings: Any, ports: Ports, answers: Answers) -> Counter:
        return Counter(settings, ports, machine)

    return RoleKind(
        name="counter",
        version=1,
        summary="counts what clients send, together with its twin: each increment at both nodes, once, or at neither",
        make=make,
        settings=CounterSettings,
        messages=MESSAGES,
        takes=frozenset([INCREMENT, HOLD, HELD, SETTLE, SETTLED, QUERY]),
        machines=(machine,),
    )


def _client(settings: Any, ports: Ports, answers: Answers) -> CounterClient:
    return CounterClient(settings, ports)


COUNTER: Final = kind()
COUNTER_CLIENT: Final = RoleKind(
    name="counter_client",
    version=1,
    summary="sends counters increments, and asks again until each has its answer",
    make=_client,
    settings=CounterClientSettings,
    messages=MESSAGES,
    takes=frozenset([ANSWER]),
)
