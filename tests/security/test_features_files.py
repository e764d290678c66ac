"""A stranger's features file, or the facts beside it, are read rightly or refused, whatever they hold."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.hostile.broken_pickles import broken, damaged
from helpers.hostile.greedy_pickles import GREEDY
from helpers.hostile.hostile_features import FACTS, NO_FEATURES, features, honest, told
from helpers.hostile.hostile_pickles import call
from helpers.hostile.witness import Witness, many
from napari_i3d._utils.files import sha256_of
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import export_features
from napari_i3d.features.io.writing import write_features


@pytest.mark.parametrize("name", NO_FEATURES)
def test_file_that_lies_is_refused(name: str, features_witness: Witness):
    ending, data = NO_FEATURES[name]
    features_witness.refuse_all(ending, [(data, name)])


@pytest.mark.parametrize("name", FACTS)
def test_facts_that_lie_are_refused(name: str, features_witness: Witness):
    path = features_witness.folder / "told.npy"
    write_features(path, features())
    facts = path.with_name("told.npy.json")
    facts.write_bytes(told(facts.read_bytes(), name))
    text = features_witness.refuse(path, name)
    assert text.startswith("told.npy.json: ")


@pytest.mark.parametrize("seeds", many("damage", 60, 4000))
def test_damaged_file_with_facts_is_refused(seeds: range, features_witness: Witness):
    path = features_witness.folder / "known.npy"
    write_features(path, features())
    whole = path.read_bytes()
    for seed in seeds:
        data = damaged(whole, random.Random(seed))
        path.write_bytes(data)
        if data == whole:
            features_witness.read(path, f"seed {seed}")
        else:
            features_witness.refuse(path, f"seed {seed}")


@pytest.mark.parametrize("seeds", many("alone", 150, 6000))
def test_damaged_file_alone_is_read_or_refused(seeds: range, features_witness: Witness):
    read = 0
    for seed in seeds:
        rng = random.Random(seed)
        ending, data = honest(rng)
        path = features_witness.folder / f"alone{ending}"
        path.write_bytes(damaged(data, rng) if seed % 10 else data)
        said = features_witness.read(path, f"seed {seed}: {ending}")
        assert seed % 10 or len(said["result"]) == 2, f"seed {seed}: {said['error']}"
        read += bool(seed % 10 and said["result"])
    assert read > len(seeds) // 50  # damaged ones


@pytest.mark.parametrize("seeds", many("pickles", 60, 3000))
@pytest.mark.parametrize("ending", [".pickle", ".npy"])
def test_hostile_pickle_is_refused(ending: str, seeds: range, features_witness: Witness):
    path = features_witness.folder / f"case{ending}"
    head = b"" if ending == ".pickle" else NO_FEATURES["object that is a number"][1][:-5]
    for seed in seeds:
        data, case = call(seed, features_witness.canary) if seed % 2 else broken(seed)
        path.write_bytes(head + data)
        said = features_witness.read(path, case)
        assert said["error"] or not seed % 2, f"{case}: read as {said['result']}"


@pytest.mark.parametrize("name", GREEDY)
@pytest.mark.nightly
def test_greedy_pickle_takes_neither_time_nor_memory(name: str, features_witness: Witness):
    features_witness.refuse_all(".pkl", [(GREEDY[name], name)])


def test_pipe_and_folder_are_refused(features_witness: Witness):
    for name in ("pipe.npy", "pipe.npz", "pipe.pickle"):
        os.mkfifo(features_witness.folder / name)
        features_witness.refuse(features_witness.folder / name, name)
    path = features_witness.folder / "folder.npy"
    path.mkdir()
    features_witness.refuse(path, "folder")


def test_facts_that_are_no_file_are_left_alone(features_witness: Witness):
    path = features_witness.folder / "pipe_beside.npy"
    write_features(path, features())
    facts = Path(f"{path}.json")
    facts.unlink()
    os.mkfifo(facts)
    assert features_witness.read(path, "pipe beside it")["result"]


def _entry(values: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], tuple[Any, np.ndarray]]:
    return lambda facts, rows: (facts | {"individuals": [facts["individuals"][0] | values]}, rows)


BARE: dict[str, Callable[[dict[str, Any], np.ndarray], tuple[Any, np.ndarray]]] = {
    "no facts": lambda facts, rows: ([], rows),
    "two individuals": lambda facts, rows: (facts | {"individuals": facts["individuals"] * 2}, rows),
    "nobody": lambda facts, rows: (facts | {"individuals": []}, rows),
    "layout of others": lambda facts, rows: (facts | {"layout": "dict"}, rows),
    "layout of a list": lambda facts, rows: (facts | {"layout": ["ms-tcn"]}, rows),
    "id of a list": _entry({"id": ["a"]}),
    "rows of text": _entry({"rows": "12"}),
    "rows without end": _entry({"rows": 10**15}),
    "frames too few": _entry({"frames": [1.0]}),
    "whole numbers": lambda facts, rows: (facts, rows.astype(np.int32)),
    "three axes": lambda facts, rows: (facts, rows[None]),
    "no values": lambda facts, rows: (facts, rows[:, :0] if facts["layout"] == "actionformer" else rows[:0]),
    "other way round": lambda facts, rows: (facts, np.ascontiguousarray(rows.T)),
}  # fmt: skip
"""What is done to the facts and the array of an individual's file for another program."""


@pytest.mark.parametrize("layout", ["ms-tcn", "actionformer"])
def test_arrays_that_do_not_fit_their_facts_are_refused(layout: str, features_witness: Witness):
    path = features_witness.folder / "bare.npy"
    (made,) = export_features(path, Features({"": next(iter(features().values()))}), layout)
    facts_path = Path(f"{made}.json")
    facts, rows = json.loads(facts_path.read_bytes()), np.load(made)
    assert features_witness.read(made, "honest")["result"]
    for name, change in BARE.items():
        changed, array = change(facts, rows)
        np.save(made, array)
        stated = changed if isinstance(changed, list) else changed | {"sha256": sha256_of(made)}
        facts_path.write_text(json.dumps(stated))
        features_witness.refuse(made, f"{layout}, {name}")
    content = bytearray(made.read_bytes())
    huge = bytes(content).replace(b"'shape': (", b"'shape': (9", 1)
    made.write_bytes(huge)
    facts_path.write_text(json.dumps(facts | {"sha256": sha256_of(made)}))
    features_witness.refuse(made, f"{layout}, a huge shape")
