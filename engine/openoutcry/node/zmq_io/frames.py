"""Single frames off and onto sockets."""

from typing import Final

import zmq

from openoutcry.wire.frames import is_record_frame
from openoutcry.wire.tags import Tag
from openoutcry.wire.versions import Agreed

SPECIAL_TAG_MAX: Final = int(Tag.REFUSE)
"""HELLO, WELCOME and REFUSE are tags 1 to 3, in the second byte of their frame; the link looks at these itself."""

REFUSE_INTERVAL_NS: Final = 1_000_000_000
"""A link is told at most so often that its frames are dropped."""

FAULT_BURST_NS: Final = 10_000_000_000
"""How far ahead of `faults_per_s` a peer may be: ten seconds' worth at once."""

COPIED_BYTES_MAX: Final = 16 * 1024
"""Up to here a frame is copied out of libzmq's memory; longer ones are views of it. Measured: 0.1 microseconds for the
copy against 0.3 for the view at 100 bytes, 0.5 against 0.2 at 16 KiB."""

assert int(Tag.HELLO) == 1 and int(Tag.WELCOME) == 2


def content(frame: zmq.Frame, size: int) -> bytes | memoryview:
    """Return what is in a frame."""
    return frame.bytes if size <= COPIED_BYTES_MAX else frame.buffer


def skip_parts(socket: zmq.Socket[bytes], frame: zmq.Frame) -> None:
    """Read the other parts of a message; all of them are there, since libzmq hands over whole messages."""
    while frame.more:
        frame = socket.recv(zmq.NOBLOCK, copy=False)


def is_too_long(frame: bytes | bytearray | memoryview, agreed: Agreed) -> bool:
    """Tell whether the other node has said that it does not take a frame of this length."""
    return len(frame) > (agreed.frame_bytes_max if is_record_frame(frame) else agreed.control_bytes_max)
