"""Ways to damage bytes, all from one seeded generator."""

from __future__ import annotations

import random
import re

_NUMBERS = (
    *(b"-1", b"0", b"-0", b"1e308", b"1e400", b"1e999", b"9" * 25, b"9" * 400, b"9223372036854775807", b"9223372036854775808"),
    *(
        b"NaN",
        b"nan",
        b"inf",
        b"-inf",
        b"0x10",
        b"1_0",
        "١".encode(),
        b"",
        b"true",
        b"null",
        b'"',
        b"\x00",
        b"4503599627370497",
    ),
)
_TEXTS = (
    *(b"\x1b]0;title\x07", b"\\u001b[2J", b"\r\nforged line", "\u202e".encode(), "\u009b2J".encode(), b"\xff\xfe", b"\x00"),
    *(b"{" * 3000, b"[" * 3000, b'{"a":' * 2000, b"../../etc/passwd", b"x" * 70_000, b"\\", b'""', b"\n", b"\r", b","),
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The data with one kind of damage, or two."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        if data:
            data = rng.choice(_WAYS)(data, rng)
    return data


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _bits(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _bytes(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 60)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _hole(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 2000) :]


def _noise(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + rng.randbytes(rng.randrange(1, 200)) + data[place:]


def _repeated(data: bytes, rng: random.Random) -> bytes:
    place, start = rng.randrange(len(data)), rng.randrange(len(data))
    return data[:place] + data[start : start + rng.randrange(1, 500)] + data[place:]


def _run(data: bytes, rng: random.Random) -> bytes:
    place, length = rng.randrange(len(data)), rng.randrange(1, 400)
    return data[:place] + bytes([rng.choice((0, 255, 10, 34, 44, 91))]) * length + data[place + length :]


def _header(data: bytes, rng: random.Random) -> bytes:
    """Sizes and offsets stand in the first bytes."""
    changed = bytearray(data)
    place, length = rng.randrange(max(1, min(len(data), 300))), rng.choice((1, 2, 4, 8))
    changed[place : place + length] = rng.choice((b"\xff" * length, b"\0" * length, b"\x7f" + b"\xff" * (length - 1)))
    return bytes(changed)


def _numbers(data: bytes, rng: random.Random) -> bytes:
    """Numbers written in digits, replaced by absurd ones."""
    found = [match.span() for match in re.finditer(rb"-?\d+(\.\d+)?", data)]
    for start, end in sorted(rng.sample(found, min(len(found), rng.randint(1, 3))), reverse=True):
        data = data[:start] + rng.choice(_NUMBERS) + data[end:]
    return data


def _texts(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + rng.choice(_TEXTS) + data[place:]


_WAYS = (_cut, _bits, _bytes, _hole, _noise, _repeated, _run, _header, _numbers, _numbers, _texts)
