"""What the loaders of other programs hold of a data set. Runs in their Python, and knows nothing of the package.

Arguments: program, its checkout (``-`` if it is installed), the folder of the data set. Prints JSON of ``{split: {part:
{clip: [rows, labels]}}}``: the first two values of each row, and the label that the program gives it, "" for none.
"""

import contextlib
import importlib
import json
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Held = dict[str, dict[str, tuple[list[list[float]], list[str]]]]


def batches(folder: Path, split: int) -> Held:
    """MS-TCN and ASFormer, by their own generator of batches of one clip."""
    import builtins

    # Python 2's `map` was a list, which its generator counts on.
    builtins.map = lambda *args: [args[0](*one) for one in zip(*args[1:])]  # type: ignore[assignment,misc] # noqa: B905
    from batch_gen import BatchGenerator  # type: ignore[import-not-found]

    names = [line.split() for line in (folder / "mapping.txt").read_text().splitlines()]
    numbers = {name: int(number) for number, name in names}
    labels = {number: "" if name == "background" else name for name, number in numbers.items()}
    held: Held = {}
    for part in ("train", "test"):
        generator = BatchGenerator(len(numbers), numbers, f"{folder}/groundTruth/", f"{folder}/features/", 1)
        generator.read_data(str(folder / "splits" / f"{part}.split{split}.bundle"))
        held[part] = {}
        while generator.has_next():
            name = generator.list_of_examples[generator.index].split(".")[0]
            rows, targets, mask, *_ = generator.next_batch(1)
            assert mask.all()
            held[part][name] = rows[0, :2].T.tolist(), [labels[one] for one in targets[0].tolist()]
    return held


def needed_elsewhere(module: str) -> None:
    """Let the program import a module that its data sets do not use, if it is not installed."""
    try:
        importlib.import_module(module)
    except ImportError:
        sys.modules[module] = types.ModuleType(module)


def points(segments: Any, labels: Any, count: int, names: list[str]) -> list[str]:
    """Return the label of each point of the grid: that of the segment that it is strictly inside of."""
    found = [""] * count
    for (start, stop), label in zip(segments, labels, strict=True):
        for at in range(count):
            if start < at < stop:
                assert not found[at]
                found[at] = names[int(label)]
    return found


def actionformer(folder: Path, split: int) -> Held:
    """ActionFormer, by its own data set, as in training but not cropped, and as in validation."""
    needed_elsewhere("nms_1d_cpu")
    from libs.core import load_config  # type: ignore[import-not-found]
    from libs.datasets import make_dataset  # type: ignore[import-not-found]

    config = load_config(str(folder / f"split{split}.yaml"))
    settings = {**config["dataset"], "json_file": str(folder / f"split{split}.json")}
    settings |= {"feat_folder": str(folder / "features"), "crop_ratio": None}
    held: Held = {}
    for part, training in (("train", True), ("val", False)):
        data = make_dataset(config["dataset_name"], training, config[f"{part}_split"], **settings)
        names = sorted(data.label_dict, key=data.label_dict.get)
        held[part] = {}
        for one in data:
            rows = one["feats"][:2].T.tolist()
            segments = [] if one["segments"] is None else one["segments"].tolist()
            labels = [] if one["labels"] is None else one["labels"].tolist()
            held[part][one["video_id"]] = rows, points(segments, labels, len(rows), names)
    return held


def opentad(folder: Path, split: int) -> Held:
    """OpenTAD, by its own data set and pipeline; the random crop is left out."""
    needed_elsewhere("torchvision")
    from mmengine.config import Config  # type: ignore[import-not-found]
    from opentad.datasets import build_dataset  # type: ignore[import-not-found]

    config = Config.fromfile(str(folder / f"split{split}.py"))
    held: Held = {}
    for part in ("train", "val"):
        settings = config.dataset[part]
        settings.pipeline = [step for step in settings.pipeline if step.type != "RandomTrunc"]
        data = build_dataset(settings, default_args={"logger": None})
        held[part] = {}
        for one in (data[at] for at in range(len(data))):
            rows = one["inputs"][:2].T.tolist()
            labels = points(one["gt_segments"].tolist(), one["gt_labels"].tolist(), len(rows), data.class_map)
            held[part][one["metas"]["video_name"]] = rows, labels
    return held


def lightning_action(folder: Path, split: int) -> Held:
    """lightning-action, by its own data set; the margins of sequences are removed as its network does."""
    import yaml  # type: ignore[import-untyped]
    from lightning_action.data import DataModule  # type: ignore[import-not-found]
    from lightning_action.models.segmenter import Segmenter  # type: ignore[import-not-found]
    from lightning_action.train import build_data_config_from_path  # type: ignore[import-not-found]

    config = yaml.safe_load((folder / f"split{split}.yaml").read_text())
    training, held = config["training"], {}
    network = Segmenter(config)
    for part, ids in (("train", config["data"]["expt_ids"]), ("held_back", config["held_back"])):
        paths = build_data_config_from_path(folder, ids, ["features", "labels"], config["data"]["transforms"])
        module = DataModule(
            paths, training["sequence_length"], training["sequence_pad"], training["batch_size"], num_workers=1,
            train_probability=training["train_probability"], val_probability=training["val_probability"],
        )  # fmt: skip
        names = module.get_label_names()
        held[part] = {one: ([], []) for one in ids}
        for sequence in module.dataset:
            rows, labels = held[part][sequence["dataset_id"]]
            own = network._remove_padding(sequence["input"][None])[0, :, :2].tolist()
            numbers = network._remove_padding(sequence["labels"][None])[0].argmax(-1).tolist()
            kept = [at for at, number in enumerate(numbers) if number != config["data"]["ignore_index"]]
            rows += [own[at] for at in kept]
            labels += ["" if names[numbers[at]] == "background" else names[numbers[at]] for at in kept]
    return held


LOADERS = {
    "ms-tcn": batches,
    "asformer": batches,
    "actionformer": actionformer,
    "opentad": opentad,
    "lightning-action": lightning_action,
}


def _splits(folder: Path) -> Iterator[int]:
    description = json.loads((folder / "dataset.json").read_text())
    yield from sorted({one["split"] for one in description["clips"].values()})


def main() -> None:
    program, checkout, folder = sys.argv[1:]
    if checkout != "-":
        sys.path.insert(0, checkout)
        os.chdir(checkout)
    with contextlib.redirect_stdout(sys.stderr):
        held = {split: LOADERS[program](Path(folder), split) for split in _splits(Path(folder))}
    print(json.dumps(held))


if __name__ == "__main__":
    main()
