"""The work on one video: from its name to what is still to be computed, and from computed shards to its result."""

import contextlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import exclusive, nearest_file
from napari_i3d._utils.text import label
from napari_i3d.backbones.pretrained import WeightsFacts
from napari_i3d.batch.checkpoints import Checkpoints, Fingerprint, fingerprint
from napari_i3d.batch.events import BatchEvent, VideoDone, VideoSkipped
from napari_i3d.batch.existing_results import ExpectedResult, ResultCheck, ResultState, check_result
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.output_paths import OutputNames
from napari_i3d.batch.source_files import describe_file, read_chosen, tracking_sha256
from napari_i3d.errors import FeaturesError, OutputError, StalledError, VideoError
from napari_i3d.extraction.crops import squash_note
from napari_i3d.extraction.extract import as_features
from napari_i3d.extraction.planning.plan import Job, plan_job
from napari_i3d.extraction.planning.shards import ChunkRows, Shard, plan_shards
from napari_i3d.extraction.provenance import crops_sha256, describe_extraction, describe_tracking
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, export_features, shift_note
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.writing import write_features
from napari_i3d.individuals import Id
from napari_i3d.projects.video_files import VIDEO_SUFFIXES
from napari_i3d.tracking.gaps import resolve_gaps
from napari_i3d.tracking.io.box_pickle import ENDINGS
from napari_i3d.video.video import Video, open_video


@dataclass(frozen=True, eq=False)
class VideoJob:
    """A video that is open, planned, and locked against other processes.

    Attributes
    ----------
    path, video
        Its file.
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

    path: Path
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
    def kept_chunks(self) -> int:
        """Chunks that were finished when the work began."""
        return self.job.plan.total_chunks - sum(shard.n_chunks for shard in self.todo)


class VideoJobs:
    """Begins and finishes the work on the videos of a batch.

    Parameters
    ----------
    options
        What is asked for.
    weights
        Of the network.
    """

    def __init__(self, options: BatchOptions, weights: WeightsFacts) -> None:
        self._options = options
        self._weights = weights
        self._names = OutputNames(options.output_path, options.i3d_suffix, options.layout, options.save_metadata)
        self._claimed: dict[str, Path] = {}  # the video that each result, without regard to capitals, belongs to

    def begin(self, path: Path, stack: ExitStack) -> Generator[BatchEvent, None, VideoJob | VideoSkipped]:
        """Lock, read and plan a video; what is opened for it is closed with `stack`.

        Raises
        ------
        VideoError, TrackingError, FeaturesError, OutputError
            Video, tracking or results cannot be used.
        """
        if not stack.enter_context(exclusive(self._names.hidden_path(path, ".lock"))):
            text = "another process is working on it; give the command again when that has ended"
            return VideoSkipped(path, text, complete=False, busy=True)
        tracking_path = self._tracking_path(path)
        wish = self._wish(path, tracking_path)
        shared = self._names.shared_path(path)
        if self._options.layout.one_file and shared.exists() and not self._options.overwrite:
            verdict = check_result(shared, wish)
            if verdict.state in (ResultState.SOUND, ResultState.OTHER):
                return _kept(path, {shared: verdict}, self._names.hidden_path(path, ".partial"))
        if tracking_path is not None and not tracking_path.exists():
            return VideoSkipped(path, _missing_tracking(path, tracking_path), complete=False)
        return (yield from self._open(path, tracking_path, wish, stack))

    def _open(
        self, path: Path, tracking_path: Path | None, wish: ExpectedResult, stack: ExitStack
    ) -> Generator[BatchEvent, None, VideoJob | VideoSkipped]:
        """Read and plan a video that is locked."""
        options = self._options
        partial_folder = self._names.hidden_path(path, ".partial")
        video_file = yield from describe_file(path)
        video = stack.enter_context(open_video(path))
        tracking = read_chosen(video, tracking_path, options.individuals, options.settings)
        resolved = resolve_gaps(tracking, options.gaps)
        job = plan_job(video, resolved.values(), options.settings)
        paths = self._names.paths(path, [chunks.id for chunks in job.plan.tracklets])
        self._claim(path, paths.values())
        crops: dict[Id | None, str] = {individual: crops_sha256(job, individual) for individual in (None, *paths)}
        wish = replace(wish, video_sha256=video_file["sha256"], crops_sha256=crops)
        verdicts = self._verdicts(paths, wish)
        unwanted = [target for target, verdict in verdicts.items() if verdict.state is ResultState.OTHER]
        sound = [target for target, verdict in verdicts.items() if verdict.state is not ResultState.DAMAGED]
        if unwanted or len(sound) == len(set(paths.values())):
            return _kept(path, verdicts, partial_folder)
        remarks = tuple(f"{v.text}, and was made again" for v in verdicts.values() if v.state is ResultState.DAMAGED)
        begun = Checkpoints.holds(partial_folder, self._fingerprint(job, video_file))
        if sound and not begun:  # a job that was ended while it wrote its files is finished as a whole
            lacking = (resolved[individual] for individual, target in paths.items() if target not in sound)
            job = plan_job(video, lacking, options.settings)
        source: dict[str, Any] = {
            **describe_tracking(tracking_path, tracking, options.gaps),
            "chosen": wish.tracking["chosen"],
        }
        work = self._resumed(path, video, video_file, job, partial_folder, source, remarks)
        stack.enter_context(work.unfinished())
        return work

    def finish(self, work: VideoJob) -> VideoDone:
        """Write the result of a video whose shards are all kept, and remove these.

        Raises
        ------
        OutputError, FeaturesError
            It cannot be written.
        """
        rows, devices = ChunkRows(work.job), set()
        for shard in work.shards:
            finished = work.partial.read(shard)
            rows.put(shard, finished.rows)
            devices.add(finished.device)
        device = ", ".join(sorted(devices))
        provenance = describe_extraction(work.video, work.job, self._weights, device, work.tracking, work.video_file)
        features = as_features(work.video, work.job, rows, provenance)
        outputs = self._save(features, work)
        work.partial.remove()
        total = work.job.plan.total_chunks
        return VideoDone(work.path, tuple(outputs), self._remarks(work), total, total - work.kept_chunks)

    def _resumed(
        self,
        path: Path,
        video: Video,
        video_file: dict[str, Any],
        job: Job,
        partial_folder: Path,
        source: dict[str, Any],
        remarks: tuple[str, ...],
    ) -> VideoJob:
        shards = plan_shards(job)
        partial = Checkpoints(partial_folder, self._fingerprint(job, video_file))
        finished = {shard.number for shard in partial.resume(shards)}
        todo = [shard for shard in shards if shard.number not in finished]
        if partial.remark:
            remarks = (*remarks, partial.remark)
        return VideoJob(path, video, video_file, job, shards, todo, partial, source, remarks)

    def _fingerprint(self, job: Job, video_file: dict[str, Any]) -> Fingerprint:
        return fingerprint(job, self._weights, video_file["sha256"])

    def _tracking_path(self, path: Path) -> Path | None:
        folder = self._options.tracking_folder
        return None if folder is None else folder / f"{path.stem}{self._options.tracking_suffix}"

    def _wish(self, path: Path, tracking_path: Path | None) -> ExpectedResult:
        chosen = None if self._options.individuals is None else list(self._options.individuals)
        tracking: dict[str, Any] = {"gaps": str(self._options.gaps), "chosen": chosen}
        if tracking_path is not None and tracking_path.exists():
            tracking["sha256"] = tracking_sha256(tracking_path)
        return ExpectedResult(
            video=path,
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

    def _save(self, features: Features, work: VideoJob) -> list[Path]:
        """Write the result into the hidden folder and move it to its place: what a kill leaves half is in there."""
        shared = self._names.shared_path(work.path)
        folder = work.partial.result_folder()
        if self._options.layout is Layout.DICT:
            write_features(folder / shared.name, features, metadata=self._options.save_metadata)
            written = [folder / shared.name]
        elif self._options.layout.one_file:
            written = export_features(folder / shared.name, features, self._options.layout)
        else:
            written = export_features(folder / f"{work.path.stem}.npy", features, self._options.layout)
        return [_move(path, shared.with_name(path.name)) for path in written]

    def _remarks(self, work: VideoJob) -> tuple[str, ...]:
        remarks = [f"{individual} left out: {reason}" for individual, reason in work.job.plan.left_out.items()]
        options = self._options
        if options.tracking_folder is None:
            _, height, width, _ = work.video.shape
            remarks.append(squash_note(width, height, options.settings))
        first_frames = {chunks.id: chunks.first_frame for chunks in work.job.plan.tracklets}
        settings = options.settings
        remarks.append(
            shift_note(
                first_frames, options.layout, pad=settings.pad, frequency=settings.frequency,
                metadata=options.save_metadata,
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
    return f"expected its tracking {tracking_path}, found none" + (f"; is it {label(near.name)}?" if near else "")


def _move(path: Path, target: Path) -> Path:
    """Give a result its place, its facts first: a features file that is there has its facts, whatever happens."""
    try:
        json_path(path).replace(json_path(target))
        path.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error}); choose another place") from error
    return target


def _kept(path: Path, verdicts: dict[Path, ResultCheck], partial_folder: Path) -> VideoSkipped:
    for target, verdict in verdicts.items():
        if verdict.state is ResultState.OTHER:
            text = f"{target} exists, made {verdict.text}; --overwrite replaces it"
            return VideoSkipped(path, text, complete=False)
    # Of a run that was ended when all was done but this.
    Checkpoints(partial_folder, {}).remove()
    targets = list(verdicts)
    named = f"{targets[0]} exists" if len(targets) == 1 else f"the files of all {len(targets)} individuals exist"
    return VideoSkipped(path, f"{named}; --overwrite replaces", complete=True)
