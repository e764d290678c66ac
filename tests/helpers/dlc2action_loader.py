"""Frames that DLC2Action's own loader labels. Runs in the Python that has DLC2Action, and knows nothing of the package.

Arguments: folder, video, number of frames, first frame of the features, individuals. Reads the file
``{video}_annotation.pickle``, and prints JSON of {individual: {behavior: [[start, stop], ...]}} with the number of
unlabelled frames under "-100".
"""

import contextlib
import json
import sys


def main() -> None:
    import numpy as np
    from dlc2action.data.annotation_store import DLC2ActionStore  # type: ignore[import-not-found]

    folder, video, count, low, *individuals = sys.argv[1:]
    first, last = int(low), int(count) - 1
    with contextlib.redirect_stdout(sys.stderr):
        store = DLC2ActionStore(
            video_order=[video],
            min_frames={video: dict.fromkeys(individuals, first)},
            max_frames={video: dict.fromkeys(individuals, last)},
            exclusive=False,
            len_segment=last + 1 - first,
            annotation_suffix={"_annotation.pickle"},
            annotation_path={folder},
            visibility_min_score=0,
            visibility_min_frac=0,
            ignored_clips=set(),
            ignored_classes=set(),
            correction={},
        )
        times = store._open_annotations(f"{folder}/{video}_annotation.pickle")
        labels = store._generate_annotation(times, video)
    found: dict[str, dict[str, object]] = {}
    for name, table in labels.items():
        own: dict[str, object] = {"-100": int((table == -100).all(axis=0).sum())}
        for behavior, row in zip(store.behaviors, table, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], row == 1, [0]])))
            own[behavior] = [[int(a) + first, int(b) + first] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        found[name.split("---")[1]] = own
    print(json.dumps(found))


if __name__ == "__main__":
    main()
