"""Backbones, the networks that compute features, as data. Loads no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Backbone:
    """The constants of a network.

    Attributes
    ----------
    name
        Name of the network, also of its published weights.
    chunk_frames, frame_stride
        Number of frames of a chunk, and the distance between them in frames of the video.
    input_px
        Width and height of the crops.
    width
        Number of features of a chunk.
    mean, std
        Normalization in training: ``(x - mean) / std`` of RGB values from 0 to 255, the same for each channel.
    license
        License of the published weights.
    """

    name: str
    chunk_frames: int
    frame_stride: int
    input_px: int
    width: int
    mean: float
    std: float
    license: str

    @property
    def chunk_center(self) -> float:
        """Distance of a chunk's center from its first frame, in frames of the video."""
        return (self.chunk_frames - 1) * self.frame_stride / 2


I3D = Backbone(
    name="i3d_r50_kinetics",
    chunk_frames=8,
    frame_stride=1,
    input_px=224,
    width=2048,
    mean=114.75,
    std=57.375,
    license="CC-BY-NC 4.0",
)
