"""Pickles that call functions, by every instruction that can, hidden at every place of a tracking file.

`call(seed, canary)` gives a file and its description; if its code ran, the file `canary` would appear.
"""

import random
import struct
from collections.abc import Callable
from pathlib import Path


def text(value: str, rng: random.Random) -> bytes:
    """Text by one of the instructions that write it."""
    data = value.encode()
    forms = [
        b"V" + value.encode("raw-unicode-escape") + b"\n",
        b"S" + repr(value).encode() + b"\n",
        b"X" + struct.pack("<I", len(data)) + data,
        b"\x8d" + struct.pack("<Q", len(data)) + data,
        b"T" + struct.pack("<i", len(data)) + data,
    ]
    if len(data) < 256:
        forms += [b"\x8c" + bytes([len(data)]) + data, b"U" + bytes([len(data)]) + data]
    return rng.choice(forms)


def unicode(value: str, rng: random.Random) -> bytes:
    """Text as STACK_GLOBAL takes it, perhaps by way of the memo or with rubbish popped from above it."""
    data = value.encode()
    plain = rng.choice(
        [b"X" + struct.pack("<I", len(data)) + data, b"\x8d" + struct.pack("<Q", len(data)) + data]
        + [b"\x8c" + bytes([len(data)]) + data, b"V" + data + b"\n"]
    )
    slot = rng.randrange(200, 256)
    return rng.choice(
        [plain, plain + b"q" + bytes([slot]) + b"0h" + bytes([slot]), plain + b"N0", plain + b"(N1", plain + b"20"]
    )


def names(module: str, name: str, rng: random.Random) -> bytes:
    """A function on the stack: by GLOBAL or STACK_GLOBAL."""
    if rng.random() < 0.4:
        return f"c{module}\n{name}\n".encode()
    return unicode(module, rng) + unicode(name, rng) + b"\x93"


def functions(canary: str) -> list[tuple[str, str, list[str]]]:
    """Module, name and arguments of calls that would make the file `canary`, or do other harm."""
    python = f"open({canary!r}, 'w').close()"
    shell = f"touch {canary}"
    return [
        *((module, "system", [shell]) for module in ("os", "posix", "nt")),
        *(("subprocess", name, [shell, "-1"]) for name in ("Popen", "call", "run", "check_output", "getoutput")),
        *((module, name, [python]) for module in ("builtins", "__builtin__") for name in ("eval", "exec", "execfile")),
        *(("builtins", name, [canary, "w"]) for name in ("open", "getattr", "setattr", "compile", "__import__", "type")),
        *(("os", name, [canary]) for name in ("mkdir", "mknod", "mkfifo", "popen", "remove", "execv", "putenv")),
        *(("numpy", name, [canary]) for name in ("load", "memmap", "fromfile", "loadtxt", "save", "lib.format.open_memmap")),
        *((module, "loads", [python]) for module in ("pickle", "_pickle", "marshal", "cPickle", "dill", "numpy.core._pickle")),
        *(("numpy.testing._private.utils", "runstring", [python]), ("timeit", "timeit", [python]), ("cProfile", "run", [python])),
        *(("io", name, [canary, "w"]) for name in ("open", "FileIO", "open_code")),
        *(("pathlib", name, [canary]) for name in ("Path", "PosixPath", "Path.touch", "Path.write_text")),
        *(("shutil", name, ["/etc/passwd", canary]) for name in ("copyfile", "move", "rmtree")),
        *(("importlib", name, ["antigravity"]) for name in ("import_module", "__import__", "reload")),
        *(("operator", name, ["system"]) for name in ("attrgetter", "methodcaller", "itemgetter")),
        *(("functools", name, [shell]) for name in ("partial", "reduce", "partialmethod")),
        *(("types", name, [python]) for name in ("FunctionType", "CodeType", "MethodType", "SimpleNamespace")),
        *(("copyreg", name, ["a", "b", "c"]) for name in ("_reconstructor", "__newobj__", "__newobj_ex__", "add_extension")),
        *(("torch", name, [canary]) for name in ("load", "save", "hub.load", "_utils._rebuild_tensor")),
        *(("napari_i3d.safe_loading.unpickler", name, [shell]) for name in ("StandIn", "os.system", "pickle.loads", "_ALLOWED", "load")),
        *(("numpy", name, [canary]) for name in ("ndarray.tofile", "dtype.__reduce__", "ndarray.__class__", "core.os.system")),
        *(("collections", name, [python]) for name in ("OrderedDict.__init__.__globals__", "namedtuple", "UserDict", "_sys.exit")),
        *(("builtins", name, [python]) for name in ("dict.__class__", "list.append", "str.format", "bytes.fromhex", "int.real")),
        ("numpy.core.multiarray", "_reconstruct.__globals__", [python]),
        ("numpy._core.multiarray", "fromfile", [canary]),
        ("_codecs", "encode.__self__", [python]),
        ("pty", "spawn", [shell]),
        ("runpy", "run_path", [canary]),
        ("ctypes", "CDLL", [canary]),
        ("sys", "exit", ["1"]),
        ("signal", "alarm", ["1"]),
        ("socket", "create_connection", ["127.0.0.1"]),
        ("platform", "popen", [shell]),
        ("tempfile", "mktemp", [canary]),
        ("", "", [python]),
        ("os\nsystem", "x", [shell]),
        ("os.path", "os.system", [shell]),
        ("__main__", "__builtins__.exec", [python]),
    ]  # fmt: skip


def calls(function: bytes, arguments: bytes, raw: tuple[str, str], rng: random.Random) -> dict[str, bytes]:
    """The same call by each instruction that can make it; `arguments` are those between MARK and TUPLE."""
    module, name = raw
    tuple_ = b"(" + arguments + b"t"
    harmless = b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x06\x00\x00\x00latin1tR"
    return {
        "REDUCE": function + tuple_ + b"R",
        "INST": b"(" + arguments + f"i{module}\n{name}\n".encode(),
        "OBJ": b"(" + function + arguments + b"o",
        "NEWOBJ": function + tuple_ + b"\x81",
        "NEWOBJ_EX": function + tuple_ + b"}\x92",
        "BUILD state": b"ccollections\nOrderedDict\n)R}X\x0c\x00\x00\x00__setstate__" + function + b"sb" + tuple_ + b"b",
        "BUILD slots": b"ccollections\nOrderedDict\n)RN}X\x09\x00\x00\x00__class__" + function + b"s\x86b",
        "BUILD of a function": function + b"}X\x08\x00\x00\x00__code__" + harmless + b"sb",
        "nested REDUCE": b"ccollections\nOrderedDict\n((" + function + tuple_ + b"RtltR",
        "factory": b"ccollections\ndefaultdict\n(" + function + b"tR",
        "array kind": b"cnumpy.core.multiarray\n_reconstruct\n(" + function + b"(K\x00tX\x01\x00\x00\x00btR",
        "argument of a dtype": b"cnumpy\ndtype\n(" + function + tuple_ + b"RtR",
        "object in an array": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tX\x01\x00\x00\x00btR"
        b"(K\x01(K\x01tcnumpy\ndtype\n(X\x02\x00\x00\x00O8tR\x89(" + function + tuple_ + b"Rltb",
        "memo": function + b"q\x01" + tuple_ + b"q\x0200h\x01h\x02R",
        "twice": function + b"2" + tuple_ + b"R0" + tuple_ + b"R",
        "only named": function,
    }  # fmt: skip


PLACES: dict[str, Callable[[bytes], bytes]] = {
    "top": lambda call: call,
    "id": lambda call: b"}(" + call + b"}K\x01](K\x01K\x02K\x03K\x04esu",
    "individual": lambda call: b"}X\x01\x00\x00\x00a" + call + b"s",
    "frame": lambda call: b"}X\x01\x00\x00\x00a}" + call + b"](K\x01K\x02K\x03K\x04ess",
    "box": lambda call: b"}X\x01\x00\x00\x00a}K\x00" + call + b"ss",
    "number in a box": lambda call: b"}X\x01\x00\x00\x00a}K\x00](K\x01K\x02K\x03" + call + b"ess",
    "popped": lambda call: call + b"0}X\x01\x00\x00\x00a}K\x00](K\x01K\x02K\x03K\x04ess",
    "popped with a mark": lambda call: b"(" + call + b"1}X\x01\x00\x00\x00a}K\x00](K\x01K\x02K\x03K\x04ess",
    "behind a frame": lambda call: b"\x95" + struct.pack("<Q", len(call) + 1) + call + b".",
}  # fmt: skip


def call(seed: int, canary: Path) -> tuple[bytes, str]:
    """A file that makes a call, chosen by a seed."""
    rng = random.Random(seed)
    # Relative to where the reader runs: no path that must be escaped.
    module, name, values = rng.choice(functions(canary.name))
    arguments = b"".join(text(value, rng) for value in values)
    forms = calls(names(module, name, rng), arguments, (module, name), rng)
    form = rng.choice(list(forms))
    place = rng.choice(list(PLACES))
    head = rng.choice([b"", *(b"\x80" + bytes([protocol]) for protocol in range(2, 6))])
    body = PLACES[place](forms[form])
    if not head and body[:1] not in b"(}c":
        head = b"\x80\x04"
    if place != "behind a frame" and len(head) and rng.random() < 0.3:
        head += b"\x95" + struct.pack("<Q", len(body) + 1)
    return head + body + b".", f"seed {seed}: {module}.{name} by {form}, place {place}, head {head!r}"
