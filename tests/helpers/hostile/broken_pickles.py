"""Tracking pickles damaged at random, random but plausible instructions, and ones that ask for time or memory."""

import collections
import pickle
import pickletools
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

PROTOCOLS = range(6)


def honest(rng: random.Random) -> dict[Any, Any]:
    """Tracking of the kinds that are about: boxes as lists, tuples or arrays, numbers of any type."""
    number = rng.choice([int, float, np.float32, np.int64, np.float64])
    box = rng.choice([list, tuple, np.array])
    outer = rng.choice([dict, collections.OrderedDict])
    names: list[Any] = rng.sample(["male", "ä", "", "fly 1", 3, 10**12, np.int64(5)], 3)
    return outer(
        (name, {start + i: box([number(rng.randrange(500)) for _ in range(4)]) for i in range(rng.randrange(1, 9))})
        for name, start in zip(names, (0, 5, 99), strict=True)
    )


def plain(rng: random.Random) -> dict[Any, Any]:
    """Tracking without any name in its pickle, so that another reading of it can be compared."""
    return {
        name: {start + i: [rng.randrange(500) / 2 for _ in range(4)] for i in range(rng.randrange(1, 9))}
        for name, start in (("male", 0), ("ä", 3), (7, 300))
    }


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, replaced, cut, doubled, moved or filled in, a few times."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(changed) or 1)
        size = min(rng.choice([1, 1, 1, 2, 4, 8, 30]), len(changed) - at)
        match rng.randrange(8):
            case 0:
                changed[at : at + 1] = bytes([changed[at] ^ 1 << rng.randrange(8)]) if changed else b""
            case 1:
                changed[at : at + size] = rng.randbytes(size)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = rng.randbytes(size)
            case 4:
                changed[at:at] = changed[rng.randrange(len(changed) or 1) :][:size]
            case 5:
                changed[at : at + size] = rng.choice([b"\x00", b"\xff", b"\x7f"]) * size
            case 6:
                changed[at:at] = rng.choice(pickletools.opcodes).code.encode("latin1")
            case 7 if rng.random() < 0.3:
                del changed[at:]
    return bytes(changed)


PIECES = [
    b"}", b"]", b")", b"(", b"N", b"K\x01", b"K\x04", b"\x88", b"2", b"0", b"1", b"t", b"l", b"d", b"s", b"u", b"a", b"e",
    b"\x85", b"\x86", b"\x87", b"\x94", b"q\x00", b"h\x00", b"q\x01", b"h\x01", b"q\x02", b"h\x02", b"R", b"b", b"\x81", b"\x92",
    b"\x8c\x01a", b"U\x02f8", b"C\x0812345678", b"C\x00", b"\x8e" + bytes(8), b"\x96" + struct.pack("<Q", 8) + b"12345678",
    b"G?\xf0\x00\x00\x00\x00\x00\x00", b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff", b"\x8a\x09" + b"\xff" * 8 + b"\x00",
    b"\x8a\x20" + b"\x7f" * 32, b"I10\n", b"I01\n", b"L9999999999999999999L\n", b"F1e999\n", b"Fnan\n", b"S'x'\n", b"V\\ud800\n",
    b"\x8f", b"\x90", b"\x91", b"\x93", b"\x97", b"\x98", b"P1\n", b"Q", b"\x82\x01", b"\x95" + struct.pack("<Q", 3),
    b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy._core.numeric\n_frombuffer\n", b"ccollections\nOrderedDict\n", b"ccollections\ndefaultdict\n", b"c_codecs\nencode\n",
    b"cbuiltins\nbytes\n", b"cbuiltins\nlist\n", b"cnumpy\ndtype\n(U\x02f8K\x00K\x01tR", b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR",
    b"cnumpy\ndtype\n(U\x02S0tR", b"cnumpy\ndtype\n(U\x02U0tR", b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR", b"(K\x01(K\x01tcnumpy\ndtype\n(U\x02f8tR\x89C\x0812345678tb",
    b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"(K\x00\x8a\x08" + b"\xff" * 7 + b"\x7ft", b"C\x01C", b"U\x06latin1",
]  # fmt: skip


def soup(rng: random.Random) -> bytes:
    """Instructions that often fit each other, so that the deeper ones are reached."""
    start = b"\x80\x04}\x94" if rng.random() < 0.7 else b"}("
    return start + b"".join(rng.choices(PIECES, k=rng.randrange(1, 40))) + rng.choice([b".", b"u.", b"t.", b"s."])


def lengths(rng: random.Random) -> bytes:
    """An instruction whose length or count promises far more than there is."""
    huge = rng.choice([2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1, rng.randrange(2**64)])
    four, eight = struct.pack("<Q", huge)[:4], struct.pack("<Q", huge)
    piece = rng.choice(
        [b"T" + four, b"X" + four, b"B" + four, b"\x8b" + four, b"\x8d" + eight, b"\x8e" + eight, b"\x96" + eight]
        + [b"\x95" + eight, b"N r" + four, b"Nr" + four, b"j" + four, b"Np%d\n" % huge, b"g%d\n" % huge]
        + [b"I" + b"9" * rng.choice([20, 5000, 10**6]) + b"\n", b"L" + b"9" * rng.choice([20, 5000, 10**6]) + b"L\n"]
        + [b"cbuiltins\nbytes\n(" + b"J" + four + b"tR", b"cbuiltins\nbytearray\n(J" + four + b"tR"]
        + [b"\x84" + four, b"U\xff", b"C\xff", b"\x8c\xff"]
    )
    return b"\x80" + bytes([rng.choice([2, 4, 5])]) + b"}" + piece + rng.randbytes(rng.choice([0, 3, 300])) + b"."


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
OF_NOTHING = b"(cnumpy\nndarray\n(K\x00tC\x01bt"
ARRAY = RECONSTRUCT + OF_NOTHING + b"R"
F8 = b"cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def whole(number: int) -> bytes:
    """A whole number of any size."""
    data = pickle.encode_long(number)
    return b"\x8b" + struct.pack("<i", len(data)) + data


def arrays(rng: random.Random) -> bytes:
    """A numpy array as a box, with a shape, dtype, order or content that do not go together."""
    side = rng.choice([0, 1, -1, 2, 4, 2**16, 2**31, 2**32, 2**33, 2**62, 2**63, 2**64, 10**30])
    shape = (
        b"("
        + b"".join(whole(rng.choice([side, 0, 1, 4, 2**32, 10**10])) for _ in range(rng.choice([0, 1, 1, 2, 3, 40])))
        + b"t"
    )
    kind = rng.choice(
        ["f8", "f4", "i1", "u8", "b1", "O8", "O", "S0", "U0", "S1", "U1", "S99999999", "V8", "M8[ns]", "f8,f8"]
    )
    kind = rng.choice([kind, kind, "f8", "(4,)f8", "c16", "f16", "f32", "U536870911", "S2147483647", "i3", "\xe4"])
    dtype = b"cnumpy\ndtype\n(X" + struct.pack("<I", len(kind.encode())) + kind.encode() + b"K\x00K\x01tR"
    if rng.random() < 0.5:
        order = rng.choice([b"<", b">", b"|", b"=", b"?"])
        dtype += (
            b"(K\x03U\x01" + order + rng.choice([b"NNN", b"NN}", b"N(U\x01at}"]) + b"J\xff\xff\xff\xff" * 2 + b"K\x3ftb"
        )
    content = rng.choice(
        [b"C\x00", b"C\x20" + bytes(32), b"C\x20" + b"\xff" * 32, b"(K\x01K\x02K\x03K\x04l", b"]", b"N", b"U\x04abcd"]
    )
    made = ARRAY + b"(K\x01" + shape + dtype + rng.choice([b"\x88", b"\x89", b"K\x05"]) + content + b"tb"
    buffer = (
        b"cnumpy._core.numeric\n_frombuffer\n("
        + content
        + dtype
        + shape
        + b"U\x01"
        + rng.choice([b"C", b"F", b"K"])
        + b"tR"
    )
    scalar = b"cnumpy.core.multiarray\nscalar\n(" + dtype + content + b"tR"
    box = rng.choice([made, buffer, scalar, b"](" + scalar + b"K\x01K\x02K\x03e"])
    return b"\x80\x05}\x8c\x01a}K\x00" + box + b"ss."


GENERATORS: dict[str, Callable[[random.Random], bytes]] = {
    "soup": soup,
    "lengths": lengths,
    "arrays": arrays,
    "damage": lambda rng: damaged(pickle.dumps(honest(rng), rng.choice(PROTOCOLS)), rng),
}  # fmt: skip


def broken(seed: int) -> tuple[bytes, str]:
    """A file chosen by a seed, and its description."""
    rng = random.Random(seed)
    name = list(GENERATORS)[seed % len(GENERATORS)]
    return GENERATORS[name](rng), f"seed {seed}: {name}"
