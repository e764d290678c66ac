"""Extract many videos: find them and their tracking, extract, save; an error in one does not stop the rest."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

from napari_i3d._utils.files import make_folder
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.weights import load_network
from napari_i3d.batch.distributed.coordinator import Coordinator
from napari_i3d.batch.distributed.tasks import TaskNetwork
from napari_i3d.batch.events import BatchEvent, VideoResult, VideoSkipped
from napari_i3d.batch.options import LOCAL, BatchOptions
from napari_i3d.batch.report import Report
from napari_i3d.batch.video_job import VideoInput
from napari_i3d.batch.video_jobs import VideoJobs
from napari_i3d.batch.video_queue import VideoQueue
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.device import resolve_device
from napari_i3d.projects.video_files import find_videos


def run_batch(options: BatchOptions) -> Generator[BatchEvent, None, tuple[VideoResult, ...]]:
    """Extract features of videos; yield events and return the result of each video.

    An error in one video does not stop the others. Shards are saved as they are computed: after an interruption, the
    same options resume the batch. ``report.json`` in the output folder lists the results for programs.

    Raises
    ------
    VideoError, TrackingError, OutputError, WeightsError, SettingsError, ClusterError
        Nothing can be done at all: no video, tracking folder, output folder, weights, device or cluster.
    """
    videos = find_videos(options.dataset_path)
    if options.tracking_folder is not None and not options.tracking_folder.is_dir():
        raise TrackingError(
            f"{options.tracking_folder}: expected the folder of tracking files; there is no such folder"
        )
    network, weights = load_network(options.weights)
    if options.scheduler in (None, LOCAL):
        resolve_device(options.settings.device, options.settings.precision)
    make_folder(options.output_path)
    video_jobs = VideoJobs(options, weights)
    video_queue = VideoQueue(videos, Report(options.output_path), options.layout)
    if options.scheduler is None:
        yield from video_queue.one_by_one(lambda path: _extract(_input(options, path), video_jobs, network))
    else:
        # dask is optional.
        from napari_i3d.batch.distributed.dask_cluster import connected, plan_this_machine

        plan = plan_this_machine(options.workers, options.settings.device) if options.scheduler == LOCAL else None
        path = Path(options.weights)
        task_network = TaskNetwork(
            weights=path.absolute() if path.is_file() else options.weights,  # workers have other folders
            weights_sha256=weights.sha256,
            local_gpus=0 if plan is None else plan.gpus,
            threads=None if plan is None else plan.threads,
        )
        with connected(options.scheduler, plan) as cluster:
            coordinator = Coordinator(cluster, video_jobs, task_network, lambda path: _input(options, path))
            yield from coordinator.run(video_queue)
    return video_queue.results


def _input(options: BatchOptions, video: Path) -> VideoInput:
    """Return a video of the batch with its tracking and output."""
    folder = options.tracking_folder
    return VideoInput(
        video=video,
        output=options.output_path / f"{video.stem}{options.i3d_suffix}",
        tracking_path=None if folder is None else folder / f"{video.stem}{options.tracking_suffix}",
        individuals=options.individuals,
        reading=options.reading,
    )


def _extract(
    source: VideoInput, video_jobs: VideoJobs, network: I3DResNet50
) -> Generator[BatchEvent, None, VideoResult]:
    """Extract a video in this process."""
    with ExitStack() as stack:
        job = yield from video_jobs.begin(source, stack)
        if isinstance(job, VideoSkipped):
            return job
        yield from job.compute(network)
        return video_jobs.finish(job)
