"""Data sets for MS-TCN and ASFormer.

``features/{name}.npy`` (values, rows), ``groundTruth/{name}.txt`` with a label and a line break for each row,
``splits/{train,test}.splitN.bundle`` with ``{name}.txt`` and a line break each, ``mapping.txt``. Features and labels of
different lengths are cut to the shorter without a word; here both have one entry a row. A data set called ``50salads``
is read at half its rows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import make_folder
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.errors import OutputError
from napari_i3d.features.io.layouts import export_features
from napari_i3d.learning.datasets.clips import Clip
from napari_i3d.learning.datasets.program import Program, splits_of

_SPECIAL = ("50salads", "gtea", "breakfast")


def _write(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> None:
    if folder.name.lower() in _SPECIAL:
        raise OutputError(
            f"expected a folder of another name than {', '.join(_SPECIAL)}, found {folder.name}",
            hint="MS-TCN and ASFormer treat data sets of these names otherwise, 50salads at half its rows",
        )
    features, splits = make_folder(folder / "features"), make_folder(folder / "splits")
    for clip in clips:
        export_features(features / f"{clip.name}.npy", clip.features(provenance), "ms-tcn")
        write_annotation(folder, clip.annotation(ethogram), "ms-tcn")
    for number, trained, tested in splits_of(clips):
        for part, own in (("train", trained), ("test", tested)):
            path = splits / f"{part}.split{number}.bundle"
            path.write_bytes("".join(f"{clip.name}.txt\n" for clip in own).encode())


_README = """Copy this folder to `data/{{name}}` in a checkout of {title}. There, set the dimension of the features
(`features_dim` in main.py) to {{width}}; the number of classes, {{classes}}, is that of the lines of mapping.txt. Then,
for split 1 of {{splits}}:

    python main.py --action{sign}train --dataset{sign}{{name}} --split{sign}1
    python main.py --action{sign}predict --dataset{sign}{{name}} --split{sign}1
{more}"""
_PYTHON_2 = """
MS-TCN is written for Python 2.7. Python 3 needs three changes: in batch_gen.py `list(map(len, batch_target))`; in
model.py `print(vid)`, and `list(actions_dict.keys())[list(actions_dict.values()).index(predicted[i].item())]`.
"""
_NEW_TORCH = """
ASFormer is written for PyTorch before 2.7; with a newer one, take `verbose=True` out of model.py. It keeps every tenth
epoch, so that their number must end in 0.
"""
_PREDICTIONS = "results/{name}/split_1"

MS_TCN = Program(
    "MS-TCN",
    _write,
    _README.format(title="MS-TCN (github.com/yabufarha/ms-tcn)", sign="=", more=_PYTHON_2),
    _PREDICTIONS,
)
ASFORMER = Program(
    "ASFormer",
    _write,
    _README.format(title="ASFormer (github.com/ChinaYi/ASFormer)", sign=" ", more=_NEW_TORCH),
    _PREDICTIONS,
)
