"""Rows and labels that DLC2Action's own loaders put together. Runs in the Python that has DLC2Action.

Arguments: folder of features and labels, names of the pieces. Prints JSON of {piece: {individual: {"rows": the first
value of each row, "labels": {behavior: 0 or 1 for each row}}}}.
"""

import contextlib
import importlib.util
import json
import sys
import tempfile
from unittest.mock import MagicMock


def main() -> None:
    for name in ("torchvision", "cv2"):  # of its networks, which are not used here
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = MagicMock()
    import numpy as np
    import torch
    from dlc2action import options  # type: ignore[import-not-found]  # noqa: F401 - first, as its modules import it
    from dlc2action.data.annotation_store import DLC2ActionStore  # type: ignore[import-not-found]
    from dlc2action.data.input_store import LoadedFeaturesInputStore  # type: ignore[import-not-found]

    folder, *names = sys.argv[1:]
    found: dict[str, dict[str, dict[str, object]]] = {}
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as trimmed:
        torch.set_num_threads(1)
        inputs = LoadedFeaturesInputStore(
            video_order=names,
            data_path={folder},
            feature_suffix={".npy"},
            feature_save_path=trimmed,
            len_segment=32,
            num_cpus=1,
        )
        rows: dict[str, list[float]] = {}
        for number, (clip, _) in enumerate(inputs.get_original_coordinates()):
            rows.setdefault(clip, []).extend(inputs[number]["loaded"][0].tolist())
        for name in names:
            own = inputs.get_annotation_objects()
            store = DLC2ActionStore(
                video_order=[name],
                min_frames=own["min_frames"],
                max_frames=own["max_frames"],
                visibility=own["visibility"],
                exclusive=False,
                len_segment=32,
                annotation_suffix={"_annotation.pickle"},
                annotation_path={folder},
                visibility_min_score=0,
                visibility_min_frac=0,
                ignored_clips=set(),
                ignored_classes=set(),
                correction={},
            )
            labels = store._generate_annotation(store._open_annotations(f"{folder}/{name}_annotation.pickle"), name)
            found[name] = {}
            for clip, table in labels.items():
                individual = clip.split("---")[1]
                count = own["max_frames"][name][individual] - own["min_frames"][name][individual] + 1
                found[name][individual] = {
                    "rows": rows[clip][:count],
                    "labels": {
                        behavior: np.asarray(row).astype(int).tolist()
                        for behavior, row in zip(store.behaviors, table, strict=True)
                    },
                }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
