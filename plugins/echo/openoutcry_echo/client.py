"""Load for an echo: requests and record frames on a timer, asked again until their reply is there, and each reply
compared with what was sent."""

from collections.abc import Sequence
from typing import Annotated, BinaryIO, Final

import msgspec
import numpy as np
from msgspec import Meta

from openoutcry.host.kinds import Settings
from openoutcry.role import FRAME_TAG, TIMER_TAG, Effects, Input, Ports, Record, Send, Timer
from openoutcry.wire.fields import KeyId
from openoutcry.wire.frames import COMMANDS, encode_records, read_header
from openoutcry_echo.messages import REPLY_TAG, EchoReply, EchoRequest

MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""
FRAME_EVERY: Final = 8
"""Of how many requests one is a record frame."""
RESENDS_MAX: Final = 64
"""Requests that are asked again at one tick."""
REPEATS_MAX: Final = 17
"""A body is its number, up to so many times: 8 to 136 bytes."""
RECORDS_MAX: Final = 5
"""Records of a frame."""

_TICK: Final = b"tick"


class EchoClientSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """echo: key of the node that is asked, 64 hexadecimal digits. count: requests in all. batch: of one tick.
    interval_ms: from one tick to the next. resend_ms: after which a request is sent again. signed: whether requests go
    in signed envelopes.
    """

    echo: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    count: Annotated[int, Meta(ge=0, le=10**9)] = 1_000
    batch: Annotated[int, Meta(ge=1, le=1_024)] = 4
    interval_ms: Annotated[int, Meta(ge=1, le=60_000)] = 10
    resend_ms: Annotated[int, Meta(ge=1, le=60_000)] = 50
    signed: bool = False


class _State(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sent: int
    answered: int
    wrong: int
    tick_ns: int | None
    open: list[tuple[int, int]]


_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(_State)
_reply_decoder: Final = msgspec.msgpack.Decoder(EchoReply)


class EchoClient:
    """The role. sent: requests so far, numbered from 1. answered: those with a right reply. wrong: replies that were
    another thing than what was sent.
    """

    name = "echo_client"
    version = 1

    def __init__(self, settings: EchoClientSettings, ports: Ports) -> None:
        self._settings = settings
        self.own: KeyId = ports.own
        self._number = ports.number
        self._echo: KeyId = bytes.fromhex(settings.echo)
        self.sent = 0
        self.answered = 0
        self.wrong = 0
        self._tick_ns: int | None = 0
        """When the timer is due; None where everything is answered."""
        self._open: dict[int, int] = {}
        """Number to when it was last asked; the longest ago comes first."""

    @property
    def unanswered(self) -> int:
        """How many requests are not answered yet, those included that are not sent yet."""
        return self._settings.count - self.answered

    def admit(self, inputs: Sequence[Input], now_ns: int) -> tuple[list[Record], list[Send]]:
        """Keep each reply to a request that is open; what comes twice, or from others, is nothing."""
        records = []
        for sender, tag, _, raw in inputs:
            if sender == self._echo and _number_in(tag, raw) in self._open:
                records.append(Record(self._number, tag, now_ns, sender, raw))
        return records, []

    def apply(self, records: Sequence[Record]) -> Effects:
        """Compare replies, and send what is due."""
        effects = Effects([], [])
        for record in records:
            if record.tag == TIMER_TAG:
                self._tick(record.time_ns, effects)
            else:
                self._compare(record)
        return effects

    def resume(self) -> Effects:
        """Go on with the timer; what is unanswered is asked again when it is due."""
        return Effects([], [] if self._tick_ns is None else [Timer(_TICK, self._tick_ns)])

    def snapshot(self, out: BinaryIO) -> None:
        """Write what is open, the longest ago first."""
        state = _State(self.sent, self.answered, self.wrong, self._tick_ns, list(self._open.items()))
        out.write(_encoder.encode(state))

    def restore(self, source: BinaryIO) -> None:
        """Take over a state."""
        try:
            state = _state_decoder.decode(source.read())
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of an echo client: {error}") from error
        self.sent, self.answered, self.wrong, self._tick_ns = state.sent, state.answered, state.wrong, state.tick_ns
        self._open = dict(state.open)

    def check(self) -> list[str]:
        """Return what cannot be: a wrong reply, or a request that was lost."""
        broken = [] if not self.wrong else [f"{self.wrong} replies were not what was sent"]
        if self.answered + len(self._open) != self.sent:
            broken.append(f"{self.sent} sent, {self.answered} answered, {len(self._open)} open")
        return broken

    def _tick(self, now_ns: int, effects: Effects) -> None:
        settings = self._settings
        due_ns = now_ns - settings.resend_ms * MS
        due: list[int] = []
        for number, asked_ns in self._open.items():
            if asked_ns > due_ns or len(due) == RESENDS_MAX:
                break
            due.append(number)
        for number in due:
            del self._open[number]
        last = min(settings.count, self.sent + settings.batch)
        for number in (*due, *range(self.sent + 1, last + 1)):
            self._open[number] = now_ns
            effects.sends.append(Send(self._echo, _request(number), settings.signed and number % FRAME_EVERY != 0))
        self.sent = last
        self._tick_ns = now_ns + settings.interval_ms * MS if self._open or self.sent < settings.count else None
        effects.timers.append(Timer(_TICK, self._tick_ns))

    def _compare(self, record: Record) -> None:
        number = _number_in(record.tag, record.raw)
        if self._open.pop(number, None) is None:
            return
        sent = _request(number)
        if record.tag == FRAME_TAG:
            same = isinstance(sent, memoryview) and bytes(record.raw) == sent
        else:
            same = isinstance(sent, EchoRequest) and _reply_decoder.decode(record.raw).body == sent.body
        self.answered += 1
        self.wrong += not same


def _number_in(tag: int, raw: bytes | memoryview) -> int:
    """Return the number of the request that a reply or a frame belongs to, 0 for none."""
    if tag == FRAME_TAG:
        header = read_header(raw)
        return 0 if header is None else header.sequence
    if tag != REPLY_TAG:
        return 0
    try:
        return _reply_decoder.decode(raw).number
    except msgspec.DecodeError:
        return 0


def _request(number: int) -> EchoRequest | memoryview:
    """Return request `number`: the same at any time."""
    if number % FRAME_EVERY:
        return EchoRequest(number, number.to_bytes(8, "little") * (1 + number % REPEATS_MAX))
    records = np.zeros(1 + number // FRAME_EVERY % RECORDS_MAX, COMMANDS.dtype)
    records["client_id"] = number
    return memoryview(encode_records(COMMANDS, 0, number, records))
