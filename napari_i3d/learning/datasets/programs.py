"""What each program's loader expects in a folder, found by reading and running them.

- MS-TCN and ASFormer: ``features/{name}.npy`` (values, rows), ``groundTruth/{name}.txt`` with a label and a line break
  for each row, ``splits/{train,test}.splitN.bundle`` with ``{name}.txt`` and a line break each, ``mapping.txt``.
  Features and labels of different lengths are cut to the shorter without a word; here both have one entry a row.
- DLC2Action (type ``features``, labels ``dlc``): ``{name}.npy`` a dictionary with first and last frames,
  ``{name}_annotation.pickle``, and a file of splits. A name in it that begins with Train, Valid or Test would be taken
  for a heading, one with a comma and a blank for two names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_i3d._utils.files import make_folder
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.errors import OutputError
from napari_i3d.features.io.layouts import export_features
from napari_i3d.learning.datasets.clips import Clip

_HEADINGS = ("Train", "Valid", "Test")


@dataclass(frozen=True, eq=False)
class Program:
    """A program that trains on a data set.

    Attributes
    ----------
    title
        Its name.
    write
        Writes clips into a folder; the last argument is their provenance.
    readme
        How to train there; ``{width}``, ``{classes}`` and ``{splits}`` are put in.
    """

    title: str
    write: Callable[[Path, Sequence[Clip], Ethogram, Mapping[str, Any]], None]
    readme: str


def _write_ms_tcn(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> None:
    features, splits = make_folder(folder / "features"), make_folder(folder / "splits")
    for clip in clips:
        export_features(features / f"{clip.name}.npy", clip.features(provenance), "ms-tcn")
        write_annotation(folder, clip.annotation(ethogram), "ms-tcn")
    for fold in sorted({clip.fold for clip in clips}):
        for part, held_back in (("train", False), ("test", True)):
            names = [clip.name for clip in clips if (clip.fold == fold) is held_back]
            path = splits / f"{part}.split{fold + 1}.bundle"
            path.write_bytes("".join(f"{name}.txt\n" for name in names).encode())


def _write_dlc2action(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> None:
    wrong = [clip.name for clip in clips if clip.name.startswith(_HEADINGS) or ", " in clip.name or "---" in clip.name]
    if wrong:
        raise OutputError(
            f"expected names that do not begin with {', '.join(_HEADINGS)} and have no ', ' or '---', found {wrong[0]}",
            hint="DLC2Action would misread its file of splits; rename the video",
        )
    data = make_folder(folder / "data")
    for clip in clips:
        export_features(data / f"{clip.name}.npy", clip.features(provenance), "dlc2action")
        write_annotation(data / f"{clip.name}_annotation.pickle", clip.annotation(ethogram), first_frames={"": 0})
    for fold in sorted({clip.fold for clip in clips}):
        parts = {"Training": False, "Validation": True}
        lines = [
            line
            for part, held_back in parts.items()
            for line in (f"{part} videos:", *(clip.name for clip in clips if (clip.fold == fold) is held_back))
        ]
        (folder / f"split{fold + 1}.txt").write_bytes(
            "".join(f"{line}\n" for line in (*lines, "Test videos:")).encode()
        )
    # With exclusive labels, of two at once only the later would count.
    at_once = any((clip.shown.sum(axis=1) > 1).any() for clip in clips)
    exclusive = not at_once and all(behavior.exclusive for behavior in ethogram.behaviors)
    script = _DLC2ACTION_SCRIPT.format(exclusive=exclusive, behaviors=sorted(ethogram))
    (folder / "train.py").write_bytes(script.encode())


_DLC2ACTION_SCRIPT = '''"""Train DLC2Action, where it is installed, on this data set: python train.py [split]."""

import sys
from pathlib import Path

from dlc2action.project import Project

HERE = Path(__file__).resolve().parent
SPLIT = sys.argv[1] if len(sys.argv) > 1 else "1"

if __name__ == "__main__":
    project = Project(
        f"split{{SPLIT}}",
        data_type="features",
        annotation_type="dlc",
        projects_path=str(HERE / "projects"),
        data_path=str(HERE / "data"),
        annotation_path=str(HERE / "data"),
    )
    project.update_parameters(
        {{
            "general": {{"exclusive": {exclusive}}},
            "data": {{
                "feature_suffix": ".npy",
                "annotation_suffix": "_annotation.pickle",
                "behaviors": {behaviors},
            }},
            "training": {{"partition_method": "file", "split_path": str(HERE / f"split{{SPLIT}}.txt")}},
        }}
    )
    project.run_episode("first")
    project.evaluate(["first"])
'''

_MS_TCN_README = """Copy this folder to `data/NAME` in a checkout of {title}. There, set the dimension of the features
to {{width}}, the number of classes to {{classes}} (lines of mapping.txt) and the sample rate to 1. Then, for split 1 of
{{splits}}:

    {command}
"""

PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {
        "dlc2action": Program(
            "DLC2Action",
            _write_dlc2action,
            "Where DLC2Action is installed, for split 1 of {splits}:\n\n    python train.py 1\n\n"
            "Each file of data is one clip. A row has {width} values; classes with the background: {classes}.\n",
        ),
        "ms-tcn": Program(
            "MS-TCN",
            _write_ms_tcn,
            _MS_TCN_README.format(
                title="MS-TCN (github.com/yabufarha/ms-tcn)",
                command="python main.py --action=train --dataset=NAME --split=1",
            ),
        ),
        "asformer": Program(
            "ASFormer",
            _write_ms_tcn,
            _MS_TCN_README.format(
                title="ASFormer (github.com/ChinaYi/ASFormer)",
                command="python main.py --action train --dataset NAME --split 1",
            ),
        ),
    }
)
"""The programs that data sets are written for, by name."""
