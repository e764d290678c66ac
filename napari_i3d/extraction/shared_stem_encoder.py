"""Encode chunks with the form of the network that computes the shared stem of overlapping chunks once."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch

from napari_i3d.backbones.i3d.fused_conv import Placement
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.shared_stem import CENTERS, ChunkForm, Steps
from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.chunk_encoder import ChunkBatch
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.crops import views
from napari_i3d.extraction.device import BatchRunner, Device
from napari_i3d.extraction.planning.chunks import TrackletChunks
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id

_LAST_OFFSET = CENTERS[-1][0]


@dataclass(frozen=True, eq=False)
class _Center:
    """The time steps to compute around a frame of a view."""

    view: "_View"
    frame: int
    steps: Steps
    frames: list[torch.Tensor | None]  # from two before to two after

    @property
    def still(self) -> torch.Tensor | None:
        """The one image that all frames are, if they are."""
        first, *others = (frame for frame in self.frames if frame is not None)
        return first if all(other is first for other in others) else None


@dataclass(frozen=True, eq=False)
class _Still:
    """The time steps, pooled, around a frame that is the same image as those around it."""

    image: torch.Tensor
    pooled: dict[Steps, torch.Tensor] = field(default_factory=dict)


@dataclass(eq=False)
class _View:
    """One view of a tracklet: the frames that centers still need, and the time steps of incomplete chunks.

    A chunk has two time steps after the first max pool; each is the maximum of two before it, in any order.
    """

    chunks: TrackletChunks
    _frames: dict[int, torch.Tensor] = field(default_factory=dict)
    _halves: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    _still: dict[Steps, _Still] = field(default_factory=dict)  # the last one of each kind, while the frames are still

    def add(self, frame: int, image: torch.Tensor) -> list[_Center]:
        """Add a frame; return the centers that now have all their frames."""
        self._frames = {number: kept for number, kept in self._frames.items() if number >= frame - 4}
        if self._still and image is not self._frames.get(max(self._frames, default=frame)):
            self._still.clear()
        self._frames[frame] = image
        ready = []
        for center in (frame - 2, frame - 1):
            steps = self._steps_around(center)
            # A last step needs no second frame after its center, which a tracklet's end does not have.
            if steps and frame - center == (1 if steps == Steps.LAST else 2):
                frames = [self._frames.get(number) for number in range(center - 2, center + 3)]
                ready.append(_Center(self, center, steps, frames))
        return ready

    def _steps_around(self, center: int) -> Steps:
        steps = Steps(0)
        for offset, step in CENTERS:
            if self.chunks.has_start(center - offset):
                steps |= step
        return steps

    def still(self, steps: Steps, image: torch.Tensor) -> tuple[_Still, bool]:
        """Return the time steps around frames that are all one image, and whether they are still to be computed."""
        known = self._still.get(steps)
        if known is not None and known.image is image:
            return known, False
        self._still[steps] = _Still(image)
        return self._still[steps], True

    def take(self, center: int, step: Steps, pooled: torch.Tensor) -> None:
        """Add a time step, (64, h, w), to the chunks that contain it."""
        for offset, kind in CENTERS:
            if kind == step and self.chunks.has_start(center - offset):
                half = center - offset, offset // 4
                known = self._halves.get(half)
                if known is None:
                    self._halves[half] = pooled.clone()
                else:
                    torch.maximum(known, pooled, out=known)

    def give(self, start: int) -> list[torch.Tensor]:
        """Pop both halves, (64, h, w) each, of the chunk that starts at a frame."""
        return [self._halves.pop((start, half)) for half in (0, 1)]


@dataclass(frozen=True, eq=False)
class _Chunk:
    """A chunk with all its time steps."""

    name: tuple[Id, int]
    views: list[list[torch.Tensor]]


class SharedStemEncoder:
    """Collects crops into time steps, these into chunks, and chunks into batches.

    Each view of an active tracklet holds 5 frames and about 10 time steps, 11 MB in all.

    Parameters
    ----------
    network
        The plain network; it is not modified.
    settings
        Batch size, sample mode, device and precision.
    """

    def __init__(self, network: I3DResNet50, settings: ExtractionSettings) -> None:
        self._device = Device(settings)
        self._mode = settings.sample_mode
        self._batch_size = settings.batch_size
        self.form = ChunkForm(network, Placement(self._device.torch, self._device.dtype))
        self._stem_parts = BatchRunner(self.form.part(settings.batch_size))
        self._parts = BatchRunner(settings.batch_size)
        self._start()

    def _start(self) -> None:
        self._views: dict[Id, list[_View]] = {}
        self._images: dict[Id, tuple[torch.Tensor, list[torch.Tensor]]] = {}  # the last crop, and its views
        self._repeats: set[tuple[Id, int]] = set()  # first frames of chunks that are not to be computed
        self._complete: list[_Chunk] = []

    @property
    def device(self) -> str:
        """What computes: ``"cpu"``, ``"cuda:0"``."""
        return str(self._device.torch)

    def another(self) -> "SharedStemEncoder":
        """Return an encoder that holds no crops, and shares the network."""
        other = copy.copy(self)
        other._start()
        return other

    def add(self, arrivals: Sequence[FrameCrop]) -> Iterator[ChunkBatch]:
        """Take crops, in the order of frames; yield the features of each full batch of chunks."""
        centers = [center for arrival in arrivals for center in self._arrive(arrival)]
        by_steps = sorted(centers, key=lambda center: center.steps.value)
        for steps, alike in groupby(by_steps, key=lambda center: center.steps):
            self._compute_steps(steps, list(alike))
        for center in centers:
            together = self._views[center.view.chunks.id]
            if Steps.LAST in center.steps and center.view is together[0]:
                self._complete_chunk(center.frame - _LAST_OFFSET, together)
        for arrival in arrivals:
            if arrival.frame == arrival.chunks.last_needed:
                del self._views[arrival.chunks.id], self._images[arrival.chunks.id]
        while len(self._complete) >= self._batch_size:
            batch, self._complete = self._complete[: self._batch_size], self._complete[self._batch_size :]
            yield from self._batches(batch)

    def finish(self) -> Iterator[ChunkBatch]:
        """Yield the features of the chunks that are waiting."""
        batch, self._complete = self._complete, []
        yield from self._batches(batch)

    def _arrive(self, arrival: FrameCrop) -> Iterator[_Center]:
        individual = arrival.chunks.id
        crop, images = self._images.get(individual, (None, []))
        if crop is not arrival.crop:
            images = list(views(self._device.take(arrival.crop), self._mode))
            self._images[individual] = arrival.crop, images
        if arrival.repeats:
            self._repeats.add((individual, arrival.frame - I3D.chunk_frames + 1))
        if individual not in self._views:
            self._views[individual] = [_View(arrival.chunks) for _ in images]
        for view, image in zip(self._views[individual], images, strict=True):
            yield from view.add(arrival.frame, image)

    def _compute_steps(self, steps: Steps, centers: list[_Center]) -> None:
        def work(some: Sequence[_Center]) -> dict[Steps, torch.Tensor]:
            return self.form.pooled_steps(steps, [center.frames for center in some])

        fresh: list[_Center] = []
        computed: dict[_Center, _Still] = {}  # to keep for others
        known: list[tuple[_Center, _Still]] = []
        for center in centers:
            image = center.still
            still, is_new = (None, True) if image is None else center.view.still(steps, image)
            if is_new:
                fresh.append(center)
            if still is not None and is_new:
                computed[center] = still
            elif still is not None:
                known.append((center, still))
        with self._device.computing():
            for some, pooled in self._stem_parts.run(fresh, work):
                for step, images in pooled.items():
                    for center, image in zip(some, images, strict=True):
                        center.view.take(center.frame, step, image)
                        if center in computed:
                            computed[center].pooled[step] = image.clone()
            for center, still in known:
                for step, image in still.pooled.items():
                    center.view.take(center.frame, step, image)

    def _complete_chunk(self, start: int, views: list[_View]) -> None:
        chunks = views[0].chunks
        halves = [view.give(start) for view in views]
        if (chunks.id, start) in self._repeats:
            self._repeats.remove((chunks.id, start))
        else:
            self._complete.append(_Chunk((chunks.id, chunks.number_of(start)), halves))

    def _batches(self, chunks: Sequence[_Chunk]) -> Iterator[ChunkBatch]:
        for some, rows in self._parts.run(chunks, self._rows):
            yield ChunkBatch(tuple(chunk.name for chunk in some), rows.cpu().numpy())

    def _rows(self, chunks: Sequence[_Chunk]) -> torch.Tensor:
        with self._device.computing():
            by_view = zip(*(chunk.views for chunk in chunks), strict=True)
            answers = [self.form.features(_stacked(halves)) for halves in by_view]
            return torch.stack(answers).mean(dim=0)


def _stacked(chunks: Sequence[list[torch.Tensor]]) -> torch.Tensor:
    """Concatenate the halves of chunks and apply ReLU: (B, 128, h, w), channels-last."""
    like = chunks[0][0]
    channels, height, width = like.shape
    size = (len(chunks), 2 * channels, height, width)
    pooled = torch.empty(size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)
    for target, (earlier, later) in zip(pooled, chunks, strict=True):
        torch.clamp(earlier, min=0, out=target[:channels])
        torch.clamp(later, min=0, out=target[channels:])
    return pooled
