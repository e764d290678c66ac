"""Corrects boxes in a viewer twice a second until it is killed: a process of its own.

Arguments: video, seconds. Prints the number of corrections and the time after each.
"""

import sys
import time
from pathlib import Path

from qtpy.QtWidgets import QApplication

from napari_i3d import view
from napari_i3d.plugin.context import get_session


def main(video: Path, seconds: float) -> None:
    viewer = view(video)
    tracked = get_session(viewer).active
    name = next(iter(tracked.tracking))
    end, count, corrected_s = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() - corrected_s > 0.5:
            corrected_s, count = time.monotonic(), count + 1
            tracked.editor.set_box(name, 5, (count, 0, count + 10, 10))
            print("corrected", count, time.monotonic(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
