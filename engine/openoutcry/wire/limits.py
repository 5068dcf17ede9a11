"""Every bound of the wire, with its unit and its reason. Checked before anything is allocated from a claimed length."""

from typing import Final

INT_MAX: Final = 2**63 - 1
"""Largest integer of any message: int64, as everywhere in the engine."""

CONTROL_BYTES_MAX: Final = 64 * 1024
"""Longest control message, in bytes, and what a node accepts unless it says less in HELLO. It is checked before
decoding: refusing costs the same for a megabyte as for 65,537 bytes."""

HANDSHAKE_BYTES_MAX: Final = 1_024
"""Longest HELLO, WELCOME or REFUSE, in bytes: they come from peers of whom nothing is known yet."""

STREAM_CONTROL_BYTES_MAX: Final = 128
"""Longest message about a stream without content, in bytes: four integers and a tag."""

FRAME_HEADER_BYTES: Final = 32
"""Header of a record frame, in bytes."""

FRAME_RECORDS_MAX: Final = 16_384
"""Records in one frame: a thousandth of a second of the fastest book, and a megabyte of the present 64-byte records."""

FRAME_BYTES_MAX: Final = FRAME_HEADER_BYTES + 64 * FRAME_RECORDS_MAX
"""Longest record frame, in bytes; also caps kinds whose records are longer than 64 bytes."""

NESTING_MAX: Final = 8
"""Arrays inside arrays inside one control message. The types of the engine need 4; msgspec itself stops only where the
caller's stack ends, so the same bytes would pass in one place and not in another."""

UNKNOWN_ITEMS_MAX: Final = 2_048
"""Items, of all depths, in a control message that has more fields than this version knows: those are walked one by one
(0.2 microseconds each) before they are skipped."""

TAG_MAX: Final = 65_535
"""Largest tag of a message, number of a record kind, capability or fault code: two bytes."""

EXTENSION_TAG_MIN: Final = 10_000
"""Tags, record kinds and capabilities from here on belong to extensions; those below are given out by `tags.Tag`."""

TIMER_KEY_BYTES_MAX: Final = 256
"""Key of one timer of a role, in bytes: it becomes a record each time the timer is due."""

CAPABILITIES_MAX: Final = 64
"""Capabilities in one HELLO or service record."""

SOFTWARE_CHARS_MAX: Final = 64
"""Name and version of a program in HELLO, in ASCII characters."""

DETAIL_CHARS_MAX: Final = 200
"""What a REFUSE says to a reader, in ASCII characters: one line of a log."""

NAME_CHARS_MAX: Final = 32
"""Name of a message type, role or purpose, in ASCII characters."""

SIGNATURES_MAX: Final = 16
"""Signatures of one object. A board of fifteen can sign; verifying all costs 0.6 ms."""

SIGNED_PAYLOAD_BYTES_MAX: Final = 48 * 1024
"""Payload of a signed object, in bytes: leaves a quarter of a control message to signatures and envelopes."""

BODIES_MAX: Final = 256
"""Messages under one signature to one destination: then signing costs each less than hashing it."""

BODIES_BYTES_MAX: Final = 60 * 1024
"""Messages of one envelope together, in bytes; with `BODIES_MAX` heads, the root and 16 signatures it stays below
`CONTROL_BYTES_MAX`."""

PROVEN_BODY_BYTES_MAX: Final = 60 * 1024
"""The message of a proof, in bytes; its path, root and signatures need less than 4 KiB."""

LEAVES_MAX: Final = 2**32
"""Leaves of one Merkle tree."""

PATH_HASHES_MAX: Final = 32
"""Hashes of one path: the depth of a tree of `LEAVES_MAX` leaves."""

REQUEST_AHEAD_NS_MAX: Final = 600 * 10**9
"""How far ahead a request may set its expiry, in nanoseconds: ten minutes. A receiver forgets a sender after that, so
its high-water marks need no more memory than ten minutes of senders."""

HIGH_WATER_SENDERS_MAX: Final = 65_536
"""Senders whose high-water mark one receiver keeps: 10 MiB."""

RETAINED_ITEMS_MAX: Final = 65_536
"""Items that a publisher keeps for those who missed them, unless its owner says less."""

RETAINED_BYTES_MAX: Final = 64 * 1024 * 1024
"""The same in bytes."""

RESEND_ITEMS_MAX: Final = 256
"""Items in one answer to a follower that asks again; it asks for the rest when it has them."""

RESEND_BYTES_MAX: Final = 1024 * 1024
"""The same in bytes; one item longer than this is still sent, alone."""

WAITING_ITEMS_MAX: Final = 1_024
"""Items that a follower keeps while it waits for earlier ones; one more, and it asks for a snapshot."""

WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
"""The same in bytes."""

GAP_ITEMS_MAX: Final = 65_536
"""Widest gap that a follower has filled piece by piece; beyond it a snapshot is cheaper."""

ASKS_MAX: Final = 5
"""How often a follower asks for the same range before it asks for a snapshot."""

STREAM_ITEM_BYTES_MAX: Final = 60 * 1024
"""Content of a STREAM_ITEM, in bytes."""

SNAPSHOT_PART_BYTES: Final = 48 * 1024
"""Content of each STREAM_SNAPSHOT_PART but the last, in bytes."""

SNAPSHOT_BYTES_MAX: Final = 256 * 1024 * 1024
"""Longest snapshot that is put together from parts, in bytes."""

SNAPSHOT_PARTS_MAX: Final = -(-SNAPSHOT_BYTES_MAX // SNAPSHOT_PART_BYTES)
"""Parts of one snapshot."""

ROLES_MAX: Final = 16
"""Roles of one node in its service record."""

ADDRESSES_MAX: Final = 8
"""Addresses of one node in its service record."""

ADDRESS_CHARS_MAX: Final = 255
"""One address, in ASCII characters: the longest host name is 253."""

PURPOSE_KEYS_MAX: Final = 8
"""Keys of one node in its service record beside its identity."""

RATES_MAX: Final = 16
"""Rates in one service record."""

RATE_PPM_MAX: Final = 1_000_000
"""Largest rate, in parts per million of a trade's value: all of it. A rate may be negative: the operator pays."""

SERVICE_BYTES_MAX: Final = 8 * 1024
"""Longest service record, in bytes."""

RECORD_SIGNED_BYTES_MAX: Final = SERVICE_BYTES_MAX + 256
"""Longest service record with the one signature that a link takes, in bytes: it comes from a peer of whom nothing is
known yet. Name and signature need 120."""

SERVICE_LIFETIME_NS_MAX: Final = 7 * 86_400 * 10**9
"""How far ahead a service record may set its expiry, in nanoseconds: a lost operator is gone after a week."""

MARKET_STATE_BYTES_MAX: Final = 512
"""Longest MARKET_STATE, in bytes."""

KEY_STATEMENT_BYTES_MAX: Final = 256
"""Longest KEY_ROTATION or KEY_REVOCATION, in bytes: they need 88, the rest is for later fields."""

CAPTURE_FRAME_BYTES_MAX: Final = 2 * FRAME_BYTES_MAX
"""Longest frame in a capture file, in bytes: longer than what a node accepts, so that what was refused can be seen."""

TAP_ITEMS_MAX: Final = 4_096
"""Items of one message that the inspector decodes."""

TAP_NESTING_MAX: Final = 16
"""Arrays and maps inside one another that the inspector decodes."""

TAP_RECORDS_MAX: Final = 8
"""Records of one frame that the inspector shows."""

TAP_VALUES_MAX: Final = 32
"""Elements of one array or map that the inspector shows."""

TAP_TEXT_CHARS_MAX: Final = 128
"""Characters of one string, or hexadecimal digits of one byte string, that the inspector shows."""
