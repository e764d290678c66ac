"""Extract one video from Python into a store, resumable and in bounded memory."""

import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import TqdmWarning

from napari_i3d._utils.files import make_folder
from napari_i3d._utils.progress import finish
from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS
from napari_i3d.backbones.weights import load_network
from napari_i3d.batch.events import VideoSkipped
from napari_i3d.batch.video_job import VideoInput
from napari_i3d.batch.video_jobs import VideoJobs
from napari_i3d.errors import OutputError
from napari_i3d.extraction.device import resolve_device
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, check_store_dtype
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.store import STORE_SUFFIX, StoreDtype, store_path
from napari_i3d.individuals import Id
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.io.reading import TrackingReading
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video

with warnings.catch_warnings():
    # Without ipywidgets, notebooks show bars as text; tqdm would warn about that.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm


def extract_to_store(
    video: Video | str | Path,
    store: str | Path,
    tracking: Tracking | str | Path | None = None,
    *,
    settings: ExtractionSettings | None = None,
    weights: str | Path = DEFAULT_WEIGHTS,
    individuals: Sequence[Id] | None = None,
    reading: TrackingReading | None = None,
    gaps: str = Gaps.ERROR,
    store_dtype: str = StoreDtype.FLOAT32,
    overwrite: bool = False,
    progress: bool = True,
) -> Features:
    """Extract a video of any length into a store, without holding its features in memory.

    Finished parts are kept beside the store, so that the same call resumes after an interruption; a store that is up to
    date is opened as it is.

    Parameters
    ----------
    video
        As in `extract_features`; its file is read once more, to recognize it later.
    store
        The folder to make: ``day1.features``.
    tracking, settings, weights, individuals, reading, progress
        As in `extract_features`.
    gaps
        How missing frames are handled: ``"error"``, ``"split"`` or ``"interpolate"``.
    store_dtype
        Numbers of the store, ``"float32"`` or ``"float16"``.
    overwrite
        Replace an existing store.

    Returns
    -------
    Features
        The opened store, whose rows are read when they are used.

    Raises
    ------
    OutputError
        The store cannot be written, another process is writing it, or one that was made otherwise exists.
    VideoError, TrackingError, WeightsError, SettingsError, FeaturesError
        As in `extract_features`.
    """
    output = store_path(store)
    options = ExtractionOptions(
        settings=settings or ExtractionSettings(),
        weights=weights,
        gaps=Gaps(gaps),
        layout=Layout.STORE,
        i3d_suffix=STORE_SUFFIX,
        store_dtype=check_store_dtype(store_dtype),
        overwrite=overwrite,
    )
    network, facts = load_network(weights)
    resolve_device(options.settings.device)
    make_folder(output.parent)
    kept = tracking if isinstance(tracking, Tracking) else None
    source = VideoInput(
        video=video.path if isinstance(video, Video) else Path(video),
        output=output,
        tracking_path=None if tracking is None or isinstance(tracking, Tracking) else Path(tracking),
        individuals=None if individuals is None else tuple(map(str, individuals)),
        tracking=kept if kept is None or individuals is None else kept.select(individuals),
        reading=reading or TrackingReading(),
    )
    jobs = VideoJobs(options, facts)
    with ExitStack() as stack:
        job = finish(jobs.begin(source, stack))
        if isinstance(job, VideoSkipped):
            if not job.complete:
                raise OutputError(job.reason.text, job.reason.hint)
            return read_features(output)
        with tqdm(total=job.job.plan.total_chunks, unit="chunk", disable=not progress) as bar:
            for step in job.compute(network):
                bar.update(step.done_chunks - bar.n)
        jobs.finish(job)
    return read_features(output)
