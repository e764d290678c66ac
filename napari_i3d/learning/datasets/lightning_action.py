"""Data sets for lightning-action: ``features/{name}.csv`` and ``labels/{name}.csv``, one column of 0 and 1 a class.

Its loader cuts a file into sequences of equal length, and what is left at the end is neither trained on nor predicted;
a file shorter than a sequence and its margin is an error. So rows of zeros of a class ``filler``, which the loss
ignores, fill up each clip. A file is the first whose name begins with that of the clip, so no name may begin with
another: names begin with a number of fixed length. Rows are not standardized clip by clip, as they are by default,
since a clip of one behavior would lose what makes it up.
"""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from napari_i3d._utils.files import make_folder
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.frame_formats.background import BACKGROUND, is_background
from napari_i3d.errors import OutputError
from napari_i3d.learning.datasets.clips import Clip
from napari_i3d.learning.datasets.program import Program, splits_of

FILLER = "filler"
"""The class of rows that only fill up a sequence."""
_LAYERS, _LAGS = 2, 4
# Rows beside a sequence that the network sees: two convolutions in each layer, dilated by 1, 2, ...
_MARGIN = sum(2 * 2**layer * _LAGS for layer in range(_LAYERS))
_LONGEST, _SHORTEST = 500, 64
# A tenth of the sequences is for its choice of the best epoch.
_WANTED_SEQUENCES = 20


def _renamed(clips: Sequence[Clip]) -> list[Clip]:
    digits = max(len(str(len(clips))), 4)
    return [
        replace(clip, name=f"{number:0{digits}}_{re.sub('[^A-Za-z0-9_-]', '_', clip.name)}")
        for number, clip in enumerate(clips, 1)
    ]


def _write(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, _provenance: Mapping[str, Any]) -> None:
    names = list(ethogram)
    taken = next((name for name in names if is_background(name) or name == FILLER), None)
    if taken is not None:
        raise OutputError(f"expected behaviors of other names than background and filler, found {taken}")
    several = next((clip.name for clip in clips if (clip.shown.sum(axis=1) > 1).any()), None)
    if several is not None:
        raise OutputError(
            f"{several}: expected one behavior at a time, found several",
            hint="shorten or remove one of them, or make a data set for dlc2action, which takes several",
        )
    splits = splits_of(clips)
    fewest = min(sum(len(clip.rows) for clip in trained) for _, trained, _ in splits)
    length = min(max(fewest // _WANTED_SEQUENCES, _SHORTEST), _LONGEST)
    features, labels = make_folder(folder / "features"), make_folder(folder / "labels")
    for clip in clips:
        count = math.ceil(len(clip.rows) / length) * length + _MARGIN
        rows = np.zeros((count, clip.rows.shape[1]), np.float32)
        rows[: len(clip.rows)] = clip.rows
        _write_csv(features / f"{clip.name}.csv", [f"f{at}" for at in range(rows.shape[1])], rows, "%.9g")
        classes = np.zeros((count, len(names) + 2), np.int8)
        classes[: len(clip.rows), 2:] = clip.shown
        classes[: len(clip.rows), 1] = ~clip.shown.any(axis=1)
        classes[len(clip.rows) :, 0] = 1
        _write_csv(labels / f"{clip.name}.csv", [FILLER, BACKGROUND, *names], classes, "%d")
    for number, trained, tested in splits:
        sequences = sum(math.ceil(len(clip.rows) / length) for clip in trained)
        if sequences < 2:
            raise OutputError(
                f"split {number}: expected {2 * length} rows or more to train on, found {length * sequences} at most",
                hint="label more",
            )
        # It rounds the number of sequences to train on up; the two shares must add up to exactly 1.
        share = 0.9 if sequences >= 10 else 0.75 if sequences >= 4 else 0.5
        config = {
            "train": [clip.name for clip in trained],
            "held_back": [clip.name for clip in tested],
            "length": length,
            "width": int(clips[0].rows.shape[1]),
            "classes": len(names) + 2,
            "share": share,
            "rest": round(1 - share, 2),
            "margin": _MARGIN,
            "layers": _LAYERS,
            "lags": _LAGS,
        }
        text = Template(_CONFIG).substitute({key: json.dumps(value) for key, value in config.items()})
        (folder / f"split{number}.yaml").write_bytes(text.encode())
    (folder / "train.py").write_bytes(_SCRIPT.encode())


def _write_csv(path: Path, names: Sequence[str], table: "np.ndarray[Any, Any]", digits: str) -> None:
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(["", *names])
    with path.open("wb") as file:
        file.write(header.getvalue().encode())
        line = ",".join(["%d", *[digits] * table.shape[1]]) + "\n"
        for number, row in enumerate(table.tolist()):
            file.write((line % (number, *row)).encode())


_CONFIG = """data:
  data_path: .
  input_dir: features
  expt_ids: $train
  transforms: []
  ignore_index: 0
  weight_classes: true
  seed: 0
held_back: $held_back
model:
  input_size: $width
  output_size: $classes
  head: dtcn
  num_hid_units: 64
  num_layers: $layers
  num_lags: $lags
  activation: lrelu
  dropout_rate: 0.1
  seed: 0
optimizer:
  type: AdamW
  lr: 0.001
  wd: 0.01
training:
  device: gpu
  num_epochs: 100
  sequence_length: $length
  # The margin that the network of this many layers and lags removes; left out, so many rows would not be trained on.
  sequence_pad: $margin
  batch_size: 8
  num_workers: 2
  train_probability: $share
  val_probability: $rest
  seed: 0
"""
_SCRIPT = '''"""Train lightning-action on this data set, and predict: python train.py [split]."""

import sys
from pathlib import Path

import yaml
from lightning_action.api import Model

HERE = Path(__file__).resolve().parent
SPLIT = sys.argv[1] if len(sys.argv) > 1 else "1"

if __name__ == "__main__":
    config = yaml.safe_load((HERE / f"split{SPLIT}.yaml").read_text(encoding="utf-8"))
    held_back = config.pop("held_back")
    config["data"]["data_path"] = str(HERE)
    run = HERE / "runs" / f"split{SPLIT}"
    Model.from_config(config).train(run, post_inference=False)
    Model.from_dir(run).predict(HERE, "features", run / "predictions", expt_ids=held_back)
'''

LIGHTNING_ACTION = Program(
    "lightning-action",
    _write,
    "Where lightning-action 1.1 is installed, for split 1 of {splits}:\n\n    python train.py 1\n\n"
    "The settings are in split1.yaml. A row has {width} values; behaviors: {behaviors}.\n"
    "Its own scores while it trains are of other sequences of the same clips, not of those held back.\n",
    "/path/to/{name}/runs/split1/predictions",
    _renamed,
)
