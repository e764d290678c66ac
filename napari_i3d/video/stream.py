"""ffmpeg options for an opened file: path, stream, frame size, and where decoding starts."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.process import input_arguments, map_arguments, output_arguments, stalled
from napari_i3d.video.frame_index import FrameIndex


@dataclass(frozen=True)
class Source:
    """A video stream of a file, with the file's size in bytes and modification time when it was opened."""

    path: Path
    stream_index: int
    width_px: int
    height_px: int
    stat: tuple[int, int]
    decoder_options: tuple[str, ...] = ()

    @property
    def output(self) -> list[str]:
        """Options to output each decoded frame once, as RGB bytes."""
        return output_arguments(self.stream_index, self.width_px, self.height_px)

    @property
    def frames(self) -> list[str]:
        """Options to output each decoded frame once, in its decoded format."""
        return [*map_arguments(self.stream_index), "-fps_mode", "passthrough"]

    def input(self, index: FrameIndex, key: int | None) -> list[str]:
        """Return the options to open the file at key frame `key`, or at its start (None).

        Raises
        ------
        VideoError
            The file has changed since it was opened.
        """
        if file_stat(self.path) != self.stat:
            raise VideoError(
                f"{format_path(self.path.name)}: has changed or gone since it was opened", hint="open it again"
            )
        seek: list[str] = []
        if key is not None:
            time_s = int(index.names[key]) * index.time_base if index.by_time else Fraction(float(index.times_s[key]))
            # Rounded up: even a microsecond before a key frame, ffmpeg seeks to the one before, perhaps far away.
            seek = ["-seek_timestamp", "1", "-ss", f"{math.ceil(time_s * 1_000_000) / 1_000_000:.6f}"]
        return [*seek, *self.decoder_options, "-noaccurate_seek", "-copyts", *input_arguments(self.path)]

    def stalled(self) -> VideoError:
        """Return the error for a stalled ffmpeg."""
        return stalled(self.path)

    def damaged(self, number: int, index: FrameIndex, reason: str) -> VideoError:
        """Return the error for a damaged frame."""
        time_s = float(index.times_s[number])
        reason = " ".join(reason.split())[:200]
        return VideoError(
            f"{format_path(self.path.name)}: damaged at frame {number} ({time_s:.2f} s): {reason}; "
            "frames before it can be read",
            hint="re-encode or repair the file",
        )


def file_stat(path: Path) -> tuple[int, int]:
    """Return size in bytes and modification time in ns; -1, -1 if there is no file."""
    try:
        stat = path.stat()
    except (OSError, ValueError):  # ValueError: an invalid name
        return -1, -1
    return stat.st_size, stat.st_mtime_ns
