"""``napari-i3d extract``: features of one video or of a folder of them."""

import argparse
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, UNTRAINED
from napari_i3d.cli.shared.common import (
    DONE,
    FAILED,
    add_command,
    add_video_size,
    command_wording,
    ended_by_sigterm,
    one_place,
    print_line,
)
from napari_i3d.cli.shared.progress_bars import ProgressBars
from napari_i3d.cli.shared.tracking_options import add_tracking_options, tracking_reading
from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.settings import ExtractionSettings, Normalization, Precision, SampleMode
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import STORE_ABOVE_GB, StoreDtype
from napari_i3d.tracking.gaps import Gaps

if TYPE_CHECKING:
    from napari_i3d.batch.events import VideoResult
    from napari_i3d.batch.options import BatchOptions


def add_extract(commands: Any) -> None:
    """Add the command to the parser."""
    extract = add_command(commands, "extract", _extract, "extract features of videos")
    defaults = ExtractionSettings()
    add = extract.add_argument
    add("--datasetpath", type=Path, required=True, metavar="DIR|FILE", help="a video, or a folder searched for videos")
    add("--outputpath", type=Path, required=True, metavar="DIR", help="folder for the features")
    add("--tracking_folder", type=Path, metavar="DIR", help="folder of tracking files (without: the whole image)")
    add("--tracking_suffix", metavar="S", help="end of their names, after the video's: _tracks.pickle, DLC_resnet50.h5")
    add("--individuals", nargs="+", metavar="ID", help="only these (default: all)")
    frequency_help = "frames between chunk starts (default %(default)s)"
    add("--frequency", type=int, metavar="N", default=defaults.frequency, help=frequency_help)
    add("--pad", action="store_true", help="a row for every frame (every FREQUENCY-th), ends included")
    min_frames_help = "leave out shorter tracklets (default %(default)s)"
    add("--min_frames", type=int, metavar="N", default=defaults.min_frames, help=min_frames_help)
    _add_choice(extract, "--gaps", Gaps, Gaps.ERROR, "frames missing in a tracklet")
    _add_choice(extract, "--sample_mode", SampleMode, defaults.sample_mode, "")
    _add_choice(extract, "--normalization", Normalization, defaults.normalization, "")
    add("--subtract_background", action="store_true", help="set pixels of the background to gray")
    add_video_size(extract)
    add("--weights", default=DEFAULT_WEIGHTS, metavar="NAME|PATH", help=f"or {UNTRAINED} (default %(default)s)")
    add("--batch_size", type=int, metavar="N", default=defaults.batch_size, help="chunks at once (default %(default)s)")
    add(
        "--device", metavar="NAME", default=defaults.device, help="auto, cpu, cuda, cuda:N or mps (default %(default)s)"
    )
    _add_choice(extract, "--precision", Precision, defaults.precision, "")
    decoders_help = "parts of the video decoded at the same time (default auto)"
    add("--decoders", type=_number_or_auto, metavar="N|auto", default=None, help=decoders_help)
    add("--i3d_suffix", default=".npy", metavar="S", help="ending of features files: .npy, .npz, .pickle (%(default)s)")
    _add_choice(
        extract, "--layout", Layout, None,
        "program to write for; dlc2action: features alone, dlc2action-pose: beside poses; store: a folder for features "
        "larger than memory",
    )  # fmt: skip
    store_help = "without --layout: a store instead of a larger file (default %(default)g)"
    add("--store_above", type=float, metavar="GB", default=STORE_ABOVE_GB, help=store_help)
    dtypes = [str(dtype) for dtype in StoreDtype]
    add("--store_dtype", choices=dtypes, default="float32", help="numbers of a store (default %(default)s)")
    add("--save_metadata", action="store_true", help="add first and last frame of each individual to the file")
    add("--overwrite", action="store_true", help="replace existing results (default: keep them)")
    add_tracking_options(extract)
    add("--scheduler", metavar="ADDRESS", help="compute on a dask cluster; local: in worker processes on this machine")
    add("--workers", type=int, metavar="N", help="for --scheduler local (default: one per GPU, else as many as fit)")


def _number_or_auto(text: str) -> int | None:
    try:
        return None if text == "auto" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number or auto, found {text!r}") from None


def _add_choice(
    parser: argparse.ArgumentParser, name: str, choices: Iterable[str], default: str | None, text: str
) -> None:
    # Plain text: argparse would show the repr of enumeration members.
    value = None if default is None else str(default)
    words = text if value is None else f"{text} (default %(default)s)" if text else "default %(default)s"
    parser.add_argument(name, choices=[str(choice) for choice in choices], default=value, help=words)


def _extract(options: argparse.Namespace) -> int:
    from napari_i3d.batch.options import BatchOptions

    settings = ExtractionSettings.with_video_sides(
        options.video_w,
        options.video_h,
        frequency=options.frequency,
        batch_size=options.batch_size,
        sample_mode=options.sample_mode,
        min_frames=options.min_frames,
        pad=options.pad,
        normalization=options.normalization,
        subtract_background=options.subtract_background,
        device=options.device,
        precision=options.precision,
        decoders=options.decoders,
    )
    batch = BatchOptions(
        dataset_path=options.datasetpath,
        output_path=options.outputpath,
        settings=settings,
        tracking_folder=options.tracking_folder,
        tracking_suffix=options.tracking_suffix,
        reading=tracking_reading(options),
        individuals=None if options.individuals is None else tuple(options.individuals),
        weights=options.weights,
        i3d_suffix=options.i3d_suffix,
        save_metadata=options.save_metadata,
        layout=Layout(options.layout or Layout.DICT),
        store_above_gb=options.store_above if options.layout is None else None,
        store_dtype=StoreDtype(options.store_dtype),
        gaps=Gaps(options.gaps),
        overwrite=options.overwrite,
        scheduler=options.scheduler,
        workers=options.workers,
    )
    results = run_with_bars(batch)
    _print_summary(results)
    return DONE if all(result.complete for result in results) else FAILED


def run_with_bars(batch: "BatchOptions") -> "tuple[VideoResult, ...]":
    """Run a batch with a progress bar for each video in progress; return the results.

    On SIGTERM, Ctrl-C or an error that ends the batch, a summary is printed before the exception is raised again.
    """
    from napari_i3d.batch.runner import run_batch

    bars = ProgressBars()
    try:
        with ended_by_sigterm(), contextlib.closing(run_batch(batch)) as events:
            for event in events:
                bars.show(event)
    except (KeyboardInterrupt, NapariI3DError):
        bars.close()
        if bars.started:
            _print_summary(bars.results)
        for text in bars.unfinished:
            print_line(f"  {text}")
        raise
    finally:
        bars.close()
    return bars.results


def _print_summary(results: "tuple[VideoResult, ...]") -> None:
    # If both streams go to one place, each of several videos already has a line; only problems are repeated.
    brief = one_place() and len(results) > 1
    for status in ("done", "skipped", "failed"):
        chosen = [result for result in results if result.status == status]
        print(f"{status}: {len(chosen)}")
        for result in chosen:
            if not (brief and result.complete):
                print_line(f"  {result.summary(command_wording)}")
