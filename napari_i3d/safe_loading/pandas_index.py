"""Stand-ins for pandas' indices in pickles: their content as plain lists, without pandas and without calling it."""

from typing import Any

import numpy as np

from napari_i3d.safe_loading.pickle_budget import spend
from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError
from napari_i3d.safe_loading.unpickler import StandIn


class PandasIndex(list[Any]):
    """The values of an index; of one with several levels, tuples."""

    __slots__ = ()

    def __setstate__(self, _state: object) -> None:
        raise ForbiddenError("a change of a pandas index")

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


class _Strings:
    """pandas' array of text (pandas 3), which takes its content once."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else ()
        arrays = [part for part in parts if isinstance(part, np.ndarray)]
        if self.values is not None or len(arrays) != 1:
            raise ForbiddenError("a pandas array that is filled in an unusual way")
        self.values = arrays[0]


def _no_call(*_arguments: object) -> None:
    raise ForbiddenError("a direct call of a type of pandas")


def _strings(*_arguments: object) -> _Strings:
    return _Strings()


def _nothing(*_arguments: object) -> None:
    return None


_INDEX, _MULTI_INDEX, _TYPE = StandIn(_no_call), StandIn(_no_call), StandIn(_no_call)


def _new_index(kind: object, facts: Any) -> PandasIndex:
    if not isinstance(facts, dict) or kind not in (_INDEX, _MULTI_INDEX):
        raise ForbiddenError("a pandas index that is made in an unusual way")
    if kind is _INDEX:
        return PandasIndex(_listed(facts.get("data")))
    levels, codes = facts.get("levels"), facts.get("codes", facts.get("labels"))
    if not isinstance(levels, list | tuple) or not isinstance(codes, list | tuple) or len(levels) != len(codes):
        raise ForbiddenError("a pandas index that is made in an unusual way")
    columns = []
    for level, code in zip(levels, codes, strict=True):
        names, places = _listed(level), _listed(code)
        spend(8 * len(places))
        if not all(isinstance(place, int) and 0 <= place < len(names) for place in places):
            raise ValueError("a pandas index whose codes have no names")
        columns.append([names[place] for place in places])
    return PandasIndex(zip(*columns, strict=True))


def _listed(values: Any) -> list[Any]:
    values = values.values if isinstance(values, _Strings) else values
    if isinstance(values, np.ndarray) and values.ndim == 1:
        spend(8 * len(values))
        return list(values.tolist())
    if isinstance(values, list | tuple):
        spend(8 * len(values))
        return list(values)
    raise ForbiddenError("a pandas index that is made in an unusual way")


STAND_INS = {
    ("pandas.core.indexes.base", "_new_Index"): StandIn(_new_index),
    ("pandas.core.indexes.base", "Index"): _INDEX,
    ("pandas", "Index"): _INDEX,
    ("pandas.core.indexes.multi", "MultiIndex"): _MULTI_INDEX,
    ("pandas", "MultiIndex"): _MULTI_INDEX,
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): StandIn(_strings),
    ("pandas.arrays", "StringArray"): _TYPE,
    ("pandas.core.arrays.string_", "StringArray"): _TYPE,
    ("pandas", "StringDtype"): StandIn(_nothing),
    ("pandas.core.arrays.string_", "StringDtype"): StandIn(_nothing),
}
"""For `unpickler.load(more=...)`."""
