"""Write features and labels as a data set for a program that learns to find behaviors."""

import csv
import io
import json
import os
import secrets
import shutil
from pathlib import Path

from napari_i3d._utils.text import counted, format_path
from napari_i3d.errors import OutputError, SettingsError
from napari_i3d.learning.datasets.clips import Clip, make_clips
from napari_i3d.learning.datasets.description import FILE, describe
from napari_i3d.learning.datasets.program import Program
from napari_i3d.learning.datasets.programs import PROGRAMS
from napari_i3d.learning.folds import FoldUnit
from napari_i3d.learning.labelled_rows import AnnotationsLike, FeaturesLike, LabelledRows, label_rows, named_features


def export_dataset(
    folder: str | os.PathLike[str],
    features: FeaturesLike,
    annotations: AnnotationsLike,
    for_: str,
    *,
    unit: FoldUnit | str | None = None,
    seed: int = 0,
) -> tuple[str, ...]:
    """Write a folder with features, labels, splits and instructions; on failure, nothing.

    Each stretch of rows of an individual that was looked at is a clip with a label for each of its rows; other rows
    are left out, since trainers cannot tell them from background. ``clips.csv`` says which frames a clip's rows are,
    and `read_predictions` brings what the program predicts back to these.

    Parameters
    ----------
    folder
        The folder to make.
    features, annotations
        Those of one video, or of several by name.
    for_
        ``"dlc2action"``, ``"ms-tcn"``, ``"asformer"``, ``"actionformer"``, ``"opentad"`` or ``"lightning-action"``.
    unit
        What splits hold back: ``"video"`` or ``"individual"``; None: videos if there are two with labels.
    seed
        Seed of the splits.

    Returns
    -------
    tuple of str
        Notes: what was written, and what was left out.

    Raises
    ------
    SettingsError
        The program or unit is unknown.
    OutputError
        The folder exists or cannot be written, or names or labels do not fit the program.
    AnnotationError, FeaturesError
        As for `train`, or there are not two videos or individuals.
    """
    folder = Path(folder)
    if for_ not in PROGRAMS:
        raise SettingsError(f"program: expected {', '.join(PROGRAMS)}, found {for_!r}")
    if unit not in (None, FoldUnit.VIDEO, FoldUnit.INDIVIDUAL):
        raise SettingsError(f"fold unit: expected video or individual, found {unit!r}")
    if folder.exists():
        raise OutputError(f"{format_path(folder)}: exists", hint="choose another name")
    labelled = label_rows(features, annotations)
    program = PROGRAMS[for_]
    clips = program.renamed(make_clips(labelled, unit, seed))
    n_splits = max(clip.fold for clip in clips) + 1
    part = folder.absolute().with_name(f".napari_i3d-{secrets.token_hex(8)}.part")
    made = part / folder.absolute().name
    try:
        made.mkdir(parents=True)
        program.write(made, clips, labelled.ethogram, dict(labelled.source))
        used = {name: one for name, one in named_features(features).items() if any(c.video == name for c in clips)}
        description = describe(for_, labelled.ethogram, clips, used)
        (made / FILE).write_bytes(json.dumps(description, indent=1, ensure_ascii=False).encode())
        (made / "clips.csv").write_bytes(_table(clips).encode())
        (made / "provenance.json").write_bytes(json.dumps(dict(labelled.source), indent=1).encode())
        (made / "README.md").write_bytes(_readme(program, made.name, labelled, clips).encode())
        made.rename(folder)
    except OSError as error:
        raise OutputError(f"{format_path(folder)}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    rows = sum(len(clip.rows) for clip in clips)
    left_out = len(labelled.table) - rows
    notes = [f"{counted(len(clips), 'clip')} with {counted(rows, 'row')} in {counted(n_splits, 'split')}"]
    if left_out:
        notes.append(f"{counted(left_out, 'row')} left out: not looked at, or too few in a row")
    return (*notes, *labelled.notes)


def _readme(program: Program, name: str, labelled: LabelledRows, clips: list[Clip]) -> str:
    values = {
        "name": name,
        "width": labelled.table.width,
        "classes": len(labelled.ethogram) + 1,
        "behaviors": sum(any(clip.shown[:, at].any() for clip in clips) for at in range(len(labelled.ethogram))),
        "splits": max(clip.fold for clip in clips) + 1,
    }
    untrained = "" if labelled.source.get("trained", True) else "\nThe features came of untrained weights.\n"
    back = _BACK.format(path=program.predictions.format(name=name), name=name)
    return f"# Data set for {program.title}\n{program.readme.format(**values)}{untrained}\n{_EXPLANATION}\n{back}"


def _table(clips: list[Clip]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["clip", "video", "individual", "rows", "first_frame", "step_frames", "split"])
    for clip in clips:
        writer.writerow(
            [clip.name, clip.video, clip.individual, len(clip.rows), clip.first_frame, clip.step_frames, clip.fold + 1]
        )
    return text.getvalue()


_EXPLANATION = """Row t of a clip has the label of frame first_frame + t * step_frames of its video, from 0 (clips.csv).
Each split holds back the clips of other videos or individuals; no clip is divided, so that neighboring frames are
never on both sides. Average the scores of all splits.
"""
_BACK = """Its predictions as annotations of the videos, and their scores on what split 1 holds back:

    napari-i3d learn read {path} --dataset /path/to/{name} --out predicted
    napari-i3d learn score predicted LABELS --dataset /path/to/{name} --split 1
"""
