"""``napari-i3d demo``: the whole workflow on sample data."""

import argparse
from pathlib import Path
from typing import Any

from napari_i3d._utils.text import counted
from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, UNTRAINED, find_source
from napari_i3d.cli.extract import run_with_bars
from napari_i3d.cli.shared.common import DONE, FAILED, add_command, command_wording, print_error, print_line
from napari_i3d.extraction.settings import ExtractionSettings


def add_demo(commands: Any) -> None:
    """Add the command to the parser."""
    demo = add_command(commands, "demo", _demo, "run the whole workflow on sample data")
    demo.add_argument("--outputpath", type=Path, default=Path("napari_i3d_demo"), metavar="DIR", help="%(default)s")


def _demo(options: argparse.Namespace) -> int:
    from napari_i3d.batch.options import BatchOptions
    from napari_i3d.features.io.reading import read_features
    from napari_i3d.plots import make_figure, save_figure
    from napari_i3d.synthetic import write_synthetic_clip

    trained = find_source(DEFAULT_WEIGHTS).path.exists()
    if not trained:
        print(
            "The published weights are not on this machine, so untrained ones are used: everything runs, the features "
            "mean nothing.\nGet the real ones (112 MB, CC-BY-NC 4.0) with: napari-i3d weights download",
            flush=True,
        )
    clip = write_synthetic_clip(options.outputpath, stem="napari_i3d_demo")
    batch = BatchOptions(
        dataset_path=clip.video,
        output_path=options.outputpath,
        settings=ExtractionSettings(pad=True),
        tracking_folder=clip.tracking.parent,
        tracking_suffix=clip.tracking.name.removeprefix(clip.video.stem),
        weights=DEFAULT_WEIGHTS if trained else UNTRAINED,
        save_metadata=True,
        overwrite=True,
    )
    failures = [result for result in run_with_bars(batch) if not result.complete]
    for failure in failures:
        print_error(failure.summary(command_wording))
    if failures:
        return FAILED
    path = options.outputpath / f"{clip.video.stem}.npy"
    features = read_features(path)
    image = path.with_suffix(".png")
    save_figure(make_figure(features), image)
    print(f"weights:  {DEFAULT_WEIGHTS if trained else 'untrained'}")
    for title, file in (
        ("video", clip.video), ("tracking", clip.tracking), ("features", path), ("about them", f"{path}.json"),
        ("image", image),
    ):  # fmt: skip
        print_line(f"{title + ':':<11} {file}")
    for individual, rows in features.items():
        print(
            f"{individual}: {counted(len(rows), 'row')} of {rows.shape[1]} features, {rows.dtype}, one for each frame"
        )
    return DONE
