"""Scan the opcodes of a pickle before unpickling it.

Refuses only what crashes the interpreter's unpickler, or bypasses the checks of `unpickler`.
"""

import re

_PERSISTENT = "an object that is stored elsewhere (a persistent id)"


class ForbiddenError(Exception):
    """Names what a pickle asked for and was refused."""


# Opcodes with a length before their content: number of bytes of the length.
_SIZED = dict.fromkeys(b"U\x8c\x8aC", 1) | dict.fromkeys(b"TXB\x8b", 4) | dict.fromkeys(b"\x8d\x8e\x96", 8)
# Opcodes that end with a line: number of lines.
_LINES = dict.fromkeys(b"ILFSVgp", 1) | dict.fromkeys(b"ci", 2)
_NUMBER = rb"(?:(?:K.|M..|J.{4}|G.{8})\x85?+)"
# Harmless opcodes of a fixed length, and the bytes of single numbers and of boxes. TOP is the highest byte of an index.
_BULK = (
    rb"(?:" + _NUMBER + rb"|\((?!d)" + _NUMBER + rb"*+t?+"
    rb"|[]\x94eu\x85-\x87tasNRb)\x88\x89l012o\x81\x92\x93\x98]"
    rb"|h.|q.|j.{4}|r.{3}[\x00-TOP]|C(?:\x04.{4}|\x08.{8}|\x20.{32})|\x80.|\x95.{8})*+"
)
_REFUSED = (
    dict.fromkeys(b"\x82\x83\x84", "a name in the extension registry")
    | dict.fromkeys(b"PQ", _PERSISTENT)
    | dict.fromkeys(b"\x8f\x90\x91", "a set")
    | {ord("d"): "a dictionary that is written in an unusual way"}
)
# Containers of one or two bytes take fifty times as much memory; ordinary ones have content.
_CONTAINERS = (b"]", b"(l", b"\x85", b"\x86", b"\x87")
_BYTES_A_CONTAINER = 4
_FREE_BYTES = 1 << 20
_DICTIONARIES = 1 << 20


def scan(data: bytes) -> bytes:
    """Return a pickle in which every empty dictionary is an external object, or refuse the pickle.

    The unpickler fills its own dictionaries with any keys, and some take forever: nested tuples, or keys with equal
    hashes. It fills external ones through their own method, which checks the keys. So the opcode for an empty
    dictionary becomes that for the next external buffer, and the old one in two bytes becomes an object with the
    persistent id None; neither may be in the file.

    Nearly all of a file is matched at once, by an expression for all opcodes of a fixed length.
    """
    _check_containers(data)
    # An index is at most the number of opcodes; the unpickler allocates all indices below it.
    top = re.escape(bytes([min(len(data) >> 24, 255)]))
    bulk = re.compile(_BULK.replace(b"TOP", top), re.DOTALL)
    marked = bytearray(data)
    position, dictionaries = 0, 0
    while True:
        position = bulk.match(data, position).end()  # type: ignore[union-attr]
        op = data[position] if position < len(data) else 0x2E
        if op == 0x2E:  # STOP: nothing after it is read
            return bytes(marked)
        position += 1
        if op in b"}(":
            dictionaries += 1
            if dictionaries > _DICTIONARIES:
                raise ForbiddenError(f"more than {_DICTIONARIES} dictionaries")
            if op == 0x7D:
                marked[position - 1] = 0x97
            else:
                marked[position - 1 : position + 1] = b"NQ"
                position += 1
        elif op in _REFUSED:
            raise ForbiddenError(_REFUSED[op])
        else:
            position = _after(data, op, position)


def _after(data: bytes, op: int, position: int) -> int:
    """Return the end of an opcode whose content begins at `position`."""
    if op in _SIZED:
        size = int.from_bytes(data[position : position + _SIZED[op]], "little")
        position += _SIZED[op] + size
        if position > len(data):
            raise EOFError(f"{size} bytes expected, more than are left")
    elif op in _LINES:
        for _ in range(_LINES[op]):
            end = data.find(b"\n", position)
            if end < 0:
                raise EOFError("it ends within a line")
            if op == 0x70 and int(data[position:end]) > len(data):
                raise ValueError("an index beyond the file")
            position = end + 1
    else:
        raise ValueError(f"at byte {position - 1} stands no instruction")
    return position


def _check_containers(data: bytes) -> None:
    count = sum(map(data.count, _CONTAINERS))
    if count > _FREE_BYTES // _BYTES_A_CONTAINER and count * _BYTES_A_CONTAINER > len(data):
        raise ForbiddenError(f"{count} lists and tuples in {len(data)} bytes")
