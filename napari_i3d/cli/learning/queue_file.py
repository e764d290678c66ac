"""The queue of windows to label, and the list of doubtful labels, as ``.csv``."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import format_path, printable
from napari_i3d.errors import AnnotationError, SettingsError
from napari_i3d.individuals import Id

if TYPE_CHECKING:
    from napari_i3d.features.features import Features
    from napari_i3d.learning.label_errors import LabelError
    from napari_i3d.learning.queue import Window

_WHERE = ("start", "stop", "start_s", "stop_s")
QUEUE_COLUMNS = ("video", "individual", *_WHERE, "uncertainty", "random")
ERROR_COLUMNS = ("video", "individual", "behavior", *_WHERE, "suggested", "probability", "suggested_probability")
_MOST_BYTES = 1 << 26


def queue_table(windows: Iterable["Window"], features: Mapping[str, "Features"]) -> str:
    """Return windows as csv, in their order; frames count from 0, `stop` is the frame after the last."""
    texts = {video: _texts(own) for video, own in features.items()}
    rows = [
        [one.video, texts[one.video][one.individual], *_where(one.start, one.stop, features[one.video].fps),
         one.uncertainty, "yes" if one.random else "no"]
        for one in windows
    ]  # fmt: skip
    return _csv(QUEUE_COLUMNS, rows)


def error_table(errors: Iterable["LabelError"], features: Mapping[str, "Features"]) -> str:
    """Return doubtful labels as csv; an empty suggestion is none of the behaviors."""
    texts = {video: _texts(own) for video, own in features.items()}
    rows = [
        [one.video, texts[one.video][one.bout.individual], one.bout.behavior,
         *_where(one.bout.start, one.bout.stop, features[one.video].fps), one.suggested, one.probability,
         one.suggested_probability]
        for one in errors
    ]  # fmt: skip
    return _csv(ERROR_COLUMNS, rows)


def read_queue(path: Path, features: Mapping[str, "Features"]) -> list["Window"]:
    """Read a file of `queue_table`; text that is the text of an id in the features stands for that id.

    Raises
    ------
    AnnotationError
        The file cannot be read, or is none.
    """
    from napari_i3d.learning.queue import Window

    texts = {video: _texts(own) for video, own in features.items()}
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES >> 20} MB")
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
        if not lines or lines[0] != list(QUEUE_COLUMNS):
            raise ValueError("other columns")
        windows = []
        for line in lines[1:]:
            row = dict(zip(QUEUE_COLUMNS, line, strict=True))
            start, stop, uncertainty = int(row["start"]), int(row["stop"]), float(row["uncertainty"])
            if not 0 <= start < stop or row["random"] not in ("yes", "no"):
                raise ValueError(f"frames {start} to {stop}, random {row['random']!r}")
            ids = {text: one for one, text in texts.get(row["video"], {}).items()}
            individual = ids.get(row["individual"], row["individual"])
            windows.append(Window(row["video"], individual, start, stop, uncertainty, row["random"] == "yes"))
    except OSError as error:
        raise AnnotationError(f"{format_path(path)}: cannot be read ({error.strerror or error})") from error
    except (ValueError, csv.Error) as error:
        raise AnnotationError(
            f"{format_path(path)}: expected a queue with the columns {', '.join(QUEUE_COLUMNS)}, found otherwise "
            f"({printable(str(error), 80)})",
            hint="is it a file of `napari-i3d learn queue`?",
        ) from error
    return windows


def write_text(path: Path, text: str) -> None:
    """Write text to a file atomically."""
    with atomic_writer(path) as file:
        file.write(text.encode())


def require_ending(path: Path, *endings: str) -> None:
    """Check that the name of a file to write has one of these endings; raise `SettingsError`."""
    if path.suffix.lower() not in endings:
        raise SettingsError(f"{path.name}: expected a name that ends in {' or '.join(endings)}")


def _texts(features: "Features") -> dict[Id, str]:
    """Return what stands for each individual of labels; the text ``"7"`` is quoted if the number 7 is an id too."""
    from napari_i3d.learning.labelled_rows import owner

    ids = dict.fromkeys(owner(features, one) for one in features)
    numbers = {str(one) for one in ids if not isinstance(one, str)}
    return {one: repr(one) if isinstance(one, str) and one in numbers else str(one) for one in ids}


def _where(start: int, stop: int, fps: float | None) -> tuple[object, ...]:
    seconds = ("", "") if fps is None else (f"{start / fps:.3f}", f"{stop / fps:.3f}")
    return start, stop, *seconds


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()
