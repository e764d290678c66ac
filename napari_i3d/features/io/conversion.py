"""Convert features files into those of another layout, in bounded memory: whole or not at all."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_i3d._utils.files import exclusive
from napari_i3d._utils.memory import physical_memory_bytes
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d._utils.text import format_path
from napari_i3d.errors import FeaturesError, Message, OutputError, SettingsError
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, check_store_dtype, endings_of, shift_note
from napari_i3d.features.io.output_format import individual_outputs, save_features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.store import STORE_SUFFIX, StoreDtype, is_store
from napari_i3d.features.io.store_writing import disk_errors, write_joined_store, write_store
from napari_i3d.features.pieces import Piece, cut_pieces, join_pieces

# DLC2Action 1.0 joins the arrays of a file into new ones, then pads each: measured, twice the file.
_COPIES = {Layout.DLC2ACTION: 2, Layout.DLC2ACTION_POSE: 2}

LABELS_NOTE = Message(
    "labels need a file for each piece, with its frames only: DLC2Action would put bouts that begin before a piece "
    "into wrong frames"
)
"""Of pieces for DLC2Action, whose labels are still to be written."""


@dataclass(frozen=True, eq=False)
class Conversion:
    """What a conversion wrote.

    Attributes
    ----------
    paths
        The files, without the ``.json`` beside each; of a store, its folder.
    pieces
        The frames of each file, or the only one; their rows have no content.
    notes
        What to keep in mind.
    """

    paths: tuple[Path, ...]
    pieces: tuple[Piece, ...]
    notes: tuple[Message, ...] = ()


@long_call
def convert_features(
    source: str | Path | Sequence[str | Path],
    target: str | Path,
    layout: str | None = None,
    *,
    store_dtype: str = StoreDtype.FLOAT32,
    save_metadata: bool = False,
    piece_frames: int | None = None,
    memory_gb: float | None = None,
    overwrite: bool = False,
) -> Steps[Conversion]:
    """Convert features into another layout, block by block; on failure, nothing is written.

    Parameters
    ----------
    source
        A features file or the folder of a store, or several of one video: its individuals, or its pieces.
    target
        The file, or the folder of a store; its ending selects the format. Layouts with a file for each individual add
        the id to this name, and pieces their frames.
    layout
        As in `export_features`; None: ``"store"`` if `target` ends in ``.features``, else ``"dict"``.
    store_dtype
        Numbers of a store, ``"float32"`` or ``"float16"``.
    save_metadata
        For ``"dict"``: add the first and last frame of each individual.
    piece_frames
        Length of the pieces, in frames of the video, each a file of its own; None: one file.
    memory_gb
        Memory of the machine that is to read the result, in units of 10^9 bytes; None: that of this machine. Most
        layouts are read into memory as a whole, so a larger result is refused.
    overwrite
        Replace existing results.

    Returns
    -------
    Conversion
        The files, and notes.

    Raises
    ------
    SettingsError
        Layout, ending and options do not fit each other.
    FeaturesError
        A source cannot be read, or does not fit the layout or the memory.
    OutputError
        The result exists or cannot be written.
    """
    sources = [Path(source)] if isinstance(source, str | Path) else [Path(one) for one in source]
    target = Path(target)
    chosen = _layout_of(target, layout)
    dtype = check_store_dtype(store_dtype)
    _check_choices(chosen, dtype, save_metadata, piece_frames)
    described = _described(sources)
    _check_memory(described, chosen, piece_frames, memory_gb)
    wanted = _wanted(described, target, piece_frames)
    of_piece = [individual_outputs(one.path, chosen, list(one.features), metadata=save_metadata) for one in wanted]
    results = list(dict.fromkeys(path for paths in of_piece for path in paths.values()))
    _check_new(results, sources, overwrite=overwrite)
    with _hidden_folder(target) as work:
        features = described
        if len(sources) > 1:
            joined = work / "joined" / (target.name if chosen is Layout.STORE else "joined.features")
            yield from write_joined_store(joined, described, map(read_features, sources), dtype)
            features = read_features(joined)
        made = work / "result"
        if len(sources) > 1 and chosen is Layout.STORE:
            made = work / "joined"
        else:
            with disk_errors(target):
                made.mkdir()
            to_write = _wanted(features, made / target.name, piece_frames)
            for number, piece in enumerate(to_write):
                if chosen is Layout.STORE:
                    yield from write_store.steps(piece.path, piece.features, dtype)
                    continue
                yield Step(number, len(to_write), f"writing {piece.path.name}")
                save_features(piece.features, piece.path, chosen, metadata=save_metadata)
                yield Step(number + 1, len(to_write), f"writing {piece.path.name}")
        _move(made, results, work / "replaced")
    pieces = tuple(Piece(one.path, _without_rows(one.features)) for one in wanted)
    cut = piece_frames is not None
    notes = _notes(described, chosen, cut=cut, save_metadata=save_metadata)
    if len(sources) > 1 and not described.provenance.get("video"):
        notes = (*notes, Message("the files do not state their video, so nothing shows that it is the same one"))
    return Conversion(tuple(results), pieces, notes)


def _layout_of(target: Path, layout: str | None) -> Layout:
    if layout is None:
        layout = Layout.STORE if target.suffix.lower() == STORE_SUFFIX else Layout.DICT
    try:
        chosen = Layout(layout)
    except ValueError:
        raise SettingsError(f"layout: expected one of {', '.join(Layout)}, found {layout!r}") from None
    endings = [STORE_SUFFIX] if chosen is Layout.STORE else endings_of(chosen)
    if target.suffix.lower() not in endings:
        raise SettingsError(
            f"layout {chosen} needs a file name that ends in {' or '.join(endings)}, found {format_path(target.name)}",
            hint=f"let the name end in {endings[0]}",
        )
    return chosen


def _check_choices(layout: Layout, dtype: StoreDtype, save_metadata: bool, piece_frames: int | None) -> None:
    if dtype is not StoreDtype.FLOAT32 and layout is not Layout.STORE:
        raise SettingsError(f"layout {layout} always has float32", hint="leave out {store_dtype}")
    if save_metadata and layout is not Layout.DICT:
        raise SettingsError(
            f"layout {layout} decides by itself about first and last frames", hint="leave out {save_metadata}"
        )
    if piece_frames is not None and layout in (Layout.STORE, Layout.DLC2ACTION_POSE):
        why = "is read without loading it" if layout is Layout.STORE else "belongs to a pose file of the whole video"
        raise SettingsError(f"layout {layout} {why}, so it is not cut", hint="leave out {piece_frames}")


def _described(sources: list[Path]) -> Features:
    """Return what the sources state; the rows of several are only described."""
    if not sources:
        raise SettingsError("expected at least one features file, found none")
    if len(sources) == 1:
        return read_features(sources[0])
    return join_pieces([(path, _without_rows(read_features(path))) for path in sources])


def _check_memory(features: Features, layout: Layout, piece_frames: int | None, memory_gb: float | None) -> None:
    """Refuse what a program that reads a file as a whole could not hold, before anything is written."""
    if memory_gb is not None and not memory_gb > 0:  # nan neither
        raise SettingsError(f"memory_gb: expected a number of GB above 0, found {memory_gb:g}")
    memory = physical_memory_bytes() if memory_gb is None else memory_gb * 1e9
    if layout is Layout.STORE or memory is None or not features:
        return
    n_frames = features.n_video_frames or 0
    sizes = {
        i: 4 * rows.shape[1] * (n_frames if layout is Layout.DLC2ACTION_POSE else len(rows))
        for i, rows in features.items()
    }
    whole = _COPIES.get(layout, 1) * (sum(sizes.values()) if layout.one_file else max(sizes.values()))
    if piece_frames is not None:
        bytes_a_frame = _COPIES.get(layout, 1) * sum(4 * rows.shape[1] for rows in features.values())
        whole = min(whole, piece_frames * bytes_a_frame)
    if whole <= memory:
        return
    longest = int(memory // (_COPIES.get(layout, 1) * sum(4 * rows.shape[1] for rows in features.values())))
    cut = "" if layout is Layout.DLC2ACTION_POSE else f"{{piece_frames={max(longest, 1)}}} or less, or "
    raise FeaturesError(
        f"layout {layout} is read into memory as a whole: expected at most {memory / 1e9:.3g} GB, found "
        f"{whole / 1e9:.3g} GB",
        hint=f"use {cut}{{layout=store}}, or set {{memory_gb}} to the memory of the machine that reads it",
    )


def _wanted(features: Features, target: Path, piece_frames: int | None) -> list[Piece]:
    return [Piece(target, features)] if piece_frames is None else list(cut_pieces(features, target, piece_frames))


def _check_new(results: list[Path], sources: list[Path], *, overwrite: bool) -> None:
    """Check that results can be written; a folder that is no store is never replaced."""
    for path in results:
        if any(path.resolve() == source.resolve() for source in sources):
            raise OutputError(f"{format_path(path)}: is the source itself", hint="choose another name")
        ours = path.is_file() or is_store(path)
        if path.exists() and not (overwrite and ours):
            hint = "use {overwrite=True} to replace it, or " if ours else ""
            raise OutputError(f"{format_path(path)}: exists", hint=f"{hint}choose another name")
        if not path.absolute().parent.is_dir():
            raise OutputError(
                f"{format_path(path.absolute().parent)}: no such folder", hint="make it, or choose another"
            )


@contextlib.contextmanager
def _hidden_folder(target: Path) -> Iterator[Path]:
    """Make the folder in which results are written; nobody else converts to this name meanwhile."""
    work = target.with_name(f".{target.name}.conversion")
    with exclusive(target.with_name(f"{work.name}.lock")) as free:
        if not free:
            raise OutputError(f"{target}: another process is writing it", hint="{try_again} when that has ended")
        try:
            shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
            with disk_errors(target):
                (work / "replaced").mkdir(parents=True)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _move(made: Path, results: list[Path], replaced: Path) -> None:
    """Move results to their places; if that fails or is interrupted, everything is as it was."""
    done: list[tuple[Path, Path]] = []
    names = [one for path in results for one in (json_path(path), path)]  # the facts first
    try:
        with disk_errors(names[-1]):
            for path in names:
                for source, place in ((path, replaced / path.name), (made / path.name, path)):
                    if source.exists():
                        source.rename(place)
                        done.append((source, place))
    except BaseException:
        for source, place in reversed(done):
            with contextlib.suppress(OSError):
                place.rename(source)
        raise


def _without_rows(features: Features) -> Features:
    """Return features whose rows have their shape and no content."""
    empty = np.zeros((), np.float32)
    return replace(features, rows={i: np.broadcast_to(empty, rows.shape) for i, rows in features.items()})


def _notes(features: Features, layout: Layout, *, cut: bool, save_metadata: bool) -> tuple[Message, ...]:
    padded = all(features.one_row_a_frame(individual) for individual in features)
    notes = [shift_note(features.first_frame, layout, pad=padded, frequency=1, metadata=save_metadata)]
    if layout is Layout.DLC2ACTION and cut:
        notes.append(LABELS_NOTE)
    return tuple(note for note in notes if note is not None)
