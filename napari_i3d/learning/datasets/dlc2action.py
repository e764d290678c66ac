"""Data sets for DLC2Action: type ``features``, labels ``dlc``.

``{name}.npy`` is a dictionary with first and last frames, ``{name}_annotation.pickle`` has the labels, and there is a
file of splits. A name in it that begins with Train, Valid or Test would be taken for a heading, one with a comma and a
blank for two names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from napari_i3d._utils.files import make_folder
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.errors import OutputError
from napari_i3d.features.io.layouts import export_features
from napari_i3d.learning.datasets.clips import Clip
from napari_i3d.learning.datasets.program import Program, splits_of

_HEADINGS = ("Train", "Valid", "Test")


def _write(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> None:
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
    for number, trained, tested in splits_of(clips):
        lines = ["Training videos:", *(clip.name for clip in trained)]
        lines += ["Validation videos:", *(clip.name for clip in tested), "Test videos:"]
        (folder / f"split{number}.txt").write_bytes("".join(f"{line}\n" for line in lines).encode())
    # With exclusive labels, of two at once only the later would count.
    at_once = any((clip.shown.sum(axis=1) > 1).any() for clip in clips)
    exclusive = not at_once and all(behavior.exclusive for behavior in ethogram.behaviors)
    script = Template(_SCRIPT).substitute(exclusive=exclusive, behaviors=sorted(ethogram))
    (folder / "train.py").write_bytes(script.encode())


_SCRIPT = '''"""Train DLC2Action, where it is installed, on this data set, and predict: python train.py [split]."""

import sys
from pathlib import Path

from dlc2action.project import Project

HERE = Path(__file__).resolve().parent
SPLIT = sys.argv[1] if len(sys.argv) > 1 else "1"

if __name__ == "__main__":
    project = Project(
        f"split{SPLIT}",
        data_type="features",
        annotation_type="dlc",
        projects_path=str(HERE / "projects"),
        data_path=str(HERE / "data"),
        annotation_path=str(HERE / "data"),
    )
    project.update_parameters(
        {
            "general": {"exclusive": $exclusive},
            "data": {
                "feature_suffix": ".npy",
                "annotation_suffix": "_annotation.pickle",
                "behaviors": $behaviors,
            },
            "training": {"partition_method": "file", "split_path": str(HERE / f"split{SPLIT}.txt")},
        }
    )
    project.run_episode("first")
    project.evaluate(["first"])
    project.run_prediction("held_back", ["first"], mode="val")
'''

DLC2ACTION = Program(
    "DLC2Action",
    _write,
    "Where DLC2Action is installed, for split 1 of {splits}:\n\n    python train.py 1\n\n"
    "Each file of data is one clip. A row has {width} values; classes with the background: {classes}.\n",
    "/path/to/{name}/projects/split1/results/predictions/held_back",
)
