"""What travels between the parts of an extraction."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_i3d.extraction.segments import Segment
from napari_i3d.extraction.windows import TrackletWindows
from napari_i3d.features.model import Id


@dataclass(frozen=True, eq=False)
class Arrival:
    """A frame of a tracklet, cropped.

    Attributes
    ----------
    windows
        The tracklet's chunks; one or more of them hold the frame.
    frame
        Its number.
    crop : (3, H, W) float32
        From `Cropper.crop`.
    """

    windows: TrackletWindows
    frame: int
    crop: torch.Tensor


@dataclass(frozen=True, eq=False)
class Portion:
    """Some crops of a segment, in the order of frames; `last`: the segment needs no more."""

    segment: Segment
    arrivals: tuple[Arrival, ...]
    last: bool


@dataclass(frozen=True, eq=False)
class ChunkBatch:
    """Features of some chunks.

    Attributes
    ----------
    chunks
        Individual and number of each chunk.
    rows : (B, 2048) float32
        Features in the same order.
    """

    chunks: tuple[tuple[Id, int], ...]
    rows: NDArray[np.float32]


@dataclass(frozen=True)
class Progress:
    """How many of the chunks have their features."""

    done_chunks: int
    total_chunks: int
