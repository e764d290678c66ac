"""Jobs that read, write or download files, or draw."""

from collections.abc import Generator
from concurrent.futures import wait
from pathlib import Path

from napari_i3d.backbones.download import download_weights
from napari_i3d.explore.heat_map_data import HeatMap, HeatMapOptions, heat_map
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.output_format import save_features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.store import StoreDtype
from napari_i3d.features.row_blocks import Rows
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.plugin.jobs.workers import run_in_thread

_POLL_S = 0.1


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


def run_download(name: str, stop: StopRequest) -> Generator[Progress, None, Path]:
    """Download published weights; return the path of the file."""
    yield Progress("connecting")
    bar = _Bar(stop)
    # Daemon thread: it may still wait for the network when the program ends.
    download = run_in_thread(lambda: download_weights(name, bar), daemon=True)
    while not download.done():
        wait([download], timeout=_POLL_S)
        if bar.total:
            loading = bar.done < bar.total
            yield Progress("", bar.done, bar.total, "byte") if loading else Progress("checking the weights")
        stop.check()
    return download.result()


def run_reading(path: Path, _: StopRequest) -> Generator[Progress, None, Features]:
    """Read a features file."""
    yield Progress(f"reading {path.name}")
    return read_features(path)


def run_saving(
    features: Features, output: Path, layout: Layout, metadata: bool, store_dtype: StoreDtype, _: StopRequest
) -> Generator[Progress, None, tuple[Path, ...]]:
    """Save features; return the files written."""
    yield Progress(f"saving {output.name}")
    return tuple(save_features(features, output, layout, metadata=metadata, store_dtype=store_dtype))


def run_heat_map(rows: Rows, options: HeatMapOptions, _: StopRequest) -> Generator[Progress, None, HeatMap]:
    """Select and scale the values of a heat map."""
    yield Progress("drawing")
    return heat_map(rows, options)
