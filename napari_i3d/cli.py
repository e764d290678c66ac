"""The command ``napari-i3d``: reads options, makes one call into the core, shows what happens, returns a status."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from napari_i3d import __version__
from napari_i3d.errors import NapariI3DError, SettingsError
from napari_i3d.extraction.settings import ExtractionSettings, Normalisation, Precision, SampleMode
from napari_i3d.features.layouts import Layout
from napari_i3d.i3d.registry import DEFAULT_WEIGHTS, UNTRAINED, find_source
from napari_i3d.tracking.gaps import Gaps

if TYPE_CHECKING:
    from napari_i3d.extraction.batch import BatchOptions
    from napari_i3d.extraction.outcomes import Outcome

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 all done, 1 anything failed, 2 wrong usage, 130 interrupted."""
    logging.basicConfig(format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        # A pipe on Windows may know few characters; a name it cannot show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args([_with_underscores(argument) for argument in given])
    try:
        status: int = options.run(options)
    except SettingsError as error:
        _complain(str(error))
        return WRONG_USAGE
    except NapariI3DError as error:
        _complain(str(error))
        return FAILED
    except BrokenPipeError:
        # Whoever read the output, like head, has seen enough; nothing may be left to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        _complain("interrupted; results that were finished are kept, the same command goes on after them")
        return INTERRUPTED
    return status


def _with_underscores(argument: str) -> str:
    """Return an argument with the ``-`` in the name of an option as ``_``: both spellings are accepted."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"


def _complain(text: str) -> None:
    print(f"napari-i3d: {_one_line(text)}", file=sys.stderr)


def _say(text: str) -> None:
    print(_one_line(text))


def _one_line(text: str) -> str:
    """Return a message with the control characters that a file name may bring along made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="napari-i3d",
        description="I3D (ResNet-50) features of tracked individuals in videos, frame by frame.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_extract(_command(commands, "extract", _extract, "extract features of videos"))
    check = _command(commands, "check", _check, "list the problems of a tracking file; status 1 if there are any")
    check.add_argument("video", type=Path, metavar="VIDEO")
    check.add_argument("--tracking", type=Path, required=True, metavar="FILE", help="the tracking pickle")
    _add_video_size(check)
    view = _command(commands, "view", _view, "look at a video and its tracking in napari")
    view.add_argument("video", type=Path, metavar="VIDEO")
    view.add_argument("--tracking", type=Path, metavar="FILE", help="the tracking pickle")
    weights = _command(commands, "weights", None, "get, convert and verify weights of the network")
    actions = weights.add_subparsers(title="actions", required=True, metavar="ACTION")
    download = _command(actions, "download", _weights_download, "download published weights into the cache folder")
    download.add_argument("name", nargs="?", default=DEFAULT_WEIGHTS, metavar="NAME", help=f"default {DEFAULT_WEIGHTS}")
    convert = _command(actions, "convert", _weights_convert, "convert weights to .safetensors")
    convert.add_argument("source", metavar="SOURCE", help="name or path of weights: .pkl, .pth or .safetensors")
    convert.add_argument("target", type=Path, metavar="TARGET", help="the .safetensors file to write")
    info = _command(actions, "info", _weights_info, "verify weights and tell about them")
    info.add_argument("weights", nargs="?", default=DEFAULT_WEIGHTS, metavar="NAME|PATH", help="default %(default)s")
    bench = _command(commands, "bench", _bench, "how fast this machine is, against the plain network in the same run")
    bench.add_argument(
        "video", nargs="?", type=Path, metavar="VIDEO", help="default: a made-up one of 1024x1024 pixels"
    )
    bench.add_argument("--rounds", type=int, default=5, metavar="N", help="the median of these (default %(default)s)")
    bench.add_argument(
        "--batch_size", type=int, default=ExtractionSettings().batch_size, metavar="N", help="%(default)s"
    )
    bench.add_argument("--device", metavar="NAME", default="auto", help="as of extract")
    bench.add_argument("--compiled", action="store_true", help="with TorchInductor too; needs a C++ compiler")
    bench.add_argument("--cpu_time", action="store_true", help="one thread, processor time: where others compute too")
    demo = _command(commands, "demo", _demo, "the main job, start to end, on sample data")
    demo.add_argument("--outputpath", type=Path, default=Path("napari_i3d_demo"), metavar="DIR", help="%(default)s")
    return parser


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    if run is not None:
        command.set_defaults(run=run)
    return command


def _add_extract(extract: argparse.ArgumentParser) -> None:
    defaults = ExtractionSettings()
    add = extract.add_argument
    add("--datasetpath", type=Path, required=True, metavar="DIR|FILE", help="a video, or a folder searched for videos")
    add("--outputpath", type=Path, required=True, metavar="DIR", help="folder for the features")
    add("--tracking_folder", type=Path, metavar="DIR", help="folder of tracking pickles (without: the whole picture)")
    add(
        "--tracking_suffix",
        metavar="S",
        help="what a tracking file's name has after the video's: _tracks.pickle",
    )
    add("--individuals", nargs="+", metavar="ID", help="only these (default: all)")
    add(
        "--frequency",
        type=int,
        metavar="N",
        default=defaults.frequency,
        help="frames between chunk starts (default %(default)s)",
    )
    add("--pad", action="store_true", help="a row for every frame (every FREQUENCY-th), ends included")
    add(
        "--min_frames",
        type=int,
        metavar="N",
        default=defaults.min_frames,
        help="leave out shorter tracklets (default %(default)s)",
    )
    _add_choice(extract, "--gaps", Gaps, Gaps.ERROR, "frames missing in a tracklet")
    _add_choice(extract, "--sample_mode", SampleMode, defaults.sample_mode, "")
    _add_choice(extract, "--normalisation", Normalisation, defaults.normalisation, "")
    add("--subtract_background", action="store_true", help="blank what does not move")
    _add_video_size(extract)
    add(
        "--weights",
        default=DEFAULT_WEIGHTS,
        metavar="NAME|PATH",
        help=f"or {UNTRAINED} (default %(default)s)",
    )
    add("--batch_size", type=int, metavar="N", default=defaults.batch_size, help="chunks at once (default %(default)s)")
    add(
        "--device", metavar="NAME", default=defaults.device, help="auto, cpu, cuda, cuda:N or mps (default %(default)s)"
    )
    _add_choice(extract, "--precision", Precision, defaults.precision, "")
    add("--i3d_suffix", default=".npy", metavar="S", help="ending of features files: .npy, .npz, .pickle (%(default)s)")
    _add_choice(extract, "--layout", Layout, Layout.DICT, "the program to write for")
    add("--save_metadata", action="store_true", help="add first and last frame of each individual to the file")
    add("--overwrite", action="store_true", help="replace results that exist (default: keep them)")


def _add_choice(parser: argparse.ArgumentParser, name: str, choices: Iterable[str], default: str, text: str) -> None:
    # Plain text: of members of an enumeration messages would show the inside.
    words = f"{text} (default %(default)s)" if text else "default %(default)s"
    parser.add_argument(name, choices=[str(choice) for choice in choices], default=str(default), help=words)


def _add_video_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--video_w", type=int, metavar="W", help="resize the video first; boxes are in its new pixels")
    parser.add_argument("--video_h", type=int, metavar="H")


def _extract(options: argparse.Namespace) -> int:
    from napari_i3d.extraction.batch import BatchOptions

    settings = ExtractionSettings.with_video_sides(
        options.video_w,
        options.video_h,
        frequency=options.frequency,
        batch_size=options.batch_size,
        sample_mode=options.sample_mode,
        min_frames=options.min_frames,
        pad=options.pad,
        normalisation=options.normalisation,
        subtract_background=options.subtract_background,
        device=options.device,
        precision=options.precision,
    )
    batch = BatchOptions(
        dataset_path=options.datasetpath,
        output_path=options.outputpath,
        settings=settings,
        tracking_folder=options.tracking_folder,
        tracking_suffix=options.tracking_suffix,
        individuals=None if options.individuals is None else tuple(options.individuals),
        weights=options.weights,
        i3d_suffix=options.i3d_suffix,
        save_metadata=options.save_metadata,
        layout=Layout(options.layout),
        gaps=Gaps(options.gaps),
        overwrite=options.overwrite,
    )
    outcomes = _run_with_bars(batch)
    _print_summary(outcomes)
    return DONE if all(outcome.complete for outcome in outcomes) else FAILED


def _run_with_bars(batch: "BatchOptions") -> "tuple[Outcome, ...]":
    """Run a batch with a progress bar for each video; return the outcome of each."""
    from napari_i3d.extraction.batch import run_batch
    from napari_i3d.extraction.outcomes import VideoStarted
    from napari_i3d.extraction.records import Progress

    outcomes: list[Outcome] = []
    bar: tqdm[Any] | None = None
    try:
        for record in run_batch(batch):
            if isinstance(record, VideoStarted):
                title = f"{record.video.name} ({record.number}/{record.total})"
                # A bar only where a person watches; a log gets the lines below alone.
                bar = tqdm(desc=_one_line(title), unit="chunk", disable=None, file=sys.stderr)
            elif isinstance(record, Progress):
                if bar is not None:
                    bar.total = record.total_chunks
                    bar.update(record.done_chunks - bar.n)
            else:
                if bar is not None:
                    bar.close()
                outcomes.append(record)
                print(_one_line(f"{record.word}: {record.summary}"), file=sys.stderr)
    finally:
        if bar is not None:
            bar.close()
    return tuple(outcomes)


def _print_summary(outcomes: "tuple[Outcome, ...]") -> None:
    for word in ("done", "skipped", "failed"):
        chosen = [outcome for outcome in outcomes if outcome.word == word]
        print(f"{word}: {len(chosen)}")
        for outcome in chosen:
            _say(f"  {outcome.summary}")


def _check(options: argparse.Namespace) -> int:
    from napari_i3d.tracking.checks import check_tracking
    from napari_i3d.tracking.io import read_tracking
    from napari_i3d.video.video import open_video

    size = ExtractionSettings.with_video_sides(options.video_w, options.video_h).video_size
    tracking = read_tracking(options.tracking)
    with open_video(options.video) as video:
        frames, height, width, _ = video.shape
    width, height = size or (width, height)
    problems = check_tracking(tracking, (frames, height, width))
    _say(f"{options.video.name}: {frames} frames of {width}x{height} px; {len(tracking)} individuals")
    for problem in problems:
        _say(f"  {problem.kind:<13} {problem.message}")
    print(f"{len(problems)} problems" if problems else "no problems")
    return FAILED if problems else DONE


def _view(options: argparse.Namespace) -> int:
    try:
        from napari_i3d.plugin.view import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "napari_i3d":
            raise
        _complain(f'the viewer needs napari ({error.name} is not installed): pip install "napari-i3d[all]"')
        return FAILED
    run(options.video, options.tracking)
    return DONE


def _weights_download(options: argparse.Namespace) -> int:
    from napari_i3d.i3d.download import download_weights

    source = find_source(options.name)
    print(f"{source.name}: {source.url}\nlicence: {source.licence} (not for commercial use); source: {source.page}")
    print(f"please cite: {source.citation}", flush=True)
    with tqdm(unit="B", unit_scale=True, desc=source.file_name, file=sys.stderr) as bar:
        path = download_weights(options.name, bar)
    _say(f"verified and kept at {path}")
    return DONE


def _weights_convert(options: argparse.Namespace) -> int:
    from napari_i3d.i3d.weights import convert_weights

    facts = convert_weights(options.source, options.target)
    _say(f"{options.target}: {facts.name}, licence: {facts.licence}, sha256 {facts.sha256}")
    return DONE


def _weights_info(options: argparse.Namespace) -> int:
    from napari_i3d.i3d.weights import describe_weights

    facts = describe_weights(options.weights)
    for name, value in facts.items():
        _say(f"{name:<12} {value}")
    if not facts["present"]:
        print("not downloaded: get them with `napari-i3d weights download`")
    return DONE if facts["present"] else FAILED


def _bench(options: argparse.Namespace) -> int:
    from napari_i3d.extraction.bench import run_bench

    settings = ExtractionSettings(batch_size=options.batch_size, device=options.device)
    steps = run_bench(
        options.video,
        settings=settings,
        rounds=options.rounds,
        compiled=options.compiled,
        cpu_time=options.cpu_time,
    )
    with tqdm(total=options.rounds, unit="round", disable=None, file=sys.stderr) as bar:
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                measurements = finished.value
                break
            bar.update()
    print(f"{'':<28}{'rate':>10}             of plain  of network  of matrix product")
    for m in measurements:
        shares = (_percent(share) for share in (m.of_plain, m.of_network, m.of_matrix_product))
        print(f"{m.name:<28}{m.rate:>10.1f} {m.unit:<11}{''.join(f'{share:>10}' for share in shares)}")
    return DONE


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _demo(options: argparse.Namespace) -> int:
    from napari_i3d.extraction.batch import BatchOptions
    from napari_i3d.features.io import read_features
    from napari_i3d.plots import save_heat_maps
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
    outcomes = _run_with_bars(batch)
    if not all(outcome.complete for outcome in outcomes):
        return FAILED
    path = options.outputpath / f"{clip.video.stem}.npy"
    features = read_features(path)
    picture = path.with_suffix(".png")
    save_heat_maps(features, picture)
    print(f"weights:  {DEFAULT_WEIGHTS if trained else 'untrained'}")
    for title, file in (
        ("video", clip.video), ("tracking", clip.tracking), ("features", path), ("about them", f"{path}.json"),
        ("picture", picture),
    ):  # fmt: skip
        _say(f"{title + ':':<11} {file}")
    for individual, rows in features.items():
        print(f"{individual}: {rows.shape[0]} rows of {rows.shape[1]} features, {rows.dtype}, one for each frame")
    return DONE
