"""Scan PyTorch files before PyTorch reads them: the names they ask for, and their unpacked size.

`torch.load` with ``weights_only=True`` runs no code, but it lets a file make arrays and byte strings of any size.
"""

import pickletools
import re
import zipfile
from typing import BinaryIO

from napari_i3d._utils.text import printable
from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError
from napari_i3d.safe_loading.zip_archives import check_archive

# Dense and sparse tensors and their storages; a file of weights needs nothing else.
_ALLOWED = re.compile(
    r"collections OrderedDict|torch (\w+Storage|Size|device|\w*(float|int|bool)\w*)|torch\.storage \w+Storage"
    r"|torch\._utils _rebuild_(tensor_v2|parameter|sparse_tensor)|torch\.serialization _get_layout"
    r"|torch\.nn\.parameter Parameter"
)
# The description of the published network takes 60 kB.
_DESCRIPTION_BYTES = 2 << 20
_PICKLES = 5
"""How many pickles an old-style file begins with: number, version, system, content, keys of the arrays."""
_MOST_STEPS = 500_000


def check_pytorch(file: BinaryIO) -> None:
    """Refuse a file that asks for anything but arrays, or unpacks to more than its size; leave it at its beginning.

    Raises `ForbiddenError`, and errors of `zipfile` and `pickletools` if the file is damaged.
    """
    if file.read(2) == b"PK":
        check_archive(file, stored=True)
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if entry.filename.rpartition("/")[2] == "data.pkl":
                    if entry.file_size > _DESCRIPTION_BYTES:
                        raise ForbiddenError(f"a description of {entry.file_size} bytes")
                    _check_names(archive.read(entry))
    else:
        file.seek(0)
        for _ in range(_PICKLES):
            _check_names(file)
    file.seek(0)


def _check_names(pickle: bytes | BinaryIO) -> None:
    kinds = _Kinds()
    for count, (operation, argument, _) in enumerate(pickletools.genops(pickle)):
        if count > _MOST_STEPS:
            raise ForbiddenError(f"a description of more than {_MOST_STEPS} steps")
        if operation.name in ("GLOBAL", "INST") and not _ALLOWED.fullmatch(str(argument)):
            raise ForbiddenError(printable(str(argument).replace(" ", "."), 120))
        if operation.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            raise ForbiddenError("a name that is hidden")  # PyTorch never writes one
        kinds.follow(operation, argument)


class _Kinds:
    """Follows the types on the stack, to detect nested tuples as keys, which take forever to look up."""

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._memo: dict[int, str] = {}

    def follow(self, operation: pickletools.OpcodeInfo, argument: object) -> None:
        """Process one opcode; refuse a dictionary whose keys are tuples."""
        name = operation.name
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self._memo[len(self._memo) if argument is None else int(str(argument))] = self._stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[int(str(argument))])
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        else:
            self._take(name, self._taken(operation))
            kind = str(argument) if name == "GLOBAL" else name.rstrip("123")
            self._stack.extend([kind] * len(operation.stack_after))

    def _taken(self, operation: pickletools.OpcodeInfo) -> list[str]:
        before = operation.stack_before
        taken: list[str] = []
        if pickletools.markobject in before or operation.name == "POP_MARK":
            while (kind := self._stack.pop()) != "MARK":
                taken.insert(0, kind)
            before = before[: before.index(pickletools.markobject)] if pickletools.markobject in before else []
        return [self._stack.pop() for _ in before][::-1] + taken

    def _take(self, name: str, taken: list[str]) -> None:
        keys = {"SETITEM": taken[1:2], "SETITEMS": taken[1::2], "DICT": taken[::2]}.get(name, [])
        if "TUPLE" in keys or "EMPTY_TUPLE" in keys:
            raise ForbiddenError("a dictionary whose keys are tuples")
        if name == "REDUCE" and taken[0] == "collections OrderedDict" and taken[1] != "EMPTY_TUPLE":
            raise ForbiddenError("an OrderedDict that is made in an unusual way")
