"""Small pickles that ask for much time or memory, each by one trick; sizes are those at which each once worked."""

import struct

from helpers.hostile.broken_pickles import ARRAY, F8, OF_NOTHING, RECONSTRUCT, whole

MB = 1 << 20
_OUTER = b"\x80\x05}\x8c\x01a}K\x00"


def _bytes(size: int) -> bytes:
    return b"\x8e" + struct.pack("<Q", size) + bytes(size)


def _text(size: int) -> bytes:
    return b"X" + struct.pack("<I", size) + b"a" * size


def _repeated(memo: bytes, once: bytes, count: int) -> bytes:
    """A list of the outcome of the same instructions, over and over; what they need is in the memo."""
    return b"\x80\x05" + memo + b"](" + once * count + b"e."


_STATE = b"(K\x01(" + whole(MB // 8) + b"t" + F8 + b"\x89" + _bytes(MB) + b"tq\x02"
_S1 = b"cnumpy\ndtype\n(U\x08S1000000K\x00K\x01tR"
_COLLIDING = 2**61 - 1  # whole numbers that differ by it have the same hash
GREEDY: dict[str, bytes] = {
    "one content for many arrays": _repeated(RECONSTRUCT + b"q\x000" + OF_NOTHING + b"q\x010" + _STATE + b"0",
        b"h\x00h\x01Rh\x02b", 5000),
    "one content for many buffers": _repeated(b"cnumpy._core.numeric\n_frombuffer\nq\x000(" + _bytes(MB) + F8 + b"(" + whole(MB // 8)
        + b"tU\x01Ctq\x010", b"h\x00h\x01R", 5000),
    "one text for many bytes": _repeated(b"c_codecs\nencode\nq\x000" + _text(MB) + b"\x85q\x010", b"h\x00h\x01R", 5000),
    "one content for many scalars": _repeated(b"cnumpy.core.multiarray\nscalar\nq\x000(" + _S1 + _bytes(10**6) + b"tq\x010",
        b"h\x00h\x01R", 5000),
    "one list for many dictionaries": _repeated(b"ccollections\nOrderedDict\nq\x000](" + b"".join(
        b"(" + b"J" + struct.pack("<i", i) + b"Nt" for i in range(20000)) + b"e\x85q\x010", b"h\x00h\x01R", 5000),
    "empty text without end": _OUTER + ARRAY + b"(K\x01(" + whole(10**11) + b"tcnumpy\ndtype\n(U\x02S0K\x00K\x01tR\x89C\x00tbss.",
    "buffer of empty text": _OUTER + b"cnumpy._core.numeric\n_frombuffer\n(C\x00cnumpy\ndtype\n(U\x02S0tR(" + whole(10**11) + b"tU\x01CtRss.",
    "box of objects": _OUTER + ARRAY + b"(K\x01(" + whole(2**62) + b"K\x00tcnumpy\ndtype\n(U\x02O8K\x00K\x01tR\x89]tbss.",
    "empty sets": b"\x80\x05](" + b"\x8f" * 6 * MB + b"e.",
    "empty dictionaries": b"\x80\x05](" + b"}" * 12 * MB + b"e.",
    "empty lists": b"\x80\x05](" + b"]" * 12 * MB + b"e.",
    "lists of protocol 0": b"}(" + b"(l" * 12 * MB + b"l.",
    "single tuples": b"\x80\x05](" + b"N\x85" * 8 * MB + b"e.",
    "doubled": b"\x80\x05]" + b"2" * 16 * MB + b".",
    "memo": b"\x80\x05}N" + b"\x94" * 32 * MB + b".",
    "marks": b"\x80\x05}" + b"(" * 16 * MB + b".",
    "keys of one hash": b"\x80\x05}(" + b"".join(whole(i * _COLLIDING) + b"N" for i in range(1, 60000)) + b"u.",
    "keys of one hash in text": b"}(" + b"".join(b"L%dL\nN" % (i * _COLLIDING) for i in range(1, 60000)) + b"u.",
    "set of one hash": b"\x80\x05\x8f(" + b"".join(whole(i * _COLLIDING) for i in range(1, 60000)) + b"\x90.",
    "complex keys of one hash": b"\x80\x05cnumpy.core.multiarray\nscalar\nq\x010cnumpy\ndtype\n(U\x03c16K\x00K\x01tRq\x020}(" + b"".join(
        b"h\x01h\x02C\x10" + struct.pack("<dd", -1000003.0 * i, i) + b"\x86RN" for i in range(1, 60000)) + b"u.",
    "number of many digits": b"\x80\x04\x8b" + struct.pack("<i", 8 * MB) + b"\x7f" * 8 * MB + b".",
    "id of many digits": b"\x80\x04}\x8b" + struct.pack("<i", MB) + b"\x7f" * MB + b"}K\x00](K\x01K\x02K\x03K\x04ess.",
    "nested lists": b"\x80\x04" + b"]" * MB + b"a" * (MB - 1) + b".",
    "nested dictionaries": b"\x80\x04" + b"}K\x00" * MB + b"}" + b"s" * MB + b".",
    "nested tuples": b"\x80\x04})" + b"\x85" * MB + b"Ns.",
    "list in itself": b"\x80\x04}\x8c\x01a}K\x00]\x94(h\x00h\x00h\x00h\x00ess.",
    "dictionary in itself": b"\x80\x04}\x94\x8c\x01ah\x00s\x8c\x01bh\x00s.",
    "individual in itself": b"\x80\x04}\x8c\x01a}\x94K\x00h\x00ss.",
    "objects in themselves": _OUTER + ARRAY + b"q\x07(K\x01(K\x04tcnumpy\ndtype\n(U\x02O8K\x00K\x01tR\x89(h\x07h\x07h\x07h\x07ltbss.",
    "billion laughs": b"\x80\x04}K\x00]\x94" + b"".join(b"](h%ch%ce\x94" % (i, i) for i in range(200)) + b"0" * 200 + b"s.",
    "frames far apart": b"\x80\x04}\x8c\x01a}(K\x00](K\x01K\x02K\x03K\x04eJ\x00\xe1\xf5\x05](K\x01K\x02K\x03K\x04eus.",
    "many individuals far apart": b"\x80\x04](K\x01K\x02K\x03K\x04e\x940}(" + b"".join(
        b"J" + struct.pack("<i", i) + b"}(K\x00h\x00J" + struct.pack("<i", 4_900_000) + b"h\x00u" for i in range(40)) + b"u.",
}  # fmt: skip
