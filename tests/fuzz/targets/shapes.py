"""Ways to change an input and keep its shape: trees of MessagePack, lines of text, bytes behind a checksum."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgpack

from tests.fuzz.targets.target import Change, Raw

NUMBERS: Final = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32_767,
    65_535,
    65_536,
    2**31,
    2**32 - 1,
    2**32,
    2**62,
    2**63 - 1,
    2**64 - 1,
)
SIZES: Final = (0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 255, 256)
LEAF_BYTES_MAX: Final = 600
RAW_ONE_IN: Final = 12
"""One change in so many is made without looking at the structure."""


def tree(repair: Callable[[Any, Random], Any] | None = None) -> Change:
    """Change some values of a MessagePack tree, also of those that are packed within its bytes.

    repair: makes right again, in the tree, what depends on other parts of it.
    """

    def change(data: bytes, random: Random, raw: Raw) -> bytes:
        if random.randrange(RAW_ONE_IN) == 0:
            return raw(data, len(data) + 16)
        value = unpacked(data)
        if value is None:
            return raw(data, len(data) + 16)
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            value = changed(value, random, raw)
        if repair is not None and random.randrange(4):
            value = repair(value, random)
        return packed(value) or raw(data, len(data) + 16)

    return change


def unpacked(data: bytes | memoryview) -> Any:
    """Return what bytes hold as MessagePack, None where they hold nothing of use."""
    try:
        return msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogateescape")
    except (ValueError, RecursionError, TypeError):
        return None


def packed(value: Any) -> bytes:
    """Return a tree as bytes, none where it is too deep or too large for that."""
    try:
        return bytes(msgpack.packb(value, unicode_errors="surrogateescape"))
    except (ValueError, OverflowError, RecursionError, TypeError):
        return b""


def changed(value: Any, random: Random, raw: Raw) -> Any:
    """Return a tree with one change somewhere in it."""
    if isinstance(value, list):
        return _changed_list(value, random, raw)
    if random.randrange(8) == 0:
        return junk(random)
    if isinstance(value, bool) or value is None:
        return junk(random)
    if isinstance(value, int):
        return random.choice((*NUMBERS, value + 1, value - 1, -value, value ^ 1 << random.randrange(64))) % 2**64
    if isinstance(value, bytes):
        inner = unpacked(value) if random.randrange(2) else None
        if isinstance(inner, list):
            return packed(changed(inner, random, raw)) or value
        if random.randrange(3) == 0:
            return value.ljust(random.choice(SIZES), b"\x01")[: random.choice(SIZES)]
        return raw(value, LEAF_BYTES_MAX)
    if isinstance(value, str):
        return raw(value.encode("utf-8", "surrogateescape"), LEAF_BYTES_MAX).decode("latin-1")
    if isinstance(value, dict) and value:
        return {**value, random.choice(list(value)): junk(random)}
    return junk(random)


def _changed_list(value: list[Any], random: Random, raw: Raw) -> list[Any]:
    if value and random.randrange(10) < 7:
        index = random.randrange(len(value))
        return [*value[:index], changed(value[index], random, raw), *value[index + 1 :]]
    index = random.randrange(len(value) + 1)
    match random.randrange(6):
        case 0:
            return value[:index] + value[index + 1 :]
        case 1 if value:
            return value[:index] + [random.choice(value)] * random.choice((1, 2, 40)) + value[index:]
        case 2:
            return [*value[:index], junk(random), *value[index:]]
        case 3:
            return value[:index]
        case 4 if len(value) > 1:
            one, other = random.sample(range(len(value)), 2)
            value = [*value]
            value[one], value[other] = value[other], value[one]
            return value
        case _:
            return [*value[:index], [*value[index:]]]


def junk(random: Random) -> Any:
    """Return any value."""
    return random.choice(
        (
            None,
            True,
            1.5,
            float("nan"),
            random.choice(NUMBERS),
            -random.choice(NUMBERS[:-1]),
            "",
            "é\x00",
            b"",
            bytes(32),
            b"K" * 32,
            [],
            [[[[]]]],
            {},
            {"a": 1},
            msgpack.ExtType(5, b"x"),
            msgpack.Timestamp(1, 1),
        )
    )


def lines(words: Sequence[bytes], separators: bytes = b"\n") -> Change:
    """Change text: words that mean something put in, lines dropped, doubled and exchanged, bytes changed."""

    def change(data: bytes, random: Random, raw: Raw) -> bytes:
        rows = data.split(separators[:1])
        at = random.randrange(len(rows))
        match random.randrange(7):
            case 0:
                del rows[at]
            case 1:
                rows.insert(at, random.choice(rows))
            case 2:
                rows.insert(at, random.choice(words))
            case 3 | 4:
                row = rows[at]
                begin = random.randrange(len(row) + 1)
                rows[at] = row[:begin] + random.choice(words) + row[begin + random.choice((0, 0, 1, 4, 20)) :]
            case 5:
                rows[at] = raw(rows[at], len(rows[at]) + 16)
            case _:
                return raw(data, len(data) + 16)
        return separators[:1].join(rows)

    return change


def numbers(repair: Callable[[bytearray, Random], bytes]) -> Change:
    """Change binary fields: absurd numbers, runs of zeros, parts copied over others; then repair, most of the time."""

    def change(data: bytes, random: Random, raw: Raw) -> bytes:
        content = bytearray(data)
        if not content or random.randrange(RAW_ONE_IN) == 0:
            return raw(data, len(data) + 64)
        for _ in range(random.choice((1, 1, 2, 3))):
            size = random.choice((1, 2, 4, 8))
            at = random.randrange(len(content))
            match random.randrange(6):
                case 0:
                    end = at + random.choice((1, 8, 64, 512))
                    content[at:end] = bytes(len(content[at:end]))
                case 1:
                    other = random.randrange(len(content))
                    part = content[other : other + random.choice((8, 64, 200))]
                    content[at : at + len(part)] = part
                case 2:
                    del content[at : at + random.choice((1, 8, 64))]
                case 3:
                    content[at:at] = bytes([random.randrange(256)]) * random.choice((1, 8, 64))
                case 4:
                    content[at : at + 64] = raw(bytes(content[at : at + 64]), 64)
                case _:
                    value = random.choice(NUMBERS) % 2 ** (8 * size)
                    content[at : at + size] = value.to_bytes(size, random.choice(("little", "big")))
            if not content:
                return b""
        return repair(content, random) if random.randrange(5) else bytes(content)

    return change


def unrepaired(content: bytearray, random: Random) -> bytes:
    """Return bytes that nothing depends on."""
    return bytes(content)


def unchanged(data: bytes, random: Random, raw: Raw) -> bytes:
    """Change bytes of which nothing is known."""
    return raw(data, len(data) + 64)
