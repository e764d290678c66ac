"""Labels in a viewer, and swaps the animals, four times a second until it is killed: a process of its own.

Arguments: video, seconds. Prints the number of steps, the time, the bouts and the boxes' checksum after each.
"""

import json
import sys
import time
from pathlib import Path

from qtpy.QtWidgets import QApplication

from napari_i3d import view
from napari_i3d.annotations.editing.ethogram_edits import AddBehavior
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.plugin.context import get_session
from napari_i3d.tracking.content import content_sha256


def main(video: Path, seconds: float) -> None:
    viewer = view(video)
    tracked = get_session(viewer).active
    one, other = list(tracked.tracking)[:2]
    tracked.labels.editor.do(AddBehavior(Behavior("walk", "w")))
    end, count, edited_s = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() - edited_s > 0.25:
            edited_s, count = time.monotonic(), count + 1
            if count % 4 == 0:
                tracked.editor.swap(one, other, 5)
            else:
                tracked.labels.editor.add(one, "walk", count % 15, count % 15 + 2)
            bouts = [str(bout) for bout in tracked.labels.annotation.bouts]
            state = [len(tracked.history.steps), time.monotonic(), bouts, content_sha256(tracked.tracking)]
            print("labelled", json.dumps(state), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
