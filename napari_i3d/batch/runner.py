"""Many videos, one after the other: finds them and their tracking, extracts, saves, and goes on after a failure."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

from napari_i3d._utils.files import make_folder
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.weights import load_network
from napari_i3d.batch.distributed.coordinator import Coordinator
from napari_i3d.batch.distributed.tasks import Source
from napari_i3d.batch.events import BatchEvent, Outcome, VideoSkipped
from napari_i3d.batch.options import LOCAL, BatchOptions
from napari_i3d.batch.report import Report
from napari_i3d.batch.video_job import VideoInput, VideoJobs
from napari_i3d.batch.video_queue import VideoQueue
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.device import resolve_device
from napari_i3d.projects.video_files import find_videos

__all__ = ["BatchOptions", "run_batch"]


def run_batch(options: BatchOptions) -> Generator[BatchEvent, None, tuple[Outcome, ...]]:
    """Extract features of videos one by one; yields records and returns the outcome of each video.

    What concerns one video costs that video alone. What is computed is kept every minute or so: after an interruption
    of any kind the same options go on where it was. ``report.json`` in the output folder tells the same for programs.

    Parameters
    ----------
    options
        What to extract, from where, to where.

    Raises
    ------
    VideoError, TrackingError, OutputError, WeightsError, SettingsError, ClusterError
        Nothing can be done at all: no video, no folder of tracking, no place for the results, no weights, no such
        device, no cluster.
    """
    videos = find_videos(options.dataset_path)
    if options.tracking_folder is not None and not options.tracking_folder.is_dir():
        raise TrackingError(
            f"{options.tracking_folder}: expected the folder of tracking files; there is no such folder"
        )
    network, weights = load_network(options.weights)
    if options.scheduler is None:
        resolve_device(options.settings.device)
    make_folder(options.output_path)
    video_jobs = VideoJobs(options, weights)
    video_queue = VideoQueue(videos, Report(options.output_path), options.layout)
    if options.scheduler is None:
        yield from video_queue.one_by_one(lambda path: _extract(_input(options, path), video_jobs, network))
    else:
        # Only here, since not everybody has dask.
        from napari_i3d.batch.distributed.dask_cluster import connected, plan_this_machine

        plan = plan_this_machine(options.workers, options.settings.device) if options.scheduler == LOCAL else None
        source = Source(
            weights=_as_seen_elsewhere(options.weights),
            weights_sha256=weights.sha256,
            local_gpus=0 if plan is None else plan.gpus,
            threads=None if plan is None else plan.threads,
        )
        with connected(options.scheduler, plan) as cluster:
            yield from Coordinator(cluster, video_jobs, source, lambda path: _input(options, path)).run(video_queue)
    return video_queue.outcomes


def _as_seen_elsewhere(weights: str | Path) -> str | Path:
    """Return weights as a process in another folder finds them."""
    return Path(weights).absolute() if Path(weights).is_file() else weights


def _input(options: BatchOptions, video: Path) -> VideoInput:
    """Return a video of the batch with its tracking and its place among the results."""
    folder = options.tracking_folder
    return VideoInput(
        video=video,
        output=options.output_path / f"{video.stem}{options.i3d_suffix}",
        tracking_path=None if folder is None else folder / f"{video.stem}{options.tracking_suffix}",
        individuals=options.individuals,
    )


def _extract(wanted: VideoInput, video_jobs: VideoJobs, network: I3DResNet50) -> Generator[BatchEvent, None, Outcome]:
    """Extract a video in this process."""
    with ExitStack() as stack:
        work = yield from video_jobs.begin(wanted, stack)
        if isinstance(work, VideoSkipped):
            return work
        yield from work.compute(network)
        return video_jobs.finish(work)
