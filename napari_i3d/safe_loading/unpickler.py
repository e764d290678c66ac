"""Read pickles without ever running code that a file names.

A pickle may call any importable function. Tracking, weights and features files need plain containers, numbers, text and
numpy arrays. The names behind those are allowed, each replaced by a stand-in that does only that; every other name is
refused. Before anything is built, the opcodes are scanned for those that crash the interpreter's unpickler. What is
built is in proportion to the file: keys that are slow to look up are refused, and so is content that is copied many
times.
"""

import copyreg
import gc
import io
import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, BinaryIO

from napari_i3d._utils.text import printable
from napari_i3d.errors import NapariI3DError
from napari_i3d.safe_loading.pickle_budget import Dict, grant
from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError, scan
from napari_i3d.safe_loading.pickle_stand_ins import ALLOWED, StandIn

# Errors of the interpreter's unpickler on damaged input. MemoryError: damaged counts and lengths ask for any amount.
# Warning: warnings may be configured to raise.
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    BufferError,
    SystemError,
    Warning,
)
Names = Mapping[tuple[str, str], StandIn]
NO_NAMES: Names = MappingProxyType({})


class _SafeUnpickler(pickle.Unpickler):
    more = NO_NAMES

    def find_class(self, module: str, name: str) -> Any:
        found = ALLOWED.get((module, name)) or self.more.get((module, name))
        if found is None:
            raise ForbiddenError(printable(f"{module}.{name}", 120))
        return found

    def persistent_load(self, _pid: Any) -> Any:
        return Dict()  # only `scan` puts ids in


_pauses = threading.Lock()
_was_enabled: list[bool] = []  # state of the collector at the start of each open pause; the first is the original


@contextmanager
def pause_collection() -> Iterator[None]:
    """Pause Python's collector of cyclic garbage, in all threads.

    It searches all objects repeatedly while millions of lists are made, none of which is garbage. For a tracking of a
    million boxes that takes more than half of the time.
    """
    with _pauses:
        _was_enabled.append(gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _pauses:
            original = _was_enabled[0]
            _was_enabled.pop()
            if original and not _was_enabled:
                gc.enable()


def load(
    file: BinaryIO, name: str, error: type[NapariI3DError], *, encoding: str = "ASCII", more: Names = NO_NAMES
) -> Any:
    """Read one pickled object of plain containers, numbers, text and numpy arrays.

    Parameters
    ----------
    file
        An open binary file, at the beginning of the pickle.
    name
        Name of the file for messages.
    error
        Class of the errors raised.
    encoding
        Encoding of 8-bit text of Python 2; ``"latin1"`` for files that Python 2 wrote with numpy arrays in them.
    more
        Stand-ins for further names, by module and name.

    Raises
    ------
    NapariI3DError
        The file cannot be read, is not a pickle, is damaged, or asks for any other name.
    """
    try:
        data = file.read()
        grant(len(data))
        data = scan(data)
        # Names are cached by their extension code and would bypass `find_class`.
        copyreg.clear_extension_cache()
        # Buffered, since the unpickler reads ahead only if it can peek.
        stream = io.BufferedReader(io.BytesIO(data))
        unpickler = _SafeUnpickler(stream, encoding=encoding, buffers=iter(Dict, None))
        unpickler.more = more
        return unpickler.load()
    except ForbiddenError as forbidden:
        raise error(
            f"{name}: the pickle asks for {forbidden}; expected plain containers, numbers, text and numpy arrays only; "
            "nothing of it was run",
            "do not use this file unless you trust who made it, then save it again as plain data",
        ) from None
    except OSError as trouble:
        raise error(f"{name}: cannot be read ({trouble.strerror or trouble})") from trouble
    except _DAMAGE as damage:
        reason = printable(str(damage) or type(damage).__name__, 120)
        raise error(f"{name}: not a whole pickle file ({reason})", "was it copied completely?") from damage
