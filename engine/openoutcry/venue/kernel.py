"""The machine code of a venue: checks of frames, commands into one batch, events to whom they belong.

One module, since numba notices a change of the file that it compiles and no other (see `book.kernel.compiling`).
Addresses as in the book's kernels; every record below is only ever read and written here and by numpy.

For each frame and each event there is work here, and none in Python: a group of a thousand frames with one command
each costs the interpreter as much as one frame of a thousand.
"""

import ctypes
from typing import Final

import numpy as np

from openoutcry.book.kernel.compiling import entry, inline
from openoutcry.book.kernel.memory import get1, get4, get8, put4, put8, shift_right
from openoutcry.book.kernel.running import ARRAY_DATA
from openoutcry.domain import EventKind, MassCancelScope, Op
from openoutcry.venue.messages import EntryFault

SESSION: Final = np.dtype(
    [
        ("next_sequence", "<u8"),  # of the member's next command
        ("event_head", "<u8"),  # last event on its stream
        ("full_ns", "<i8"),  # when its allowance of commands is whole again
        ("heard_ns", "<i8"),  # when it was heard last
        ("cost_ns", "<i8"),  # of a command: a second, divided by how many it may send in one
        ("lease_ns", "<i8"),  # 0 for none
        ("account_first", "<u4"),
        ("accounts", "<u4"),
        ("flags", "<u4"),  # SessionFlag
        ("commands_per_s", "<u4"),
        ("frames", "<u8"),  # taken so far
        ("group", "<u4"),  # of its accounts, for self-trade prevention
        ("spare", "<u4"),
    ]
)
"""One session; row 0 is nobody's."""

OVERLAY: Final = np.dtype([("stamp", "<i8"), ("next_sequence", "<i8"), ("full_ns", "<i8"), ("spare", "<i8")])
"""Where a session would stand after the frames of this group that were taken so far; valid with the group's stamp."""

KEPT: Final = np.dtype(
    [("sequence", "<i8"), ("book_sequence", "<i8"), ("count", "<u4"), ("checksum", "<u4"), ("head", "<i8")]
)
"""What is remembered of a frame that was taken: enough to answer it again. `head`: the member's last event before."""

FRAME: Final = np.dtype(
    [
        ("sequence", "<i8"),
        ("expected", "<i8"),
        ("session", "<u4"),
        ("code", "<u4"),  # in: 0, or the reason of a check; out: 0 taken, an EntryFault, or OLD
        ("index", "<u4"),  # in: with a check's reason; out: of the command with which something is wrong
        ("count", "<u4"),
        ("checksum", "<u4"),
        ("spare", "<u4"),
    ]
)
"""A frame of commands that is judged."""

RUN: Final = np.dtype([("row", "<i8"), ("sequence", "<i8"), ("session", "<u4"), ("count", "<u4")])
"""Commands of one session that lie together in a batch, `row` the first; `sequence` is the member's own."""

OWNER: Final = np.dtype([("generation", "<u4"), ("holder", "<u4")])
"""Whose order is in a slot of the books. A holder is an account's number and 1, so that 0 is nobody."""

PARTIES: Final = np.dtype([("maker", "<u4"), ("taker", "<u4")])
"""The holders of the two orders that an event names, as far as it is known here."""

TARGET: Final = np.dtype([("first", "<u4"), ("second", "<u4")])
"""To which sessions an event goes; 0: none."""

for _dtype, _size in (
    (SESSION, 80),
    (OVERLAY, 32),
    (KEPT, 32),
    (FRAME, 40),
    (RUN, 24),
    (OWNER, 8),
    (PARTIES, 8),
    (TARGET, 8),
):
    assert _dtype.itemsize == _size, _dtype

OLD: Final = 100
"""Code of a frame whose sequence was taken before: it is answered from what is kept."""

BURST_NS: Final = 10**9
"""Commands of so long may come at once, in nanoseconds."""

FLAG_OPEN: Final = 1
FLAG_SUSPENDED: Final = 2
FLAG_CANCEL: Final = 4


def _at(dtype: "np.dtype[np.void]", field: str) -> int:
    fields = dtype.fields
    assert fields is not None
    return int(fields[field][1])


S_NEXT: Final = _at(SESSION, "next_sequence")
S_FULL: Final = _at(SESSION, "full_ns")
S_HEARD: Final = _at(SESSION, "heard_ns")
S_COST: Final = _at(SESSION, "cost_ns")
S_HEAD: Final = _at(SESSION, "event_head")
S_ACCOUNT: Final = _at(SESSION, "account_first")
S_ACCOUNTS: Final = _at(SESSION, "accounts")
S_FLAGS: Final = _at(SESSION, "flags")
S_FRAMES: Final = _at(SESSION, "frames")
F_SEQUENCE: Final = _at(FRAME, "sequence")
F_EXPECTED: Final = _at(FRAME, "expected")
F_SESSION: Final = _at(FRAME, "session")
F_CODE: Final = _at(FRAME, "code")
F_INDEX: Final = _at(FRAME, "index")
F_COUNT: Final = _at(FRAME, "count")
F_CHECKSUM: Final = _at(FRAME, "checksum")
SESSION_BYTES: Final = SESSION.itemsize
FRAME_BYTES: Final = FRAME.itemsize
RUN_BYTES: Final = RUN.itemsize

BYTES_DATA: Final = bytes.__basicsize__ - 1
"""Offset of the content in a bytes object (PyBytesObject): reading it there costs nothing, asking numpy for it 2
microseconds. Checked once at import."""

_probe = bytes(range(1, 9))
if ctypes.string_at(id(_probe) + BYTES_DATA, 8) != _probe:
    raise ImportError("this Python keeps the content of bytes elsewhere: openoutcry needs CPython 3.11 to 3.13")

# Header of a record frame (wire.frames).
H_STREAM: Final = 8
H_SEQUENCE: Final = 16
H_COUNT: Final = 24
H_CHECKSUM: Final = 28
H_BYTES: Final = 32

C_SCOPE: Final = 2
C_ACCOUNT: Final = 12
C_CLIENT_ID: Final = 16

UNKNOWN_SESSION = int(EntryFault.UNKNOWN_SESSION)
SUSPENDED = int(EntryFault.SUSPENDED)
GAP = int(EntryFault.GAP)
FOREIGN_ACCOUNT = int(EntryFault.FOREIGN_ACCOUNT)
FORBIDDEN_OP = int(EntryFault.FORBIDDEN_OP)
RATE = int(EntryFault.RATE)
PLACE = int(Op.PLACE)
CANCEL = int(Op.CANCEL)
REDUCE = int(Op.REDUCE)
REPLACE = int(Op.REPLACE)
MASS_CANCEL = int(Op.MASS_CANCEL)
RESET_PROTECTION = int(Op.RESET_PROTECTION)
SCOPE_PAIR = int(MassCancelScope.PAIR)
SCOPE_SESSION = int(MassCancelScope.SESSION)
ACCEPTED = int(EventKind.ACCEPTED)
REJECTED = int(EventKind.REJECTED)
TRADED = int(EventKind.TRADED)
PHASE_CHANGED = int(EventKind.PHASE_CHANGED)
AUCTION_RESULT = int(EventKind.AUCTION_RESULT)
BAND_BREACHED = int(EventKind.BAND_BREACHED)
M32: Final = 0xFFFFFFFF


@inline
def command_code(row: int, session: int, c: int, suspended: int) -> int:
    """Return why a member may not send this command, 0 where it may."""
    op = get1(c)
    if op == MASS_CANCEL:
        scope = get1(c + C_SCOPE)
        if scope == SCOPE_SESSION:
            return 0 if get8(c + C_CLIENT_ID) == session else FORBIDDEN_OP
        if scope >= SCOPE_PAIR:
            return FORBIDDEN_OP
    elif op in (PLACE, REPLACE, RESET_PROTECTION):
        if suspended:
            return SUSPENDED
    elif op != CANCEL and op != REDUCE:
        return FORBIDDEN_OP
    account = get4(c + C_ACCOUNT) - get4(row + S_ACCOUNT)
    if account < 0 or account >= get4(row + S_ACCOUNTS):
        return FOREIGN_ACCOUNT
    return 0


@entry
def admit(
    table: int,
    overlay: int,
    joined: int,
    starts: int,
    sessions: int,
    frames: int,
    count: int,
    now_ns: int,
    stamp: int,
    keep: int,
) -> int:
    """Judge `count` frames in order, each as if those before it that are taken were applied. Changes no session.

    joined: the bytes object of all frames. starts: a word each, where it begins there. sessions: a u32 each, 0 where
    the sender has none that is open. keep: whether code and index of the FRAMEs count, which are filled here.
    Returns how many frames are not taken. Cost: 15 ns a frame and 2 ns a command.
    """
    refused = 0
    for i in range(count):
        f = frames + i * FRAME_BYTES
        head = joined + BYTES_DATA + get8(starts + (i << 3))
        session = get4(sessions + (i << 2))
        put4(f + F_SESSION, session)
        if keep == 0:
            put8(f + F_CODE, 0)
        sequence = get8(head + H_SEQUENCE)
        records = get4(head + H_COUNT)
        put8(f + F_SEQUENCE, sequence)
        put4(f + F_COUNT, records)
        put4(f + F_CHECKSUM, get4(head + H_CHECKSUM))
        put8(f + F_EXPECTED, 1)
        code = get4(f + F_CODE)
        index = get4(f + F_INDEX)
        if session == 0 or get8(head + H_STREAM) != session:
            code = UNKNOWN_SESSION
            index = 0
        else:
            row = table + session * SESSION_BYTES
            after = overlay + (session << 5)
            if get8(after) != stamp:
                put8(after, stamp)
                put8(after + 8, get8(row + S_NEXT))
                put8(after + 16, get8(row + S_FULL))
            expected = get8(after + 8)
            put8(f + F_EXPECTED, expected)
            full = max(get8(after + 16), now_ns) + get8(row + S_COST) * records
            if sequence != expected:
                code = GAP if sequence > expected else OLD
                index = 0
            elif code == 0 and full > now_ns + BURST_NS:
                code = RATE
            if code == 0:
                suspended = get4(row + S_FLAGS) & FLAG_SUSPENDED
                c = head + H_BYTES
                for at in range(records):
                    code = command_code(row, session, c + (at << 6), suspended)
                    if code:
                        index = at
                        break
            if code == 0:
                put8(after + 8, sequence + records)
                put8(after + 16, full)
        put4(f + F_CODE, code)
        put4(f + F_INDEX, index)
        refused += code != 0
    return refused


@entry
def gather(
    table: int,
    rings: int,
    ring_mask: int,
    joined: int,
    starts: int,
    count: int,
    batch: int,
    row: int,
    runs: int,
    run_count: int,
    now_ns: int,
    book_sequence: int,
) -> int:
    """Copy the commands of frames that are taken to `batch`, and bring their sessions to where they then stand.

    joined: the bytes object of all frames. starts: a word each, where a frame begins there. row: the next free row of
    the batch, whose number in the book is `book_sequence`. rings: a word for each session, the address of what is kept
    of it. Appends to `runs`; returns how many there are.
    """
    for i in range(count):
        head = joined + BYTES_DATA + get8(starts + (i << 3))
        session = get8(head + H_STREAM)
        sequence = get8(head + H_SEQUENCE)
        records = get4(head + H_COUNT)
        to = batch + (row << 6)
        for at in range(H_BYTES, H_BYTES + (records << 6), 8):
            put8(to + at - H_BYTES, get8(head + at))
        s = table + session * SESSION_BYTES
        put8(s + S_NEXT, sequence + records)
        put8(s + S_FULL, max(get8(s + S_FULL), now_ns) + get8(s + S_COST) * records)
        put8(s + S_HEARD, now_ns)
        taken = get8(s + S_FRAMES)
        put8(s + S_FRAMES, taken + 1)
        kept = get8(rings + (session << 3)) + ((taken & ring_mask) << 5)
        put8(kept, sequence)
        put8(kept + 8, book_sequence)
        put4(kept + 16, records)
        put4(kept + 20, get4(head + H_CHECKSUM))
        put8(kept + 24, get8(s + S_HEAD))
        last = runs + (run_count - 1) * RUN_BYTES
        if run_count and get4(last + 16) == session and get8(last) + get4(last + 20) == row:
            put4(last + 20, get4(last + 20) + records)
        else:
            last += RUN_BYTES
            put8(last, row)
            put8(last + 8, sequence)
            put4(last + 16, session)
            put4(last + 20, records)
            run_count += 1
        row += records
        book_sequence += records
    return run_count


@inline
def owner_of(owners: int, handle: int) -> int:
    """Return the holder of the order that a handle names, 0 for nobody."""
    owner = get8(owners + ((handle & M32) << 3))
    return shift_right(owner, 32) if owner & M32 == shift_right(handle, 32) else 0


@inline
def note(session: int, counts: int, touched: int, n: int) -> int:
    """Count one event for a session; note the session where it is its first. Returns how many are noted."""
    if session:
        before = get8(counts + (session << 3))
        put8(counts + (session << 3), before + 1)
        if before == 0:
            put4(touched + (n << 2), session)
            return n + 1
    return n


@entry
def assign(
    owners: int,
    slots: int,
    array: int,
    count: int,
    runs: int,
    run_count: int,
    batch: int,
    first: int,
    session_of: int,
    parties: int,
    targets: int,
    counts: int,
    touched: int,
) -> int:
    """Say of each event whose orders it names and to which sessions it goes: `parties` and `targets`, one each.

    Keeps `owners` (of `slots` slots). array: address of the numpy array of the events. batch: where the commands are.
    first: the book's number of its row 0. session_of: a u32 for each holder. counts: a word for each session, all 0
    before; then how many events go there. touched: a u32 for each session that any go to.
    Returns twice how many those are, and 1 more where a phase has changed; or minus a number of slots that `owners`
    needs, and nothing is counted then.
    """
    e = get8(array + ARRAY_DATA)
    run = 0
    phases = 0
    n = 0
    begin = get8(runs) if run_count else 0
    end = begin + get4(runs + 20) if run_count else 0
    for i in range(count):
        word = get8(e + 8)
        kind = word & 255
        maker = get8(e + 16)
        one = 0
        two = 0
        holder = 0
        other = 0
        if kind in (ACCEPTED, REJECTED):
            row = get8(e) - first
            while row >= end and run < run_count:
                run += 1
                if run < run_count:
                    begin = get8(runs + run * RUN_BYTES)
                    end = begin + get4(runs + run * RUN_BYTES + 20)
            if run < run_count and row >= begin:
                one = get4(runs + run * RUN_BYTES + 16)
            if kind == ACCEPTED and word >> 16 & 255 == PLACE:
                slot = maker & M32
                if slot >= slots:
                    for at in range(n):
                        put8(counts + (get4(touched + (at << 2)) << 3), 0)
                    return -(slot + 1)
                if one:
                    holder = get4(batch + (row << 6) + C_ACCOUNT) + 1
                put8(owners + (slot << 3), shift_right(maker, 32) | holder << 32)
        elif kind == TRADED:
            holder = owner_of(owners, maker)
            other = owner_of(owners, get8(e + 24))
            one = get4(session_of + (holder << 2))
            two = get4(session_of + (other << 2))
            if two == one:
                two = 0
        elif kind == BAND_BREACHED:
            other = owner_of(owners, get8(e + 24))
            one = get4(session_of + (other << 2))
        elif kind == PHASE_CHANGED:
            phases = 1
        elif kind != AUCTION_RESULT:
            holder = owner_of(owners, maker)
            one = get4(session_of + (holder << 2))
        put8(parties + (i << 3), holder | other << 32)
        put8(targets + (i << 3), one | two << 32)
        n = note(one, counts, touched, n)
        n = note(two, counts, touched, n)
        e += 64
    return 2 * n + phases


@entry
def scatter(array: int, count: int, targets: int, cursors: int, touched: int, sessions: int) -> int:
    """Copy each event to the arrays of its sessions, one after the other.

    cursors: a word for each session; of the `sessions` that are `touched` the address of the numpy array to fill.
    """
    for i in range(sessions):
        cursor = cursors + (get4(touched + (i << 2)) << 3)
        put8(cursor, get8(get8(cursor) + ARRAY_DATA))
    e = get8(array + ARRAY_DATA)
    for i in range(count):
        word = get8(targets + (i << 3))
        while word:
            session = word & M32
            word = shift_right(word, 32)
            if session:
                to = get8(cursors + (session << 3))
                for at in range(0, 64, 8):
                    put8(to + at, get8(e + at))
                put8(cursors + (session << 3), to + 64)
        e += 64
    return count


def load() -> None:
    """Load the machine code of every entry, or compile it where it was never used: with nothing to do for any."""
    table: np.ndarray[tuple[int], np.dtype[np.void]] = np.zeros(1, SESSION)
    at, nothing = table.ctypes.data, id(b"")
    admit(at, at, nothing, at, at, at, 0, 0, 0, 0)
    gather(at, at, 0, nothing, at, 0, at, 0, at, 0, 0, 1)
    assign(at, 0, id(table), 0, at, 0, at, 1, at, at, at, at, at)
    scatter(id(table), 0, at, at, at, 0)
