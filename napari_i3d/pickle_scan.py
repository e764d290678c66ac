"""A look through the instructions of a pickle, before any of them is followed.

Only for what takes the interpreter's unpickler itself down, or goes past the names that it asks for.
"""

import pickletools
import re


class ForbiddenError(Exception):
    """Carries what a pickle asked for in vain."""


def one_line(text: str) -> str:
    """Return text from a file as it can stand in a message: printable, plain ASCII, at most 120 characters."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() else "?" for c in plain[:120])


# Instructions with a length in front of their content: how many bytes the length has.
_SIZED = dict.fromkeys(b"U\x8c\x8aC", 1) | dict.fromkeys(b"TXB\x8b", 4) | dict.fromkeys(b"\x8d\x8e\x96", 8)
# Instructions that end with the line, and how many lines they take.
_LINES = dict.fromkeys(b"ILFSVPgp", 1) | dict.fromkeys(b"ci", 2)
_NUMBER = rb"(?:(?:K.|M..|J.{4}|G.{8})\x85?+)"
# All that has a fixed length, and the bytes of single numbers and of boxes. TOP is the highest byte of an index.
_BULK = (
    rb"(?:" + _NUMBER + rb"|\(" + _NUMBER + rb"*+t?+|[\x85-\x87t](?:\x94|q.|r.{4})?[Rb]"
    rb"|[]\x94eu}asNR)b\x88\x89ld012oQ\x81\x8f\x90-\x93\x97\x98]"
    rb"|h.|q.|j.{4}|r.{3}[\x00-TOP]|C(?:\x04.{4}|\x08.{8}|\x20.{32})|\x80.|\x95.{8})*+"
)
_TUPLES = frozenset({"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
_NESTED = 5_000


def scan(data: bytes) -> None:
    """Refuse what takes the interpreter's unpickler down: a memo of gigabytes, tuples nested until the stack overflows.

    Nearly all of a file is taken at once, by an expression for all instructions of a fixed length. Tuples that hold
    only numbers cannot nest, nor can the arguments of a call, as no stand-in takes tuples of tuples: they are taken
    along. The others are counted, and only where there are many of them their depth is found exactly, which is slow.
    """
    # An index is never larger than the number of instructions; the unpickler makes room for all indices below it.
    top = re.escape(bytes([min(len(data) >> 24, 255)]))
    bulk = re.compile(_BULK.replace(b"TOP", top), re.DOTALL)
    position, nestable = 0, 0
    while True:
        position = bulk.match(data, position).end()  # type: ignore[union-attr]
        op = data[position] if position < len(data) else 0x2E
        if op == 0x2E:  # the stop; behind it nothing is read
            break
        position += 1
        if op in b"\x85\x86\x87t":
            nestable += 1
        elif op in _SIZED:
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
        elif op in b"\x82\x83\x84":
            raise ForbiddenError("a name in the extension registry")
        else:
            raise ValueError(f"at byte {position - 1} stands no instruction")
    if nestable > _NESTED and _depth(data) > _NESTED:
        raise ForbiddenError(f"tuples nested more than {_NESTED} deep")


def _depth(data: bytes) -> int:
    # How deep tuples hold tuples; everything else ends a nest, as hashing does not go through it.
    stack: list[int] = []
    memo: dict[int, int] = {}
    deepest = 0
    for op, argument, _ in pickletools.genops(data):
        if op.name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else int(argument)] = stack[-1]
        elif op.name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument or 0)])
        elif op.name == "DUP":
            stack.append(stack[-1])
        elif op.name == "MARK":
            stack.append(-1)
        else:
            taken = [0]
            if pickletools.markobject in op.stack_before or op.name == "POP_MARK":
                while (item := stack.pop()) >= 0:
                    taken.append(item)
            before = op.stack_before
            if pickletools.markobject in before:
                before = before[: before.index(pickletools.markobject)]
            for _ in before:
                taken.append(max(stack.pop(), 0))
            deep = max(taken) + 1 if op.name in _TUPLES else 0
            deepest = max(deepest, deep)
            stack.extend([deep] * len(op.stack_after))
    return deepest
