"""Jobs of the Learn dock: train and apply a probe, score it, find doubtful labels, and export a data set."""

import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from napari_i3d._utils.progress import Step, Steps
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.errors import FeaturesError
from napari_i3d.learning import (
    Evaluation,
    Probe,
    Smoothing,
    evaluate,
    export_dataset,
    label_errors,
    read_probe,
    train,
)
from napari_i3d.learning.probabilities import RowProbabilities, annotation_of
from napari_i3d.learning.queue import Window, rank_windows
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress, as_progress
from napari_i3d.plugin.learning.learned import DoubtfulLabels, Learned, LearnRequest, LearnSettings
from napari_i3d.plugin.learning.training_data import TrainingData
from napari_i3d.plugin.messages import dock_text

T = TypeVar("T")
Scored = Mapping[str, tuple[RowProbabilities, ...]]


def run_learning(request: LearnRequest, stop: StopRequest) -> Generator[Progress, None, Learned]:
    """Train a probe unless there is one, and predict all individuals; a video that does not fit costs only itself."""
    began = time.perf_counter()
    data, settings = request.data, request.settings
    probe = request.probe
    if probe is None:
        probe = yield from _steps(train.steps(data.features, data.labels, settings.probe, start=request.start))
    scored: dict[str, tuple[RowProbabilities, ...]] = {}
    notes = []
    features = data.features
    for number, (name, own) in enumerate(features.items()):
        yield Progress(f"predicting {name}", number, len(features))
        rows = []
        try:
            for one in probe.probabilities(own, name):
                stop.check()
                rows.append(one)
        except FeaturesError as error:
            notes.append(f"No proposals: {dock_text(error)}")
        else:
            scored[name] = tuple(rows)
    if not scored and notes:
        raise FeaturesError(notes[0].removeprefix("No proposals: "))
    proposals = yield from propose(data, probe.ethogram, scored, settings.smoothing)
    yield Progress("choosing what to label next")
    windows = choose_windows(data, scored, settings, request.seed)
    return Learned(request, probe, scored, proposals, windows, tuple(notes), time.perf_counter() - began)


def propose(
    data: TrainingData, ethogram: Ethogram, scored: Scored, smoothing: Smoothing
) -> Generator[Progress, None, dict[str, Annotation]]:
    """Make bouts of the probabilities of each video."""
    found = {}
    for number, (name, rows) in enumerate(scored.items()):
        yield Progress("making bouts", number, len(scored))
        labels = data.videos[name].labels
        found[name] = annotation_of(list(rows), ethogram, smoothing, n_frames=labels.n_frames, fps=labels.fps)
    return found


def choose_windows(data: TrainingData, scored: Scored, settings: LearnSettings, seed: int) -> tuple[Window, ...]:
    """Return windows to label next in all videos."""
    queue = settings.queue
    return rank_windows(
        scored, data.labels, queue.count, length_frames=queue.length_frames, random_share=queue.random_share, seed=seed
    )


def run_smoothing(learned: Learned, smoothing: Smoothing, _: StopRequest) -> Generator[Progress, None, Learned]:
    """Make the bouts of a probe once more with other settings."""
    proposals = yield from propose(learned.request.data, learned.probe.ethogram, learned.scored, smoothing)
    return replace(learned, proposals=proposals)


def run_evaluation(
    data: TrainingData, settings: LearnSettings, _: StopRequest
) -> Generator[Progress, None, Evaluation]:
    """Score a probe on labels that it was not trained on."""
    yield Progress("dealing labels to folds")
    steps = evaluate.steps(data.features, data.labels, settings.probe, smoothing=settings.smoothing)
    return (yield from _steps(steps))


def run_label_errors(
    data: TrainingData, settings: LearnSettings, _: StopRequest
) -> Generator[Progress, None, DoubtfulLabels]:
    """Find labelled bouts that probes of the other labels contradict."""
    yield Progress("dealing bouts to folds")
    steps = label_errors.steps(data.features, data.labels, settings.probe)
    return DoubtfulLabels(data, (yield from _steps(steps)))


def run_export(
    data: TrainingData, folder: Path, program: str, _: StopRequest
) -> Generator[Progress, None, tuple[Path, tuple[str, ...]]]:
    """Write a data set for a program that learns to find behaviors; return its folder, and notes."""
    yield Progress(f"writing {folder.name}")
    return folder, export_dataset(folder, data.features, data.labels, program)


def run_opening_probe(path: Path, _: StopRequest) -> Generator[Progress, None, Probe]:
    """Read a probe from a file."""
    yield Progress(f"reading {path.name}")
    return read_probe(path)


def _steps(steps: Steps[T]) -> Generator[Progress, None, T]:
    return (yield from as_progress(steps, _progress_of))


def _progress_of(step: Step) -> Progress:
    return Progress(step.what, step.done, step.total if step.total > 1 else 0)
