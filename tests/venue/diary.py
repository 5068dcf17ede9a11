"""A member who writes down its session: what it sends, what it hears, its chain, its signatures and receipts."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final, NamedTuple

import numpy as np

from openoutcry.domain import EventFlag, EventKind, Op, Side
from openoutcry.domain.records import Commands
from openoutcry.role import Send
from openoutcry.venue.messages import CommandsTaken
from openoutcry.venue.proof import session_file
from openoutcry.venue.proof.hashes import digest_of, head_chain
from openoutcry.venue.proof.member import MemberChain
from openoutcry.venue.proof.messages import ChainHead, ChainState, ProofAsk, ProofWanted
from openoutcry.venue.proof.session_file import About, EntryKind
from openoutcry.venue.statements.messages import Annulled
from openoutcry.venue.tariffs.fees import trade_fees
from openoutcry.venue.tariffs.messages import Tariff
from openoutcry.wire.checksum import ChecksumSigner
from openoutcry.wire.codec import encode
from openoutcry.wire.requests import enclose
from openoutcry.wire.signed import sign
from openoutcry.wire.tags import Message
from tests.venue.hall import NETWORK, OWN, Hall, events_of, frame, frame_input, member, message_input, messages_of

ROW: Final = 64
FREE: Final = Tariff(0, 0, 0)


class Fill(NamedTuple):
    """One side of a trade, as its member has seen it. lots: bought, or less than 0 for sold."""

    sequence: int
    price: int
    lots: int
    fee: int


class Diary:
    """Member `number` of a hall, with one account. fills: what it has traded, by its events, less what is void."""

    def __init__(self, hall: Hall, number: int) -> None:
        self.hall, self.number, self.key = hall, number, member(number)
        self.signer = ChecksumSigner(NETWORK, self.key)
        self.file = BytesIO()
        self.sequence = self.requests = 0
        self.tariff = FREE
        self.handles: dict[int, int] = {}
        self.fills: list[Fill] = []
        self.rejected: list[int] = []
        self.annulled = 0
        self.records: dict[int, bytes] = {}
        self.seen: ChainHead | None = None
        self.unproved: list[int] = []
        session_file.begin(About(OWN, self.key, number), self.file)
        self.chain: MemberChain | None = None
        self.hear(self._ask(ProofAsk(ProofWanted.CHAIN, number)))

    def orders(self, rows: Commands) -> list[Send]:
        """Send a frame of commands; what comes of it has to be told to everybody (`hear`)."""
        sequence = self.sequence + 1
        self.sequence += len(rows)
        self.records |= {sequence + at: rows[at : at + 1].tobytes() for at in range(len(rows))}
        self._wrote(frame(self.number, sequence, rows))
        return self.hall.group([frame_input(self.key, self.number, sequence, rows)])

    def hear(self, sends: Sequence[Send]) -> None:
        """Write down what concerns this member, and take it in."""
        for to, body, to_sign in sends:
            if to == "receipts":
                assert isinstance(body, ChainHead) and to_sign
                self.seen = body
                told = encode(sign(body, [ChecksumSigner(NETWORK, OWN)]))
                session_file.append(EntryKind.HEARD, self.hall.now_ns, told, self.file)
            elif to == self.key:
                told = bytes(body) if isinstance(body, memoryview) else encode(body)
                session_file.append(
                    EntryKind.RECEIVED, self.hall.now_ns, self._sealed(told) if to_sign else told, self.file
                )
        for taken in messages_of(sends, self.key, CommandsTaken):
            self._chain(taken)
        for state in messages_of(sends, self.key, ChainState):
            if self.chain is None:
                self.chain = MemberChain(OWN, self.key, self.number, state.secret)
            assert (state.sequence, state.chain) == (self.chain.sequence, self.chain.chain)
        self._count(sends)
        for void in messages_of(sends, self.key, Annulled):
            lots = void.qty_lots if void.side is Side.BUY else -void.qty_lots
            same = (void.book_sequence, void.price_ticks, lots, void.fee_units)
            found = [one for one in self.fills if (one.sequence, one.price, one.lots, one.fee) == same]
            self.fills.remove(found[-1])
            self.annulled += 1

    def prove(self) -> list[Send]:
        """Sign what was taken, and ask for receipts of what a head covers; after time has passed."""
        assert self.chain is not None
        sends: list[Send] = []
        if self.chain.is_due(self.hall.now_ns) and self.seen is not None:
            sends += self._ask(self.chain.sign(self.signer, self.seen.sequence, head_chain(self.seen)))
        for sequence in self.unproved:
            sends += self._ask(ProofAsk(ProofWanted.RECEIPT, self.number, sequence))
        self.unproved.clear()
        return sends

    def _ask(self, message: Message) -> list[Send]:
        self._wrote(encode(message))
        return self.hall.group([message_input(self.key, message)])

    def _wrote(self, told: bytes | memoryview) -> None:
        session_file.append(EntryKind.SENT, self.hall.now_ns, told, self.file)

    def _sealed(self, told: bytes) -> bytes:
        self.requests += 1
        now_ns, secret = self.hall.now_ns, digest_of(self.requests.to_bytes(8, "little"))
        signer = ChecksumSigner(NETWORK, OWN)
        return encode(enclose([told], signer, self.key, now_ns + self.requests, now_ns + 10**9, secret))

    def _chain(self, taken: CommandsTaken) -> None:
        assert self.chain is not None
        sequence = taken.sequence
        for run in taken.runs:
            records = b"".join(self.records[sequence + at] for at in range(run.count))
            self.chain.extend(sequence, run.count, digest_of(records), self.hall.now_ns)
            self.unproved.append(sequence)
            sequence += run.count

    def _count(self, sends: Sequence[Send]) -> None:
        for row in events_of(sends, self.key):
            kind = int(row["kind"])
            if kind == EventKind.ACCEPTED and int(row["code"]) == Op.PLACE:
                self.handles[int(row["maker"])] = 1
            elif kind == EventKind.REJECTED:
                self.rejected.append(int(row["code"]))
            elif kind == EventKind.TRADED:
                is_auction = bool(row["flags"] & EventFlag.AUCTION)
                price, lots = int(row["price_ticks"]), int(row["qty_lots"])
                fees = trade_fees(price, lots, 1, is_auction, self.tariff)
                for handle, is_taker in ((int(row["maker"]), False), (int(row["taker"]), True)):
                    if handle in self.handles:
                        buys = (int(row["side"]) == Side.BUY) == is_taker
                        self.fills.append(Fill(int(row["sequence"]), price, lots if buys else -lots, fees[is_taker]))


def rows_of(*orders: Commands) -> Commands:
    """Return orders as one frame."""
    return np.concatenate(orders)
