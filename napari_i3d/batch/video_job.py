"""A video to extract: its input, and the computation of its shards."""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from napari_i3d.batch.checkpoints.checkpoints import Checkpoints
from napari_i3d.batch.events import VideoProgress
from napari_i3d.errors import Message, StalledError, VideoError
from napari_i3d.extraction.crop_stream import background_of
from napari_i3d.extraction.engine import compute_shards, encoder_for
from napari_i3d.extraction.planning.plan import Job, whole_image
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.planning.shards import ShardRows, Shards
from napari_i3d.extraction.provenance import Corrections
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import find_ids
from napari_i3d.tracking.io.reading import TrackingReading
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video


@dataclass(frozen=True, eq=False)
class VideoInput:
    """A video to extract, its tracking, and where its features go.

    Attributes
    ----------
    video
        The file.
    output
        The features file; if each individual has its own file, its id is added to this name.
    tracking_path
        The tracking file or folder; None: the whole image, or `tracking` is in memory.
    individuals
        Selected ids, as text; None: all.
    tracking
        Selected tracklets in memory, with their gaps; None: `tracking_path` is read.
    reading
        How `tracking_path` is read.
    corrections
        The corrections by hand in `tracking`; None: there are none.
    """

    video: Path
    output: Path
    tracking_path: Path | None = None
    individuals: tuple[str, ...] | None = None
    tracking: Tracking | None = None
    reading: TrackingReading = field(default_factory=TrackingReading)
    corrections: Corrections | None = None

    def read_tracking(self, video: Video, settings: ExtractionSettings) -> Tracking:
        """Return the selected tracklets.

        Raises
        ------
        TrackingError
            The file cannot be read, or lacks a selected individual.
        """
        if self.tracking is not None:
            return self.tracking
        if self.tracking_path is None:
            return whole_image(video, settings)
        tracking = self.reading.read(self.tracking_path, video, settings.video_size)
        return tracking if self.individuals is None else tracking.select(find_ids(tracking, self.individuals))


@dataclass(frozen=True, eq=False)
class VideoJob:
    """A video that is open, planned, and locked against other processes."""

    input: VideoInput
    video: Video
    video_file: dict[str, Any]  # sha256 and mtime_ns of the file
    job: Job
    shards: Shards
    todo: Shards  # those that are not finished
    checkpoints: Checkpoints  # of those that are
    options: ExtractionOptions  # with the layout for a result of this size
    tracking: dict[str, Any]  # for provenance
    remarks: tuple[Message, ...]  # for the summary

    @contextlib.contextmanager
    def keep_checkpoints(self) -> Iterator[None]:
        """Keep finished shards if the block fails, unless the video is damaged."""
        try:
            yield
        except StalledError:
            raise
        except VideoError:
            self.checkpoints.remove()  # a damaged video stays damaged; a repaired one is another
            raise
        finally:
            self.checkpoints.remove_if_empty()

    @property
    def path(self) -> Path:
        """The video's file."""
        return self.input.video

    @property
    def kept_chunks(self) -> int:
        """Number of chunks that were finished before."""
        return self.job.plan.total_chunks - self.todo.n_chunks

    def compute(self, network: torch.nn.Module, batch_size: int | None = None) -> Generator[VideoProgress, None, None]:
        """Compute and save the shards that are not finished.

        `network` is from `load_network`. Features do not depend on `batch_size`, which replaces that of the settings.

        Raises
        ------
        VideoError, SettingsError, OutputError
            The video is damaged, this machine does not have the device, or a shard cannot be saved.
        """
        done = kept = self.kept_chunks
        total = self.job.plan.total_chunks
        yield VideoProgress(self.path, done, total, kept)
        if not self.todo:
            return
        settings = self.job.settings
        encoder = encoder_for(network, replace(settings, batch_size=batch_size or settings.batch_size))
        background = background_of(self.video, settings)
        steps = compute_shards(self.video, self.todo, encoder, background, abandon=self.video.close)
        with contextlib.closing(steps):
            for step in steps:
                if isinstance(step, ShardRows):
                    self.checkpoints.save(step)
                    kept += step.shard.n_chunks
                else:
                    done += len(step.chunks)
                yield VideoProgress(self.path, done, total, kept)
