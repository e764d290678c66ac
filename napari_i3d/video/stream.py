"""The opened file as ffmpeg is told of it: path, stream, image size, and where decoding shall start."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from napari_i3d._utils.text import label
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.process import input_arguments, map_arguments, output_arguments, stalled
from napari_i3d.video.frame_index import FrameIndex


@dataclass(frozen=True)
class Source:
    """A stream of a file: its image size, what its decoder must be told, and the file's size and age when opened."""

    path: Path
    stream_index: int
    width_px: int
    height_px: int
    stat: tuple[int, int]
    decoder_options: tuple[str, ...] = ()

    @property
    def output(self) -> list[str]:
        """Options that give each decoded frame of the stream once, as RGB bytes."""
        return output_arguments(self.stream_index, self.width_px, self.height_px)

    @property
    def frames(self) -> list[str]:
        """Options that give each decoded frame of the stream once, as it was decoded."""
        return [*map_arguments(self.stream_index), "-fps_mode", "passthrough"]

    def input(self, index: FrameIndex, key: int | None) -> list[str]:
        """Return the options that open the file at key frame `key`, or at its start.

        Raises
        ------
        VideoError
            The file is not the one that was opened.
        """
        if file_stat(self.path) != self.stat:
            raise VideoError(f"{label(self.path.name)}: has changed or gone since it was opened; open it again")
        seek: list[str] = []
        if key is not None:
            time_s = int(index.names[key]) * index.time_base if index.by_time else Fraction(float(index.times_s[key]))
            # Rounded up: a microsecond before a key frame belongs to the one before, which may be far away.
            seek = ["-seek_timestamp", "1", "-ss", f"{math.ceil(time_s * 1_000_000) / 1_000_000:.6f}"]
        return [*seek, *self.decoder_options, "-noaccurate_seek", "-copyts", *input_arguments(self.path)]

    def stalled(self) -> VideoError:
        """Return the error for an ffmpeg that says nothing for too long."""
        return stalled(self.path)

    def damaged(self, number: int, index: FrameIndex, reason: str) -> VideoError:
        """Return the error that names the damaged frame."""
        advice = "frames before it can be read; re-encode or repair the file"
        time_s = float(index.times_s[number])
        reason = " ".join(reason.split())[:200]
        return VideoError(f"{label(self.path.name)}: damaged at frame {number} ({time_s:.2f} s): {reason}; {advice}")


def file_stat(path: Path) -> tuple[int, int]:
    """Return size in bytes and time of change in ns, by which a file is known again; -1, -1 where there is none."""
    try:
        stat = path.stat()
    except (OSError, ValueError):  # ValueError: a name that cannot be one
        return -1, -1
    return stat.st_size, stat.st_mtime_ns
