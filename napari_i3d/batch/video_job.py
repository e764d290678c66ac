"""The work on one video: from its name to what is still to be computed, and from computed shards to its result."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from napari_i3d._utils.files import exclusive, nearest_file
from napari_i3d._utils.text import format_path
from napari_i3d.backbones.pretrained import WeightsFacts
from napari_i3d.batch.checkpoints import Checkpoints
from napari_i3d.batch.events import BatchEvent, VideoDone, VideoProgress, VideoSkipped
from napari_i3d.batch.existing_results import ExpectedResult, ResultCheck, ResultState, check_result
from napari_i3d.batch.fingerprint import fingerprint
from napari_i3d.batch.output_paths import lock_path, partial_folder
from napari_i3d.batch.source_files import describe_file, read_chosen, tracking_sha256
from napari_i3d.errors import FeaturesError, OutputError, StalledError, VideoError
from napari_i3d.extraction.crop_stream import background_of
from napari_i3d.extraction.crops import squash_note
from napari_i3d.extraction.engine import compute_shards, computer_for
from napari_i3d.extraction.extract import as_features
from napari_i3d.extraction.planning.plan import Job, plan_job
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.planning.shards import ChunkRows, Shard, ShardRows, plan_shards
from napari_i3d.extraction.provenance import crops_sha256, describe_extraction, describe_tracking
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import shift_note
from napari_i3d.features.io.output_format import save_features
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.individuals import Id
from napari_i3d.projects.video_files import VIDEO_SUFFIXES
from napari_i3d.tracking.gaps import resolve_gaps
from napari_i3d.tracking.io.box_pickle import ENDINGS
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video, open_video


@dataclass(frozen=True, eq=False)
class VideoInput:
    """A video to be extracted, its tracking, and where its features go.

    Attributes
    ----------
    video
        Its file.
    output
        The features file; where each individual has a file of its own, its id is added to this name.
    tracking_path
        The file of its tracking; None: none, or `tracking` is in no file.
    individuals
        Ids, as text, of those chosen; None: all.
    tracking
        Of those chosen, gaps and all; None: it is read from `tracking_path`, or the whole image is taken.
    """

    video: Path
    output: Path
    tracking_path: Path | None = None
    individuals: tuple[str, ...] | None = None
    tracking: Tracking | None = None

    def read(self, video: Video, settings: ExtractionSettings) -> Tracking:
        """Return the tracking of those chosen; errors as of `read_chosen`."""
        if self.tracking is not None:
            return self.tracking
        return read_chosen(video, self.tracking_path, self.individuals, settings)


@dataclass(frozen=True, eq=False)
class VideoJob:
    """A video that is open, planned, and locked against other processes.

    Attributes
    ----------
    input, video
        What was asked for, and the open video.
    video_file
        ``sha256`` and ``mtime_ns`` of the file.
    job, shards
        What is computed, and in which portions.
    todo
        The shards that are not finished yet.
    partial
        Keeps those that are.
    tracking
        What provenance tells of the tracking.
    remarks
        What was found, for the summary.
    """

    input: VideoInput
    video: Video
    video_file: dict[str, Any]
    job: Job
    shards: list[Shard]
    todo: list[Shard]
    partial: Checkpoints
    tracking: dict[str, Any]
    remarks: tuple[str, ...]

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[None]:
        """Keep what is finished when the block fails, unless it is of no more use to anybody."""
        try:
            yield
        except StalledError:
            raise
        except VideoError:
            self.partial.remove()  # a damaged video stays damaged; a repaired one is another
            raise
        finally:
            self.partial.remove_if_empty()

    @property
    def path(self) -> Path:
        """The video's file."""
        return self.input.video

    @property
    def kept_chunks(self) -> int:
        """Chunks that were finished when the work began."""
        return self.job.plan.total_chunks - sum(shard.n_chunks for shard in self.todo)

    def compute(self, network: torch.nn.Module, batch_size: int | None = None) -> Generator[VideoProgress, None, None]:
        """Compute and keep the shards that are not finished.

        Parameters
        ----------
        network
            From `load_network`.
        batch_size
            Chunks at once; None: as in the settings. Features do not depend on it.

        Raises
        ------
        VideoError, SettingsError, OutputError
            The video is damaged, this machine has not the device asked for, or a shard cannot be kept.
        """
        done = kept = self.kept_chunks
        total = self.job.plan.total_chunks
        yield VideoProgress(self.path, done, total, kept)
        if not self.todo:
            return
        settings = self.job.settings
        computer = computer_for(network, replace(settings, batch_size=batch_size or settings.batch_size))
        background = background_of(self.video, settings)
        with contextlib.closing(
            compute_shards(self.video, self.todo, computer, background, abandon=self.video.close)
        ) as steps:
            for step in steps:
                if isinstance(step, ShardRows):
                    self.partial.keep(step)
                    kept += step.shard.n_chunks
                else:
                    done += len(step.chunks)
                yield VideoProgress(self.path, done, total, kept)


class VideoJobs:
    """Begins and finishes the work on videos, each by itself.

    Parameters
    ----------
    options
        What is asked for.
    weights
        Of the network.
    open_video
        Opens the video; whoever runs it in a window can leave off waiting.
    """

    def __init__(
        self, options: ExtractionOptions, weights: WeightsFacts, open_video: Callable[[Path], Video] = open_video
    ) -> None:
        self._options = options
        self._weights = weights
        self._open_video = open_video
        self._claimed: dict[str, Path] = {}  # the video that each result, without regard to capitals, belongs to

    def begin(self, wanted: VideoInput, stack: ExitStack) -> Generator[BatchEvent, None, VideoJob | VideoSkipped]:
        """Lock, read and plan a video; what is opened for it is closed with `stack`.

        Raises
        ------
        VideoError, TrackingError, FeaturesError, OutputError
            Video, tracking or results cannot be used.
        """
        path, tracking_path = wanted.video, wanted.tracking_path
        if not stack.enter_context(exclusive(lock_path(wanted.output))):
            text = "another process is working on it; give the command again when that has ended"
            return VideoSkipped(path, text, complete=False, busy=True)
        wish = self._wish(wanted)
        # Tracking in memory needs no reading: its crops tell more than the file that it once came from.
        early = self._options.layout.one_file and wanted.tracking is None and not self._options.overwrite
        if early and wanted.output.exists():
            verdict = check_result(wanted.output, wish)
            if verdict.state in (ResultState.SOUND, ResultState.OTHER):
                return _kept(wanted, {wanted.output: verdict})
        if wanted.tracking is None and tracking_path is not None and not tracking_path.exists():
            return VideoSkipped(path, _missing_tracking(path, tracking_path), complete=False)
        return (yield from self._open(wanted, wish, stack))

    def _open(
        self, wanted: VideoInput, wish: ExpectedResult, stack: ExitStack
    ) -> Generator[BatchEvent, None, VideoJob | VideoSkipped]:
        """Read and plan a video that is locked."""
        options = self._options
        path = wanted.video
        video_file = yield from describe_file(path)
        video = stack.enter_context(self._open_video(path))
        tracking = wanted.read(video, options.settings)
        resolved = resolve_gaps(tracking, options.gaps)
        job = plan_job(video, resolved.values(), options.settings)
        paths = options.individual_outputs(wanted.output, [chunks.id for chunks in job.plan.tracklets])
        self._claim(path, paths.values())
        crops: dict[Id | None, str] = {individual: crops_sha256(job, individual) for individual in (None, *paths)}
        wish = replace(wish, video_sha256=video_file["sha256"], crops_sha256=crops)
        verdicts = self._verdicts(paths, wish)
        unwanted = [target for target, verdict in verdicts.items() if verdict.state is ResultState.OTHER]
        sound = [target for target, verdict in verdicts.items() if verdict.state is not ResultState.DAMAGED]
        if unwanted or len(sound) == len(set(paths.values())):
            return _kept(wanted, verdicts)
        remarks = tuple(f"{v.text}, and was made again" for v in verdicts.values() if v.state is ResultState.DAMAGED)
        folder = partial_folder(wanted.output)
        begun = Checkpoints.holds(folder, fingerprint(job, self._weights, video_file["sha256"]))
        if sound and not begun:  # a job that was ended while it wrote its files is finished as a whole
            lacking = (resolved[individual] for individual, target in paths.items() if target not in sound)
            job = plan_job(video, lacking, options.settings)
        shards = plan_shards(job)
        partial = Checkpoints(folder, fingerprint(job, self._weights, video_file["sha256"]))
        finished = {shard.number for shard in partial.resume(shards)}
        todo = [shard for shard in shards if shard.number not in finished]
        if partial.remark:
            remarks = (*remarks, partial.remark)
        chosen = None if wanted.individuals is None else list(wanted.individuals)
        source = {**describe_tracking(wanted.tracking_path, tracking, options.gaps), "chosen": chosen}
        work = VideoJob(wanted, video, video_file, job, shards, todo, partial, source, remarks)
        stack.enter_context(work.unfinished())
        return work

    def finish(self, work: VideoJob) -> VideoDone:
        """Write the result of a video whose shards are all kept, and remove these.

        Raises
        ------
        OutputError, FeaturesError
            It cannot be written.
        """
        return self.save(work, self.features(work))

    def features(self, work: VideoJob) -> Features:
        """Return the result of a video whose shards are all kept.

        Raises
        ------
        OutputError
            A shard was damaged.
        """
        rows, devices = ChunkRows(work.job), set()
        for shard in work.shards:
            finished = work.partial.read(shard)
            rows.put(shard, finished.rows)
            devices.add(finished.device)
        device = ", ".join(sorted(devices))
        provenance = describe_extraction(work.video, work.job, self._weights, device, work.tracking, work.video_file)
        return as_features(work.video, work.job, rows, provenance)

    def save(self, work: VideoJob, features: Features) -> VideoDone:
        """Write the result of a video, and remove the shards.

        Raises
        ------
        OutputError, FeaturesError
            It cannot be written; the shards are kept.
        """
        # Into the hidden folder first, and moved from there: what a kill leaves half written is in there.
        output, options = work.input.output, self._options
        hidden = work.partial.result_folder() / output.name
        written = save_features(features, hidden, options.layout, metadata=options.save_metadata)
        outputs = tuple(_move(path, output.with_name(path.name)) for path in written)
        work.partial.remove()
        total = work.job.plan.total_chunks
        return VideoDone(work.path, outputs, self._remarks(work), total, total - work.kept_chunks)

    def _wish(self, wanted: VideoInput) -> ExpectedResult:
        tracking: dict[str, Any] = {}
        if wanted.tracking is None:
            chosen = None if wanted.individuals is None else list(wanted.individuals)
            tracking = {"gaps": str(self._options.gaps), "chosen": chosen}
            if wanted.tracking_path is not None and wanted.tracking_path.exists():
                tracking["sha256"] = tracking_sha256(wanted.tracking_path)
        return ExpectedResult(
            video=wanted.video,
            settings=self._options.settings,
            layout=self._options.layout,
            weights_sha256=self._weights.sha256,
            tracking=tracking,
        )

    def _verdicts(self, paths: dict[Id, Path], wish: ExpectedResult) -> dict[Path, ResultCheck]:
        """Judge the results that exist, unless they are to be replaced anyhow."""
        if self._options.overwrite:
            return {}
        one_file = self._options.layout.one_file
        owners = {target: None if one_file else individual for individual, target in paths.items()}
        return {target: check_result(target, wish, owner) for target, owner in owners.items() if target.exists()}

    def _claim(self, path: Path, targets: Iterable[Path]) -> None:
        for target in targets:
            owner = self._claimed.setdefault(str(target).casefold(), path)
            if owner != path:
                raise FeaturesError(
                    f"its result {target.name} has the name of one of {owner.name}; rename an individual"
                )

    def _remarks(self, work: VideoJob) -> tuple[str, ...]:
        remarks = [f"{individual} left out: {reason}" for individual, reason in work.job.plan.left_out.items()]
        settings = self._options.settings
        if work.input.tracking is None and work.input.tracking_path is None:
            _, height, width, _ = work.video.shape
            remarks.append(squash_note(width, height, settings))
        first_frames = {chunks.id: chunks.first_frame for chunks in work.job.plan.tracklets}
        remarks.append(
            shift_note(
                first_frames, self._options.layout, pad=settings.pad, frequency=settings.frequency,
                metadata=self._options.save_metadata,
            )
        )  # fmt: skip
        if work.video.remark:
            remarks.insert(0, work.video.remark)
        if not self._weights.trained:
            remarks.insert(0, "untrained weights: the features mean nothing")
        return (*filter(None, remarks), *work.remarks)


def _missing_tracking(video: Path, tracking_path: Path) -> str:
    """Say that there is no tracking, and which file it may be; never one of the other videos in the folder."""
    others: set[str] = set()
    with contextlib.suppress(OSError):
        others = {path.stem for path in video.parent.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES} - {video.stem}
    near = nearest_file(tracking_path, ENDINGS, video.stem, others)
    return f"its tracking file: expected {tracking_path}, found none" + (
        f"; is it {format_path(near.name)}?" if near else ""
    )


def _move(path: Path, target: Path) -> Path:
    """Give a result its place, its facts first: a features file that is there has its facts, whatever happens."""
    try:
        json_path(path).replace(json_path(target))
        path.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error}); choose another place") from error
    return target


def _kept(wanted: VideoInput, verdicts: dict[Path, ResultCheck]) -> VideoSkipped:
    targets = tuple(verdicts)
    for target, verdict in verdicts.items():
        if verdict.state is ResultState.OTHER:
            text = f"{target} exists, made {verdict.text}; --overwrite replaces it"
            return VideoSkipped(wanted.video, text, complete=False, existing=targets, difference=verdict.text)
    # Of a run that was ended when all was done but this.
    Checkpoints.discard(partial_folder(wanted.output))
    named = f"{targets[0]} exists" if len(targets) == 1 else f"the files of all {len(targets)} individuals exist"
    return VideoSkipped(wanted.video, f"{named}; --overwrite replaces", complete=True, existing=targets)
