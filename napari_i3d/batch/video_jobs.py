"""Prepare the extraction of videos, and write their results."""

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.files import exclusive
from napari_i3d._utils.text import format_path
from napari_i3d.backbones.pretrained import WeightsFacts
from napari_i3d.backbones.registry import I3D
from napari_i3d.batch.checkpoints.checkpoints import Checkpoints
from napari_i3d.batch.checkpoints.store_checkpoints import StoreCheckpoints
from napari_i3d.batch.events import BatchEvent, VideoDone, VideoReading, VideoSkipped
from napari_i3d.batch.existing_results import ExpectedResult, ResultCheck, ResultState, check_result
from napari_i3d.batch.fingerprint import fingerprint
from napari_i3d.batch.output_paths import lock_path, partial_folder
from napari_i3d.batch.video_job import VideoInput, VideoJob
from napari_i3d.errors import FeaturesError, Message, OutputError, VideoError
from napari_i3d.extraction.crops import squash_note
from napari_i3d.extraction.extract import as_features, describe_rows
from napari_i3d.extraction.planning.plan import plan_job
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.planning.shards import ChunkRows, plan_shards
from napari_i3d.extraction.provenance import crops_sha256, describe_extraction, describe_tracking
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, shift_note
from napari_i3d.features.io.output_format import save_features
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.store import store_path
from napari_i3d.features.io.store_writing import check_store_place
from napari_i3d.individuals import Id
from napari_i3d.projects.video_files import VIDEO_SUFFIXES
from napari_i3d.tracking.gaps import resolve_gaps
from napari_i3d.tracking.io.reading import tracking_sha256
from napari_i3d.tracking.io.recognition import nearest_tracking_file
from napari_i3d.video.video import Video, open_video

_READ_BYTES = 1 << 23


class VideoJobs:
    """Prepares and finishes the jobs of videos, each independent of the others.

    The plugin passes an `open_video` that can be cancelled.
    """

    def __init__(
        self, options: ExtractionOptions, weights: WeightsFacts, open_video: Callable[[Path], Video] = open_video
    ) -> None:
        self._options = options
        self._weights = weights
        self._open_video = open_video
        self._owners: dict[str, Path] = {}  # video of each result; names differ by more than case

    def begin(self, source: VideoInput, stack: ExitStack) -> Generator[BatchEvent, None, VideoJob | VideoSkipped]:
        """Lock, read and plan a video; `stack` closes what is opened.

        Raises
        ------
        VideoError, TrackingError, FeaturesError, OutputError
            Video, tracking or results cannot be used.
        """
        path, tracking_path = source.video, source.tracking_path
        if not stack.enter_context(exclusive(lock_path(source.output))):
            busy = Message("another process is working on it", hint="{try_again} when that has ended")
            return VideoSkipped(path, busy, complete=False, busy=True)
        expected = self._expected_result(source)
        # Tracking in memory is compared by its crops, not by the file that it may come from.
        early = self._options.layout.one_file and source.tracking is None and not self._options.overwrite
        checks = {
            place: check_result(place, replace(expected, layout=layout))
            for place, layout in (self._possible_results(source.output) if early else ())
            if place.exists()
        }
        for place, check in checks.items():
            if check.state is ResultState.CURRENT:
                return _skip_existing(source, {place: check})
        if checks and all(check.state is ResultState.OTHER for check in checks.values()):
            return _skip_existing(source, checks)
        if source.tracking is None and tracking_path is not None and not tracking_path.exists():
            return VideoSkipped(path, _missing_tracking(path, tracking_path), complete=False)
        return (yield from self._open(source, expected, stack))

    def _open(
        self, source: VideoInput, expected: ExpectedResult, stack: ExitStack
    ) -> Generator[BatchEvent, None, VideoJob | VideoSkipped]:
        """Read and plan a video that is locked."""
        path = source.video
        video_file = yield from _read_video_file(path)
        video = stack.enter_context(self._open_video(path))
        tracking = source.read_tracking(video, self._options.settings)
        resolved = resolve_gaps(tracking, self._options.gaps)
        job = plan_job(video, resolved.values(), self._options.settings)
        options = self._options.for_rows(job.plan.total_rows)
        if options.layout is Layout.STORE:
            check_store_place(store_path(source.output))
        paths = options.individual_outputs(source.output, [chunks.id for chunks in job.plan.tracklets])
        self._claim(path, paths.values())
        crops: dict[Id | None, str] = {individual: crops_sha256(job, individual) for individual in (None, *paths)}
        expected = replace(expected, layout=options.layout, video_sha256=video_file["sha256"], crops_sha256=crops)
        checks = self._check_results(paths, expected)
        intact = [target for target, check in checks.items() if check.state is not ResultState.DAMAGED]
        others = any(check.state is ResultState.OTHER for check in checks.values())
        if others or len(intact) == len(set(paths.values())):
            return _skip_existing(source, checks)
        notes = tracking.origin.notes if source.tracking is None and tracking.origin is not None else ()
        damaged = (check.text for check in checks.values() if check.state is ResultState.DAMAGED)
        remarks = tuple(map(Message, (*notes, *(f"{text}, and was made again" for text in damaged))))
        if options.layout is not self._options.layout:
            remarks = (*remarks, _store_note(options.store_above_gb))
        folder = partial_folder(source.output)
        begun = Checkpoints.holds(folder, fingerprint(job, self._weights, video_file["sha256"]))
        if intact and not begun:  # a job that ended while it wrote its files is finished as a whole
            missing = (resolved[individual] for individual, target in paths.items() if target not in intact)
            job = plan_job(video, missing, options.settings)
        shards = plan_shards(job)
        job_fingerprint = fingerprint(job, self._weights, video_file["sha256"])
        checkpoints = (
            StoreCheckpoints(folder, job_fingerprint, job, options.store_dtype)
            if options.layout is Layout.STORE
            else Checkpoints(folder, job_fingerprint)
        )
        todo = shards.without(checkpoints.resume(shards))
        if checkpoints.remark:
            remarks = (*remarks, Message(checkpoints.remark))
        chosen = None if source.individuals is None else list(source.individuals)
        reading = source.reading if source.tracking is None else None
        described = describe_tracking(source.tracking_path, tracking, options.gaps, reading, source.corrections)
        facts = {**described, "chosen": chosen}
        video_job = VideoJob(source, video, video_file, job, shards, todo, checkpoints, options, facts, remarks)
        stack.enter_context(video_job.keep_checkpoints())
        return video_job

    def finish(self, job: VideoJob) -> VideoDone:
        """Write the result of a video whose shards are all saved, and remove these; errors as in both steps."""
        if isinstance(job.checkpoints, StoreCheckpoints):
            return self._publish(job, job.checkpoints)
        return self.save(job, self.features(job))

    def features(self, job: VideoJob) -> Features:
        """Return the result of a video whose shards are all saved; raise `OutputError` if one was damaged."""
        rows, devices = ChunkRows(job.job), set()
        for shard in job.shards:
            finished = job.checkpoints.read(shard)
            rows.put(shard, finished.rows)
            devices.add(finished.device)
        return as_features(job.video, job.job, rows, self._provenance(job, devices))

    def _publish(self, job: VideoJob, checkpoints: StoreCheckpoints) -> VideoDone:
        """Move the store of a video to its place; its rows are not read into memory."""
        content = checkpoints.finish(job.shards)
        rows = {
            chunks.id: np.broadcast_to(np.zeros((), np.float32), (chunks.n_rows, I3D.width))  # their shape
            for chunks in job.job.plan.tracklets
        }
        described = describe_rows(job.video, job.job, rows, self._provenance(job, content.devices))
        target = store_path(job.input.output)
        checkpoints.publish(described, content, target)
        return self._done(job, (target,))

    def _provenance(self, job: VideoJob, devices: Iterable[str]) -> dict[str, Any]:
        device = ", ".join(sorted(devices))
        return describe_extraction(job.video, job.job, self._weights, device, job.tracking, job.video_file)

    def save(self, job: VideoJob, features: Features) -> VideoDone:
        """Write the result of a video, then remove the shards, which are kept on `OutputError` or `FeaturesError`."""
        # Into the hidden folder first, and moved from there: a kill leaves half-written files only in there.
        output, options = job.input.output, job.options
        hidden = job.checkpoints.result_folder() / output.name
        written = save_features(features, hidden, options.layout, metadata=options.save_metadata)
        return self._done(job, tuple(_move(path, output.with_name(path.name)) for path in written))

    def _done(self, job: VideoJob, outputs: tuple[Path, ...]) -> VideoDone:
        job.checkpoints.remove()
        total = job.job.plan.total_chunks
        return VideoDone(job.path, outputs, self._remarks(job), total, total - job.kept_chunks)

    def _possible_results(self, output: Path) -> list[tuple[Path, Layout]]:
        """Return the features file, and the store that its features are if they are large."""
        layout = self._options.layout
        places: list[tuple[Path, Layout]] = [] if layout is Layout.STORE else [(output, layout)]
        return [*places, (store_path(output), Layout.STORE)] if self._options.may_store else places

    def _expected_result(self, source: VideoInput) -> ExpectedResult:
        tracking: dict[str, Any] = {}
        if source.tracking is None:
            chosen = None if source.individuals is None else list(source.individuals)
            tracking = {"gaps": str(self._options.gaps), "chosen": chosen, "reading": source.reading.as_dict()}
            if source.tracking_path is not None and source.tracking_path.exists():
                tracking["sha256"] = tracking_sha256(source.tracking_path, source.reading.format)
        options = self._options
        return ExpectedResult(
            video=source.video,
            settings=options.settings,
            layout=options.layout,
            store_dtype=options.store_dtype,
            weights_sha256=self._weights.sha256,
            tracking=tracking,
        )

    def _check_results(self, paths: dict[Id, Path], expected: ExpectedResult) -> dict[Path, ResultCheck]:
        """Check the existing results, unless they will be replaced."""
        if self._options.overwrite:
            return {}
        one_file = self._options.layout.one_file
        owners = {target: None if one_file else individual for individual, target in paths.items()}
        return {target: check_result(target, expected, owner) for target, owner in owners.items() if target.exists()}

    def _claim(self, path: Path, targets: Iterable[Path]) -> None:
        for target in targets:
            owner = self._owners.setdefault(str(target).casefold(), path)
            if owner != path:
                raise FeaturesError(
                    f"its result {target.name} has the name of one of {owner.name}", hint="rename an individual"
                )

    def _remarks(self, job: VideoJob) -> tuple[Message, ...]:
        options, plan = job.options, job.job.plan
        facts = [] if self._weights.trained else ["untrained weights: the features mean nothing"]
        facts += [job.video.remark] if job.video.remark else []
        facts += [f"{individual} left out: {reason}" for individual, reason in plan.left_out.items()]
        remarks: list[Message | None] = [Message(fact) for fact in facts]
        if job.input.tracking is None and job.input.tracking_path is None:
            _, height, width, _ = job.video.shape
            remarks.append(squash_note(width, height, options.settings))
        first_frames = {chunks.id: chunks.first_frame for chunks in plan.tracklets}
        results = {job.input.output: Layout.DICT, store_path(job.input.output): Layout.STORE}
        remarks.extend(
            Message(f"{other.name} beside it is not of this run", hint="remove it if it is out of date")
            for other, layout in results.items()
            if options.layout in results.values() and layout is not options.layout and other.exists()
        )
        pad, frequency = options.settings.pad, options.settings.frequency
        remarks.append(
            shift_note(first_frames, options.layout, pad=pad, frequency=frequency, metadata=options.save_metadata)
        )
        return (*(remark for remark in remarks if remark is not None), *job.remarks)


def _read_video_file(path: Path) -> Generator[VideoReading, None, dict[str, Any]]:
    """Read a video's file; return its ``sha256`` and ``mtime_ns``, the time of its last change."""
    digest = hashlib.sha256()
    try:
        stat = path.stat()
        with path.open("rb") as file:
            while part := file.read(_READ_BYTES):
                digest.update(part)
                yield VideoReading(path, file.tell(), max(file.tell(), stat.st_size))
    except OSError as error:
        raise VideoError(f"{path.name}: cannot be read ({error.strerror or error})", hint="check the drive") from error
    return {"sha256": digest.hexdigest(), "mtime_ns": stat.st_mtime_ns}


def _store_note(above_gb: float | None) -> Message:
    return Message(
        f"more than {above_gb:g} GB of features: written as a folder, which is opened without reading it into memory",
        hint="use {layout=dict} for one file",
    )


def _missing_tracking(video: Path, tracking_path: Path) -> Message:
    """Report a missing tracking file, and suggest a similar one that does not belong to another video."""
    others: set[str] = set()
    with contextlib.suppress(OSError):
        others = {path.stem for path in video.parent.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES} - {video.stem}
    near = nearest_tracking_file(tracking_path, video.stem, others)
    guess = f"; is it {format_path(near.name)}?" if near else ""
    return Message(f"its tracking file: expected {tracking_path}, found none{guess}")


def _move(path: Path, target: Path) -> Path:
    """Move a result to its place, its facts first: a features file always has its facts."""
    try:
        json_path(path).replace(json_path(target))
        path.replace(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror or error})", hint="choose another place"
        ) from error
    return target


def _skip_existing(source: VideoInput, checks: dict[Path, ResultCheck]) -> VideoSkipped:
    targets = tuple(checks)
    for target, check in checks.items():
        if check.state is ResultState.OTHER:
            reason = Message(f"{target} exists, made {check.text}", hint="{overwrite=True} replaces it")
            return VideoSkipped(source.video, reason, complete=False, existing=targets, difference=check.text)
    # Left by a run that ended just before it removed them.
    Checkpoints.discard(partial_folder(source.output))
    named = f"{targets[0]} exists" if len(targets) == 1 else f"the files of all {len(targets)} individuals exist"
    reason = Message(named, hint="{overwrite=True} replaces")
    return VideoSkipped(source.video, reason, complete=True, existing=targets)
