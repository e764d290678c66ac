"""Edits as plain values, which can be written to JSON, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing import bout_edits, ethogram_edits, identity_edits, painting
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.errors import AnnotationError

_EDITS: dict[str, type[AnnotationEdit]] = {
    name: kind
    for module in (painting, bout_edits, ethogram_edits, identity_edits)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, AnnotationEdit) and kind.__module__ == module.__name__
}
_NESTED = {"bout": Bout, "added": Behavior}


def edit_values(edit: AnnotationEdit) -> dict[str, Any]:
    """Return an edit as a dictionary of plain text, numbers, lists and dictionaries; ``edit`` is its name."""
    return {"edit": type(edit).__name__, **_values(edit)}


def edit_of_values(values: Mapping[str, Any]) -> AnnotationEdit:
    """Return the edit that was made to values.

    Raises
    ------
    AnnotationError
        They are not the values of an edit.
    """
    try:
        given = dict(values)
        kind = _EDITS[given.pop("edit")]
        for name, nested in _NESTED.items():
            if name in given:
                given[name] = nested(**given[name])
        if "bouts" in given:
            given["bouts"] = tuple(Bout(**bout) for bout in given["bouts"])
        return kind(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError("expected the values of an edit of an annotation, found something else") from error


def _values(item: object) -> Any:
    if isinstance(item, AnnotationEdit | Bout | Behavior):
        return {field.name: _values(getattr(item, field.name)) for field in fields(item)}
    if isinstance(item, tuple):
        return [_values(one) for one in item]
    return str(item) if isinstance(item, str) else item
