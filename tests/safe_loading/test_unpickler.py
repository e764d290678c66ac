"""Hostile, damaged and honest pickles."""

import collections
import copyreg
import gc
import io
import os
import pickle
import pickletools
import random
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_i3d.errors import TrackingError
from napari_i3d.safe_loading import unpickler

PROTOCOLS = range(6)


def load(data: bytes, encoding: str = "latin1") -> Any:
    return unpickler.load(io.BytesIO(data), "file", TrackingError, encoding=encoding)


def refusal(data: bytes) -> str:
    with pytest.raises(TrackingError) as caught:
        load(data)
    text = str(caught.value)
    assert text.isprintable(), ascii(text)
    assert text.startswith("file: ")
    assert len(text) < 500
    return text


def same(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray):
        return (
            isinstance(a, np.ndarray)
            and a.shape == b.shape
            and a.dtype == b.dtype
            and all(map(same, a.ravel().tolist(), b.ravel().tolist()))
        )
    if isinstance(b, dict):
        return isinstance(a, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in b)
    if isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


RNG = np.random.RandomState(0)
KINDS = ("?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "g", "c8", ">f4", ">i2", "S3", "U2", ">U2")
HONEST: dict[str, Any] = {
    "plain": {"male": {0: [1, 2, 3, 4], 5: (1.5, -2, float("nan"), 1e300)}, 3: {}, "": [None, True, 2**70, b"\xff"]},
    "text": ["", "ä", "\U0001f600", "x" * 300, "line\nline", "\\", "'"],
    "ordered": collections.OrderedDict([("b", 1), ("a", collections.OrderedDict())]),
    "arrays": {kind: RNG.randint(0, 2, (3, 4)).astype(kind) for kind in KINDS},
    "shapes": [np.zeros(shape) for shape in ((), (0,), (0, 3), (1,), (2, 3, 4))],
    "orders": [np.asfortranarray(RNG.rand(3, 4)), RNG.rand(2, 3, 4).transpose(1, 2, 0), RNG.rand(6)[::2]],
    "scalars": [np.float64(1.5), np.float32(0.1), np.int64(-3), np.uint8(7), np.bool_(True), np.float16(2)],
    "text scalars": [np.str_("ab"), np.str_(""), np.bytes_(b"ab")],
    "objects": np.array([{"a": [1]}, None, "text"], dtype=object),
    "metadata": np.array({"male": RNG.rand(9, 4).astype("f4"), "min_frames": {"male": 3}}, dtype=object),
    "large": RNG.rand(300, 300),
    "many": {i: [i, i + 1] for i in range(3000)},
    "shared": [[1, 2]] * 3,
}  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", HONEST)
def test_honest_pickle_of_every_protocol_is_read(name: str, protocol: int):
    data = pickle.dumps(HONEST[name], protocol)
    assert same(load(data), pickle.loads(data))
    if name != "ordered":
        assert repr(load(data)).replace("_Array", "array").split() == repr(pickle.loads(data)).split()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_honest_pickle_that_names_numpy_core_reads(protocol: int, monkeypatch: pytest.MonkeyPatch):
    array = HONEST["arrays"]["f4"]
    data = pickle.dumps(array, protocol)
    short = data.replace(b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray")
    short = short.replace(b"\x8c\x13numpy._core.numeric", b"\x8c\x12numpy.core.numeric")
    short = short.replace(b"cnumpy._core.", b"cnumpy.core.")
    if protocol >= 4:  # the frame is a byte shorter
        short = short[:3] + struct.pack("<Q", struct.unpack("<Q", short[3:11])[0] - 1) + short[11:]
    assert b"numpy.core" in short
    assert same(load(short), array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_defaultdict_reads_as_plain_dictionary(protocol: int):
    content = collections.defaultdict(list, {"a": collections.defaultdict(dict, {1: [2]})})
    got = load(pickle.dumps(content, protocol))
    assert same(got, {"a": {1: [2]}})
    assert not isinstance(got, collections.defaultdict)


def test_numpy_dictionary_file_reads_behind_its_header(tmp_path: Any):
    np.save(tmp_path / "x.npy", {"male": HONEST["large"]}, allow_pickle=True)
    with (tmp_path / "x.npy").open("rb") as file:
        version = np.lib.format.read_magic(file)
        assert version == (1, 0)
        np.lib.format.read_array_header_1_0(file)
        got = unpickler.load(file, "x", TrackingError)
    assert same(got.item(), {"male": HONEST["large"]})


def test_python_2_file_with_raw_bytes_reads():
    array = np.arange(70, dtype="<f4").reshape(7, 10)
    data = (
        b"\x80\x02}q\x00U\x07conv1_w"
        b"q\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85q\x04"
        b"U\x01bq\x05\x87q\x06Rq\x07(K\x01K\x07K\x0a\x86q\x08cnumpy\ndtype\nq\x09U\x02f4q\x0aK\x00K\x01\x87q\x0bRq\x0c"
        b"(K\x03U\x01<q\x0dNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89T"
        + struct.pack("<i", 280) + array.tobytes() + b"q\x0ftq\x10bs."
    )  # fmt: skip
    assert same(load(data), {"conv1_w": array})


def test_array_read_pickles_without_naming_this_package():
    got = load(pickle.dumps([HONEST["large"], HONEST["objects"]], 4))
    for protocol in PROTOCOLS:
        data = pickle.dumps(got, protocol)
        assert b"napari_i3d" not in data
        assert same(pickle.loads(data), [HONEST["large"], HONEST["objects"]])


def test_arrays_that_were_read_can_be_written_to():
    for protocol in PROTOCOLS:
        load(pickle.dumps(np.zeros(3), protocol))[0] = 1


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "function", [os.system, eval, exec, getattr, subprocess.Popen, __import__, print, np.load, np.memmap]
)
def test_call_of_another_function_is_refused_by_name(function: Any, protocol: int):
    text = refusal(pickle.dumps([1, Calls(function, "1/0")], protocol))
    assert function.__name__ in text
    assert "nothing of it was run" in text


GLOBALS = {
    "os.system by protocol 0": (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
    "INST": (b"(S'true'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'true'\no.", "os.system"),
    "NEWOBJ": (b"\x80\x02csubprocess\nPopen\n)\x81.", "subprocess.Popen"),
    "NEWOBJ_EX": (b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93)}\x92.", "subprocess.Popen"),
    "names that were built": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "os.system"),
    "attribute of an allowed name": (
        b"\x80\x04\x8c\x16numpy._core.multiarray\x8c\x18_reconstruct.__globals__\x93.",
        "_reconstruct.__globals__",
    ),
    "dotted name": (b"\x80\x04\x8c\x0bcollections\x8c\x1bOrderedDict.fromkeys.__self\x93.", "OrderedDict.fromkeys"),
    "copyreg": (b"ccopyreg\n_reconstructor\n(cbuiltins\ndict\ncbuiltins\nobject\nNtR.", "copyreg._reconstructor"),
    "line breaks in a name": (b"\x80\x04\x8c\x04a\nb\r\x8c\x05\xc2\x85\x1b[1\x93.", r"a\nb\r"),
    "surrogate in a name": (b"\x80\x04\x8c\x03\xed\xb2\x80\x8c\x01b\x93.", r"\udc80.b"),
    "endless name": (b"\x80\x04X\x00\x00\x10\x00" + b"a" * 2**20 + b"\x8c\x01b\x93.", "aaaa"),
    "persistent id of protocol 0": (b"Pabc\n.", "persistent id"),
    "persistent id": (b"\x80\x04N\x85Q.", "persistent id"),
    "extension registry": (b"\x80\x02\x82\x01.", "extension registry"),
    "call of a type": (b"cbuiltins\nlist\n(tR.", "direct call"),
    "huge bytes": (b"cbuiltins\nbytes\n(J\xff\xff\xff\x7ftR.", "not a whole pickle"),
    "ndarray called": (b"cnumpy\nndarray\n((I3\ntS'f8'\ntR.", "direct call"),
    "ndarray by INST": (b"(I3\ninumpy\nndarray\n.", "direct call"),
    "codec": (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "_codecs.encode"),
    "state of a function": (b"cnumpy\ndtype\n}S'x'\nI1\nsb.", "change of a function"),
    "slots of a function": (b"\x80\x02cnumpy\ndtype\nN}S'_call'\ncnumpy\nndarray\ns\x86b.", "change of a function"),
    "OrderedDict of tuples": (b"ccollections\nOrderedDict\n(((tttR.", "OrderedDict"),
    "defaultdict of a value": (b"ccollections\ndefaultdict\n(I1\ntR.", "defaultdict"),
    "read-only view": (b"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00ab\x94\x98h\x00(K\x01e.", "not a whole pickle"),
    "buffer from outside": (b"\x80\x05\x97.", "not a whole pickle"),
}  # fmt: skip


@pytest.mark.parametrize("name", GLOBALS)
def test_hostile_pickle_is_refused_in_one_line(name: str):
    data, expected = GLOBALS[name]
    assert expected in refusal(data)


def test_extension_code_that_was_used_before_is_refused():
    copyreg.add_extension("os", "getpid", 0xF0F0)
    try:
        data = b"\x80\x02\x83\xf0\xf0)R."
        assert pickle.loads(data) == os.getpid()
        assert "extension registry" in refusal(data)
    finally:
        copyreg.remove_extension("os", "getpid", 0xF0F0)


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"


def dtype(text: bytes, state: bytes = b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb") -> bytes:
    return b"cnumpy\ndtype\n(S'" + text + b"'\nI0\nI1\ntR" + state


def filled(shape: bytes, kind: bytes, content: bytes, order: bytes = b"I00\n") -> bytes:
    return b"(I1\n(" + shape + b"t" + kind + order + content + b"tb"


FROM_BUFFER = b"\x80\x05cnumpy.core.numeric\n_frombuffer\n(C\x0812345678"
HOSTILE_ARRAYS = {
    "shape larger than its content": RECONSTRUCT + filled(b"I9999999\n", dtype(b"f8"), b"S'12345678'\n"),
    "shape smaller than its content": RECONSTRUCT + filled(b"I1\n", dtype(b"f8"), b"S'1234567890123456'\n"),
    "negative shape": RECONSTRUCT + filled(b"I-1\nI-1\n", dtype(b"f8"), b"S'12345678'\n"),
    "huge empty shape": RECONSTRUCT + filled(b"I0\nL" + b"9" * 30 + b"L\n", dtype(b"f8"), b"S''\n"),
    "many dimensions": RECONSTRUCT + filled(b"I1\n" * 80, dtype(b"f8"), b"S'12345678'\n"),
    "shape of text": RECONSTRUCT + filled(b"S'1'\n", dtype(b"f8"), b"S'12345678'\n"),
    "shape of truth": RECONSTRUCT + filled(b"\x88", dtype(b"f8"), b"S'12345678'\n"),
    "bytes as objects": RECONSTRUCT + filled(b"I1\n", dtype(b"O8"), b"S'12345678'\n"),
    "numbers as a list": RECONSTRUCT + filled(b"I1\n", dtype(b"f8"), b"(I1\nl"),
    "objects by flags": RECONSTRUCT
    + filled(b"I1\n", dtype(b"f8", b"(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb") + b"S'x'\nb", b"S'12345678'\n"),
    "structured dtype": dtype(b"f8,O8") + b".",
    "fields by state": dtype(b"f8", b"(I3\nS'<'\nN(S'a'\ntNI-1\nI-1\nI0\ntb"),
    "void": dtype(b"V8"),
    "subarray": dtype(b"(99999,99999)f8"),
    "endless text": dtype(b"U9999999999"),
    "dates": dtype(b"M8"),
    "alias": dtype(b"float"),
    "filled twice": RECONSTRUCT
    + filled(b"I1\n", dtype(b"f8"), b"S'12345678'\n")
    + filled(b"I2\n", dtype(b"f8"), b"S'1234567890123456'\n"),
    "no dtype": RECONSTRUCT + filled(b"I1\n", b"S'f8'\n", b"S'12345678'\n"),
    "state of one": RECONSTRUCT + b"(I1\ntb",
    "state no tuple": RECONSTRUCT + b"S'abcd'\nb",
    "another class": b"cnumpy.core.multiarray\n_reconstruct\n(ccollections\nOrderedDict\n(I0\ntS'b'\ntR",
    "scalar of an object": b"cnumpy.core.multiarray\nscalar\n(" + dtype(b"O8") + b"S'12345678'\ntR",
    "scalar cut short": b"cnumpy.core.multiarray\nscalar\n(" + dtype(b"f8") + b"S'1234'\ntR",
    "scalar without dtype": b"cnumpy.core.multiarray\nscalar\n(S'f8'\nS'12345678'\ntR",
    "characters that do not exist": RECONSTRUCT + filled(b"I1\n", dtype(b"U1"), b"S'\\xff\\xff\\xff\\x7f'\n"),
    "buffer of an object": b"cnumpy.core.numeric\n_frombuffer\n(S'12345678'\n" + dtype(b"O8") + b"(I1\ntS'C'\ntR",
    "buffer of a wrong shape": FROM_BUFFER + dtype(b"f8") + b"(I7\ntS'C'\ntR",
    "buffer and its own state": FROM_BUFFER + dtype(b"f8") + b"(I1\ntS'C'\ntR"
    + filled(b"I2\n", dtype(b"f8"), b"S'1234567890123456'\n"),
    "buffer transposed by nonsense": FROM_BUFFER + dtype(b"f8") + b"(I1\ntS'K'\n(I7\nttR",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_ARRAYS)
def test_hostile_array_is_refused_in_one_line(name: str):
    refusal(HOSTILE_ARRAYS[name] + b".")


def test_hostile_array_helpers_make_honest_arrays_too():
    assert load(RECONSTRUCT + filled(b"I1\n", dtype(b"f8"), b"S'12345678'\n") + b".").shape == (1,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x04",
        b"\x80\xff.",
        b"a.",
        b"frame,left,upper\n1,2,3\n",
        b"cos",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00.",
        b"T\xff\xff\xff\xff.",
        b"\x8b\xff\xff\xff\x7f.",
        b"I" + b"9" * 10_000 + b"\n.",
        b"Nr\xff\xff\xff\xff.",
        b"Nr\xff\xff\xff\x0f.",
        b"Np999999999\n.",
        b"h\x05.",
        b"(lp0\ng0\na(g0\nI1\nd.",
        b"]q\x00h\x00h\x00s.",
    ],
)
def test_damaged_pickle_is_refused_in_one_line(data: bytes):
    refusal(data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickle_cut_off_anywhere_is_refused(protocol: int):
    data = pickle.dumps([HONEST["arrays"], HONEST["plain"]], protocol)
    for length in range(0, len(data), 7):
        refusal(data[:length])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_pickle_with_random_damage_reads_or_is_refused(protocol: int):
    rng = random.Random(protocol)
    honest = [HONEST["arrays"], HONEST["plain"], HONEST["scalars"], HONEST["objects"], HONEST["ordered"]]
    data = pickletools.optimize(pickle.dumps(honest, protocol))
    read = 0
    for _ in range(1500):
        damaged = bytearray(data)
        for _ in range(rng.randrange(1, 5)):
            damaged[rng.randrange(len(damaged))] = rng.choice(
                [rng.randrange(256), damaged[rng.randrange(len(damaged))]]
            )
        try:
            load(bytes(damaged))
            read += 1
        except TrackingError as error:
            assert str(error).isprintable()  # noqa: PT017
    assert read > 50  # a changed number or letter is no reason to refuse


@given(st.lists(st.sampled_from([bytes([op.code.encode("latin1")[0]]) for op in pickletools.opcodes]), max_size=40))
def test_random_instructions_read_or_are_refused(instructions: list[bytes]):
    try:
        load(b"\x80\x05" + b"".join(instructions) + b".")
    except TrackingError as error:
        assert str(error).isprintable()  # noqa: PT017


DEEP = """
import io, sys
from napari_i3d.safe_loading import unpickler
from napari_i3d.errors import TrackingError
try:
    unpickler.load(io.BytesIO(eval(sys.argv[1])), "file", TrackingError)
except TrackingError as error:
    print("refused", error)
"""


@pytest.mark.parametrize(
    "data",
    [
        "b'\\x80\\x04})' + b'\\x85' * 3 * 10**5 + b'Ns.'",
        "b'\\x80\\x04})' + b'\\x94\\x85' * 3 * 10**5 + b'Ns.'",
        "b'\\x80\\x04})q\\x00' + b'0h\\x00\\x85q\\x00' * 3 * 10**5 + b'Ns.'",
        "b'}(' + b'(' * 3 * 10**5 + b't' * 3 * 10**5 + b'Nu.'",
    ],
)
def test_tuples_nested_until_the_stack_overflows_are_refused(data: str):
    done = subprocess.run([sys.executable, "-c", DEEP, data], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    assert "tuples" in done.stdout


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_many_honest_tuples_are_not_taken_as_nested(protocol: int):
    boxes = {i: (np.float64(i), np.int32(2), (i, "text", ())) for i in range(5000)}
    assert same(load(pickle.dumps(boxes, protocol)), boxes)


@pytest.mark.parametrize("before", [True, False])
def test_collection_resumes_as_it_was_before(before: bool):
    first, second = unpickler.pause_collection(), unpickler.pause_collection()
    try:
        gc.enable() if before else gc.disable()
        first.__enter__()
        second.__enter__()  # of another thread
        assert not gc.isenabled()
        first.__exit__(None, None, None)
        assert not gc.isenabled()
        second.__exit__(None, None, None)
        assert gc.isenabled() is before
    finally:
        gc.enable()


def test_unreadable_file_is_an_error_of_given_kind():
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(TrackingError, match=r"file: cannot be read \(Input/output error\)"):
        unpickler.load(Broken(), "file", TrackingError)
