"""Keep what a user has not saved in a file that survives a crash; of any noun that is edited in steps.

The file holds the steps since the content was opened or saved, not the content: they are replayed on the same content.
It holds content only if the user undid steps that had been saved, or if no file has what the steps begin with.
"""

import contextlib
import hashlib
import json
import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import platformdirs

from napari_i3d._utils.files import CACHE_VARIABLE, atomic_writer, exclusive, make_folder
from napari_i3d._utils.history import History, Step
from napari_i3d.errors import OutputError, RecoveryError

FORMAT, VERSION = "napari_i3d recovery", 1
_MAX_BYTES = 1 << 30
_SEPARATOR = ",\n"

_MAX_WORDS = 300

Content = TypeVar("Content")
Edit = TypeVar("Edit")


def data_folder() -> Path:
    """Return the folder for users' own data: `NAPARI_I3D_HOME`, else the user's data folder; it may not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_data_path("napari_i3d", appauthor=False)


class SavedEditor(Protocol):
    """An editor that knows what was saved of its content."""

    @property
    def history(self) -> History:
        """The steps, which may be shared with other editors."""

    @property
    def serial(self) -> int:
        """A number that stands for the present content; steps of other editors do not change it."""

    @property
    def is_saved(self) -> bool:
        """Whether the content is as it was saved or opened."""

    def unsaved_steps(self) -> list[Step] | None:
        """Return the steps with edits of this editor since it was saved; None if it is behind what was saved."""

    def edits_of(self, step: Step) -> Sequence[object]:
        """Return the edits of this editor in a step; they are immutable."""


class RecoveryFile(ABC, Generic[Content]):
    """The recovery file of an editor; call `save` every few seconds.

    Two sessions that edit the same file have a recovery file each. A lock that ends with the process tells the files
    of crashed sessions from those of running ones.

    Parameters
    ----------
    editor
        Its unsaved steps are kept.
    video, file
        The video, and the file of the content, or None without one; they identify the recovery file.
    keep_base
        Keep the content that the steps begin with too: reading `file` does not give it.
    session
        A text that is equal for editors that share a history: steps of the same serial are one step then.
    """

    KIND: ClassVar[str]

    def __init__(
        self,
        editor: SavedEditor,
        video: Path | None,
        file: Path | None,
        *,
        keep_base: bool = False,
        session: str = "",
    ) -> None:
        self._editor, self._session = editor, session
        self._video, self._file, self._keep_base = video, file, keep_base
        self._lines: dict[int, str] = {}  # of the steps, by their serials; new ones only are serialized
        self._written: int | None = None  # the serial of what the file holds
        self._base_sha256: tuple[Content, str] | None = None
        self._lock = contextlib.ExitStack()  # held as long as there is a file
        self._writing = threading.RLock()
        self._version = 0
        self.path: Path | None = None

    @abstractmethod
    def _base(self) -> Content:
        """Return the content that was saved or opened; immutable."""

    @abstractmethod
    def _content(self) -> Content:
        """Return the present content; immutable."""

    @staticmethod
    @abstractmethod
    def _sha256(content: Content) -> str:
        """Return the checksum of a content."""

    @staticmethod
    @abstractmethod
    def _content_values(content: Content) -> Iterable[dict[str, Any]]:
        """Return a content as JSON values."""

    @staticmethod
    @abstractmethod
    def _edit_values(edit: Any) -> dict[str, Any]:
        """Return an edit as JSON values."""

    def save(self) -> bool:
        """Write the file if there are new edits; return whether it was written; remove it if nothing is unsaved.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        write = self.prepare()
        return write is not None and write()

    def prepare(self) -> Callable[[], bool] | None:
        """Return a function that writes what is unsaved now; None if there is nothing new.

        The function may be called in another thread; it returns whether it has written, and raises `OutputError`. The
        file is removed at once if nothing is unsaved.
        """
        serial = self._editor.serial
        if serial == self._written:
            return None
        if self._editor.is_saved:
            if self.path is not None:
                self.discard()
            return None
        steps = self._editor.unsaved_steps()
        content = self._content() if steps is None else None
        edits = [
            (step.serial, step.words, () if step.serial in self._lines else tuple(self._editor.edits_of(step)))
            for step in steps or ()
        ]
        base, version = self._base(), self._version
        saved = datetime.now(UTC).isoformat(timespec="seconds")

        def write() -> bool:
            with self._writing:
                if version != self._version:
                    return False  # discarded, saved or moved meanwhile
                items = self._step_lines(edits) if content is None else _lines(self._content_values(content))
                lists = {"steps" if content is None else "content": items}
                if self._keep_base:
                    lists["base"] = _lines(self._content_values(base))
                self._write({**self._head(base), "saved": saved}, lists)
                self._written = serial
                return True

        return write

    def move(self, video: Path | None, file: Path | None, *, keep_base: bool = False) -> None:
        """Be identified by other files from now on: the content was saved, or its video opened."""
        self.discard()
        self._video, self._file, self._keep_base = video, file, keep_base

    def discard(self) -> None:
        """Remove the file: its edits were saved or discarded."""
        with self._writing:
            self._version += 1
            self._written = None
            if self.path is not None:
                with contextlib.suppress(OSError):
                    self.path.unlink()
                self.path = None
            self._lock.close()

    def close(self) -> None:
        """End the session without removing the file."""
        with self._writing:
            self._version += 1
            self._lock.close()

    def _head(self, base: Content) -> dict[str, Any]:
        if self._base_sha256 is None or self._base_sha256[0] is not base:
            self._base_sha256 = base, self._sha256(base)
        return {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.KIND,
            "video": None if self._video is None else str(self._video),
            "file": None if self._file is None else str(self._file),
            "base_sha256": self._base_sha256[1],
            "session": self._session,
        }

    def _step_lines(self, steps: list[tuple[int, str, tuple[object, ...]]]) -> list[str]:
        for serial, words, edits in steps:
            if serial not in self._lines:
                values = [self._edit_values(edit) for edit in edits]
                self._lines[serial] = json.dumps({"serial": serial, "words": words, "edits": values})
        return [self._lines[serial] for serial, _, _ in steps]

    def _write(self, head: dict[str, Any], lists: dict[str, list[str]]) -> None:
        if self.path is None:
            folder = make_folder(data_folder() / "recovery")
            name = f"{_stem(self.KIND, self._video, self._file)}-{secrets.token_hex(8)}"
            self._lock.enter_context(exclusive(folder / f"{name}.lock"))
            self.path = folder / f"{name}.json"
        # One line per edit, so that a person can read it.
        parts = [f'"{key}": [\n{_SEPARATOR.join(lines)}\n]' for key, lines in lists.items()]
        with atomic_writer(self.path) as file:
            file.write(f"{json.dumps(head)[:-1]}, {', '.join(parts)}}}\n".encode())


def find_files(kind: str, video: Path | None, file: Path | None) -> list[Path]:
    """Return the recovery files that crashed sessions left for a video and the file of a content, newest first."""
    found = []
    for path in (data_folder() / "recovery").glob(f"{_stem(kind, video, file)}-*.json"):
        # A folder that cannot be written to, or a file that is gone by now, must not prevent opening a video.
        with contextlib.suppress(OSError, OutputError), exclusive(path.with_suffix(".lock")) as is_free:
            if is_free:
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def load(path: Path, kind: str) -> dict[str, Any]:
    """Return the values in a recovery file; nothing in it is run or unpickled.

    Raises
    ------
    RecoveryError
        It cannot be read, or is of another version or kind.
    """
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            raise RecoveryError(f"expected a file of at most {_MAX_BYTES >> 20} MiB")
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecoveryError("expected a recovery file, found something that cannot be read") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RecoveryError("expected a recovery file of napari_i3d, found something else")
    if content.get("version") != VERSION:
        raise RecoveryError(f"expected version {VERSION}, found another: it was written by another release")
    if content.get("kind", kind) != kind:
        raise RecoveryError(f"expected a recovery file of {kind}, found one of something else")
    return content


class RecoveredStep(NamedTuple, Generic[Edit]):
    """A step as a recovery file has it.

    Attributes
    ----------
    words
        What it does; empty if that was not kept.
    edits
        The edits of one owner of the history.
    serial
        Number of the step in the history of its session; 0 if unknown.
    """

    words: str
    edits: tuple[Edit, ...]
    serial: int = 0


def step_of_values(values: dict[str, Any], edit_of: Callable[[dict[str, Any]], Edit]) -> RecoveredStep[Edit]:
    """Return a step of a recovery file; a KeyError, TypeError or ValueError if it is none."""
    words, serial = values["words"], values.get("serial", 0)
    if not isinstance(words, str) or not words.isprintable() or len(words) > _MAX_WORDS:
        words = ""
    if type(serial) is not int:
        raise TypeError("serial")
    return RecoveredStep(words, tuple(edit_of(edit) for edit in values["edits"]), serial)


def _lines(values: Iterable[dict[str, Any]]) -> list[str]:
    return [json.dumps(value) for value in values]


def _stem(kind: str, video: Path | None, file: Path | None) -> str:
    names = [None if path is None else str(Path(path).absolute()) for path in (video, file)]
    return f"{kind}-{hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]}"
