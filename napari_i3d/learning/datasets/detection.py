"""Data sets for ActionFormer and OpenTAD: ``features/{name}.npy`` (rows, values), and segments in seconds.

Time counts rows: row t is second t to t + 1, whatever the frame rate, since OpenTAD rounds its results to hundredths of
a second. Both programs put feature t at ``t * stride + num_frames / 2`` frames; with two frames a second, a stride of
two and ``num_frames`` of two, that is the middle of second t, in whole numbers, of which OpenTAD cuts nothing off.
A bout of rows a to b - 1 then lies at a - 0.5 to b - 0.5 on the grid of features: around its rows and no other. OpenTAD
also cuts ``time / duration * frames`` off, so that times are the microsecond after.

Behaviors are numbered without a gap among those that occur: ActionFormer counts labels in the file. It stops at a clip
to train on without any bout; such clips are in a subset of their own.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from napari_i3d._utils.files import make_folder
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.errors import AnnotationError, OutputError
from napari_i3d.features.io.layouts import export_features
from napari_i3d.learning.datasets.clips import Clip
from napari_i3d.learning.datasets.program import Program, splits_of

FRAMES_A_ROW = 2
"""Frames of the time line of a data set that each row stands for."""
_TRAINING, _VALIDATION, _WITHOUT = "training", "validation", "without_bouts"
_AFTER_S = 1e-6
_AMBIGUOUS = "ambiguous"
_LONGEST = 2304


def _write_common(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> list[str]:
    """Write features and annotations of each split; return the behaviors that occur, in the order of their numbers."""
    taken = next((name for name in ethogram if name.strip().lower() == _AMBIGUOUS), None)
    if taken is not None:
        raise OutputError(
            f"expected behaviors of other names than {_AMBIGUOUS}, found {taken}",
            hint="OpenTAD leaves out bouts of this name; rename it",
        )
    # In alphabetical order, as OpenTAD numbers them itself if it does not find their file.
    numbers = [at for at, _ in enumerate(ethogram) if any(clip.shown[:, at].any() for clip in clips)]
    names = sorted(list(ethogram)[at] for at in numbers)
    features = make_folder(folder / "features")
    for clip in clips:
        export_features(features / f"{clip.name}.npy", clip.features(provenance), "actionformer")
    for number, trained, tested in splits_of(clips):
        for own, what in ((trained, "to train on"), (tested, "that are held back")):
            if not any(clip.shown.any() for clip in own):
                raise AnnotationError(f"split {number}: expected bouts in the clips {what}, found none", "label more")
        entries = {clip.name: _entry(clip, clip in tested, ethogram, names) for clip in clips}
        content = {"version": "1.3", "times": "a second a row of features", "database": entries}
        (folder / f"split{number}.json").write_bytes(json.dumps(content, indent=1, ensure_ascii=False).encode())
    return names


def _entry(clip: Clip, held_back: bool, ethogram: Ethogram, names: list[str]) -> dict[str, Any]:
    bouts = sorted(clip.annotation(ethogram).bouts, key=lambda bout: (bout.start, bout.stop))
    subset = _VALIDATION if held_back else _TRAINING if bouts else _WITHOUT
    return {
        "subset": subset,
        "duration": float(len(clip.rows)),
        "fps": float(FRAMES_A_ROW),
        "frame": FRAMES_A_ROW * len(clip.rows),
        "annotations": [
            {
                "label": bout.behavior,
                "label_id": names.index(bout.behavior),
                "segment": [_seconds(bout.start), _seconds(bout.stop)],
            }
            for bout in bouts
        ],
    }


def _seconds(row: int) -> float:
    return row + _AFTER_S if row else 0.0


def _write_actionformer(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> None:
    names = _write_common(folder, clips, ethogram, provenance)
    # It keeps places for so many times the longest sequence of the training, and stops at a longer clip.
    factor = max(6.0, math.ceil(max(len(clip.rows) for clip in clips) / _LONGEST) + 1.0)
    for number, _, _ in splits_of(clips):
        text = Template(_ACTIONFORMER_CONFIG).substitute(
            json_file=json.dumps(f"./data/{folder.name}/split{number}.json", ensure_ascii=False),
            features=json.dumps(f"./data/{folder.name}/features", ensure_ascii=False),
            classes=len(names),
            width=clips[0].rows.shape[1],
            frames=FRAMES_A_ROW,
            longest=_LONGEST,
            factor=factor,
        )
        (folder / f"split{number}.yaml").write_bytes(text.encode())


def _write_opentad(folder: Path, clips: Sequence[Clip], ethogram: Ethogram, provenance: Mapping[str, Any]) -> None:
    names = _write_common(folder, clips, ethogram, provenance)
    (folder / "category_idx.txt").write_bytes("".join(f"{name}\n" for name in names).encode())
    for number, _, _ in splits_of(clips):
        text = Template(_OPENTAD_CONFIG).substitute(
            number=number,
            classes=len(names),
            width=clips[0].rows.shape[1],
            frames=FRAMES_A_ROW,
            offset=FRAMES_A_ROW // 2,
            longest=_LONGEST,
        )
        (folder / f"split{number}.py").write_bytes(text.encode())


_ACTIONFORMER_CONFIG = """dataset_name: thumos
train_split: [training]
val_split: [validation]
dataset:
  json_file: $json_file
  feat_folder: $features
  file_prefix: ~
  file_ext: .npy
  num_classes: $classes
  input_dim: $width
  feat_stride: $frames
  num_frames: $frames
  default_fps: ~
  trunc_thresh: 0.5
  crop_ratio: [0.9, 1.0]
  max_seq_len: $longest
model:
  fpn_type: identity
  max_buffer_len_factor: $factor
  n_mha_win_size: 19
opt:
  learning_rate: 0.0001
  epochs: 30
  weight_decay: 0.05
loader:
  batch_size: 2
train_cfg:
  init_loss_norm: 100
  clip_grad_l2norm: 1.0
  cls_prior_prob: 0.01
  center_sample: radius
  center_sample_radius: 1.5
test_cfg:
  voting_thresh: 0.7
  pre_nms_topk: 5000
  max_seg_num: 2000
  min_score: 0.001
  multiclass_nms: True
output_folder: ./ckpt/
"""
_OPENTAD_CONFIG = """# ActionFormer of OpenTAD. Paths are those of the folder of this file.
here = "{{ fileDirname }}"
annotations = here + "/split$number.json"
classes = here + "/category_idx.txt"
# Row t of the features stands for frames $frames t to $frames t + 1 of the time line in the annotations.
common = dict(
    type="ThumosPaddingDataset",
    ann_file=annotations,
    class_map=classes,
    data_path=here + "/features/",
    filter_gt=False,
    feature_stride=$frames,
    sample_stride=1,
    offset_frames=$offset,
)
labelled = dict(type="Collect", inputs="feats", keys=["masks", "gt_segments", "gt_labels"])
to_tensor = dict(type="ConvertToTensor", keys=["feats", "gt_segments", "gt_labels"])
turned = dict(type="Rearrange", keys=["feats"], ops="t c -> c t")
dataset = dict(
    train=dict(
        subset_name="training",
        pipeline=[
            dict(type="LoadFeats", feat_format="npy"),
            to_tensor,
            dict(type="RandomTrunc", trunc_len=$longest, trunc_thresh=0.5, crop_ratio=[0.9, 1.0]),
            turned,
            labelled,
        ],
        **common,
    ),
    val=dict(
        subset_name="validation",
        pipeline=[dict(type="LoadFeats", feat_format="npy"), to_tensor, turned, labelled],
        **common,
    ),
    test=dict(
        subset_name="validation",
        test_mode=True,
        pipeline=[
            dict(type="LoadFeats", feat_format="npy"),
            dict(type="ConvertToTensor", keys=["feats"]),
            turned,
            dict(type="Collect", inputs="feats", keys=["masks"]),
        ],
        **common,
    ),
)
evaluation = dict(
    type="mAP",
    subset="validation",
    tiou_thresholds=[0.1, 0.25, 0.5],
    ground_truth_filename=annotations,
)
model = dict(
    type="ActionFormer",
    projection=dict(
        type="Conv1DTransformerProj",
        in_channels=$width,
        out_channels=512,
        arch=(2, 2, 5),
        conv_cfg=dict(kernel_size=3, proj_pdrop=0.0),
        norm_cfg=dict(type="LN"),
        attn_cfg=dict(n_head=4, n_mha_win_size=19),
        path_pdrop=0.1,
        use_abs_pe=False,
        max_seq_len=$longest,
        input_pdrop=0.2,
    ),
    neck=dict(type="FPNIdentity", in_channels=512, out_channels=512, num_levels=6),
    rpn_head=dict(
        type="ActionFormerHead",
        num_classes=$classes,
        in_channels=512,
        feat_channels=512,
        num_convs=2,
        cls_prior_prob=0.01,
        prior_generator=dict(
            type="PointGenerator",
            strides=[1, 2, 4, 8, 16, 32],
            regression_range=[(0, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 10000)],
        ),
        loss_normalizer=100,
        loss_normalizer_momentum=0.9,
        center_sample="radius",
        center_sample_radius=1.5,
        label_smoothing=0.0,
        loss=dict(cls_loss=dict(type="FocalLoss"), reg_loss=dict(type="DIOULoss")),
    ),
)
solver = dict(
    train=dict(batch_size=2, num_workers=2),
    val=dict(batch_size=1, num_workers=1),
    test=dict(batch_size=1, num_workers=1),
    clip_grad_norm=1,
    ema=True,
)
optimizer = dict(type="AdamW", lr=1e-4, weight_decay=0.05, paramwise=True)
scheduler = dict(type="LinearWarmupCosineAnnealingLR", warmup_epoch=5, max_epoch=35)
inference = dict(load_from_raw_predictions=False, save_raw_prediction=False)
post_processing = dict(
    nms=dict(
        use_soft_nms=True,
        sigma=0.5,
        max_seg_num=2000,
        iou_threshold=0.1,
        min_score=0.001,
        multiclass=True,
        voting_thresh=0.7,
    ),
    save_dict=True,
)
workflow = dict(
    logging_interval=20,
    checkpoint_interval=1,
    val_loss_interval=1,
    val_eval_interval=1,
    val_start_epoch=30,
)
work_dir = here + "/runs/split$number"
"""

_README = """{behaviors} behaviors occur in bouts, {width} values in a row. Times in split1.json count rows: row t of
a clip is second t to t + 1, with two frames a second, so that the middle of a feature is the middle of its second.
"""
ACTIONFORMER = Program(
    "ActionFormer",
    _write_actionformer,
    "Copy this folder to `data/{name}` in a checkout of ActionFormer (github.com/happyharrycn/actionformer_release), "
    "and build its NMS there.\nThen, for split 1 of {splits}:\n\n"
    "    python train.py data/{name}/split1.yaml --output {name}\n"
    "    python eval.py data/{name}/split1.yaml ckpt/split1_{name} --saveonly\n\n" + _README,
    "ckpt/split1_{name}/eval_results.pkl",
)
OPENTAD = Program(
    "OpenTAD",
    _write_opentad,
    "In a checkout of OpenTAD (github.com/sming256/OpenTAD), for split 1 of {splits}:\n\n"
    "    torchrun --nnodes=1 --nproc_per_node=1 tools/train.py /path/to/{name}/split1.py\n"
    "    torchrun --nnodes=1 --nproc_per_node=1 tools/test.py /path/to/{name}/split1.py "
    "--checkpoint /path/to/{name}/runs/split1/gpu1_id0/checkpoint/best.pth\n\n" + _README,
    "/path/to/{name}/runs/split1/gpu1_id0/result_detection.json",
)
