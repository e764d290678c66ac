"""Jobs that read, write or download files, or draw."""

from collections.abc import Generator
from concurrent.futures import wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.download import download_weights
from napari_i3d.explore.heat_map_data import HeatMap, HeatMapOptions, heat_map
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.output_format import save_features
from napari_i3d.features.io.reading import read_features
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import RECORD_EVERY_S, Advance, Record, Stage, Work
from napari_i3d.plugin.jobs.workers import guarded, run_in_thread


def run_download(name: str, stop: StopRequest) -> Work:
    """Download published weights; the value is the path of the file."""
    return (yield from guarded(_download(name, stop), stop))


def run_reading(path: Path, stop: StopRequest) -> Work:
    """Read a features file; the value is the `Features`."""
    return (yield from guarded(_reading(path, stop), stop))


def run_saving(features: Features, output: Path, layout: Layout, metadata: bool, stop: StopRequest) -> Work:
    """Save features; the value is the files written."""
    return (yield from guarded(_saving(features, output, layout, metadata, stop), stop))


def run_heat_map(rows: NDArray[np.float32], options: HeatMapOptions, stop: StopRequest) -> Work:
    """Select and scale the values of a heat map; the value is a `HeatMap`."""
    return (yield from guarded(_heat_map(rows, options, stop), stop))


class _Bar:
    """Progress bar for pooch with tqdm's interface; raises StoppedError between two blocks if a stop was requested."""

    def __init__(self, stop: StopRequest) -> None:
        self.total = 0
        self.done = 0
        self._stop = stop

    def update(self, count: int) -> None:
        self._stop.check()
        self.done += count

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def _download(name: str, stop: StopRequest) -> Generator[Record, None, Path]:
    yield Stage("connecting")
    bar = _Bar(stop)
    # Daemon thread: it may still wait for the network when the program ends.
    download = run_in_thread(lambda: download_weights(name, bar), daemon=True)
    while not download.done():
        stop.check()
        wait([download], timeout=RECORD_EVERY_S)
        if bar.total:
            yield Advance(bar.done, bar.total) if bar.done < bar.total else Stage("checking the weights")
    return download.result()


def _reading(path: Path, stop: StopRequest) -> Generator[Record, None, Features]:
    yield Stage(f"reading {path.name}")
    stop.check()
    return read_features(path)


def _saving(
    features: Features, output: Path, layout: Layout, metadata: bool, stop: StopRequest
) -> Generator[Record, None, tuple[Path, ...]]:
    yield Stage(f"saving {output.name}")
    stop.check()
    return tuple(save_features(features, output, layout, metadata=metadata))


def _heat_map(
    rows: NDArray[np.float32], options: HeatMapOptions, stop: StopRequest
) -> Generator[Record, None, HeatMap]:
    yield Stage("drawing")
    stop.check()
    return heat_map(rows, options)
