"""What Run of the Extract dock would do: the request, its cost, and the texts about both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import exclusive
from napari_i3d._utils.text import counted, format_duration
from napari_i3d.batch.checkpoints.checkpoints import Checkpoints
from napari_i3d.batch.output_paths import lock_path, partial_folder
from napari_i3d.extraction.planning.estimate import Estimate, estimate
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.features.io.layouts import shift_note
from napari_i3d.plugin.jobs.extract_job import ExtractionRequest
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.features_state import format_out_of_date
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.io.reading import video_facts


@dataclass(frozen=True, eq=False)
class ExtractionPlan:
    """An extraction that could be run now."""

    tracked: TrackedVideo
    request: ExtractionRequest
    estimate: Estimate
    editor: TrackingEditor

    @property
    def partial_folder(self) -> Path:
        """Folder of the chunks that an interrupted run keeps."""
        return partial_folder(self.request.output)

    def with_output(self, output: Path) -> "ExtractionPlan":
        """Return the plan with another place for the features."""
        return replace(self, request=replace(self.request, output=output))

    @property
    def is_current(self) -> bool:
        """Whether the video is still open, with the tracking that was planned for, which may be corrected since."""
        return self.tracked.video is not None and self.tracked.editor is self.editor

    def describe(self) -> str:
        """Return what would be computed, how long it takes, and what is unusual."""
        cost, options = self.estimate, self.request.options
        settings, plan = options.settings, cost.job.plan
        who = "whole image" if self.request.tracking is None else counted(len(plan.tracklets), "individual")
        source = "as in earlier runs" if cost.measured else "a first guess, for a processor"
        lines = [f"{who}, {counted(plan.total_chunks, 'chunk')}: about {format_duration(cost.seconds)} ({source})."]
        if cost.kept_chunks:
            lines.append(
                f"{cost.kept_chunks:,} of {plan.total_chunks:,} chunks were computed before: Run resumes after them, "
                "if video, tracking and weights are the same."
            )
        if plan.left_out:
            lines.append(f"{len(plan.left_out)} left out: fewer than {settings.shortest_tracklet} frames.")
        first_frames = {chunks.id: chunks.first_frame for chunks in plan.tracklets}
        note = shift_note(
            first_frames, options.layout, pad=settings.pad, frequency=settings.frequency, metadata=options.save_metadata
        )
        if note is not None:
            lines.append(f"{dock_text(note)}.")
        old = format_out_of_date(self.tracked.out_of_date)
        if old:
            name = self.tracked.features_path.name if self.tracked.features_path else "Features in memory"
            lines.append(f"{name}: {old}. Run computes with the boxes as they are now.")
        elif not self.tracked.is_saved:
            lines.append("Run computes with the corrected boxes, although they are not saved.")
        return "\n".join(lines)

    def describe_kept(self) -> str:
        """Return how many chunks are kept if the run is interrupted; empty if there is none."""
        kept = _kept_chunks(self.request)
        return f"{kept:,} of {counted(self.estimate.job.plan.total_chunks, 'chunk')} are kept" if kept else ""

    def describe_loss(self, status: str) -> str:
        """Return what closing the viewer would lose while the plan runs, from the line about its progress."""
        video, output, kept = self.request.video.name, self.request.output.name, self.describe_kept()
        lost = f"{kept}: the next Run resumes after them; what was computed since" if kept else "What was computed"
        return (
            f"The extraction of {video} is running: {status.rstrip(' .')}. {lost} would be lost. An earlier {output} "
            "and all other files stay as they are."
        )

    def discard_kept(self) -> bool:
        """Remove the chunks that an interrupted run kept; return False if another process is working on them.

        Raises
        ------
        OutputError
            They cannot be removed.
        """
        with exclusive(lock_path(self.request.output)) as free:
            if free:
                Checkpoints.discard(self.partial_folder)
            return free


def plan_extraction(
    tracked: TrackedVideo, options: ExtractionOptions, output: Path, rates: dict[str, Any]
) -> ExtractionPlan | None:
    """Plan the extraction of a video with the individuals chosen; None if the video is not open.

    Parameters
    ----------
    tracked
        The video.
    options
        The settings.
    output
        The features file. A bare name lies beside the video: users do not know where napari was started.
    rates
        Seconds a chunk took in earlier runs.

    Raises
    ------
    NapariI3DError
        It cannot be run.
    """
    if tracked.video is None:
        return None
    options = options.with_size(options.settings.video_size or tracked.boxes_size)
    output = tracked.video.path.parent / output
    individuals = () if tracked.tracking is None else tuple(i for i in tracked.tracking if i in tracked.chosen)
    done = tracked.history.steps[: tracked.history.position]
    request = ExtractionRequest(
        video=tracked.video.path,
        options=options,
        output=output,
        tracking=tracked.tracking,
        individuals=individuals,
        tracking_path=tracked.tracking_path,
        video_facts=video_facts(tracked.video, options.settings.video_size),
        n_corrections=sum(len(tracked.editor.edits_of(step)) for step in done),
        edited=tracked.editor.edited,
    )
    cost = estimate(tracked.video, request.chosen, options, rates, _kept_chunks(request))
    options.individual_outputs(output, [chunks.id for chunks in cost.job.plan.tracklets])
    return ExtractionPlan(tracked, request, cost, tracked.editor)


def format_files(paths: Sequence[Path]) -> str:
    """Return the names of the first files."""
    return ", ".join(path.name for path in paths[:3]) + (" ..." if len(paths) > 3 else "")


def _kept_chunks(request: ExtractionRequest) -> int:
    return Checkpoints.kept_chunks(partial_folder(request.output), request.options.settings)
