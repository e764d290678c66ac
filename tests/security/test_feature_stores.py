"""A stranger's store of features is opened rightly or refused, whatever it holds."""

import os
import random
import shutil

import pytest

from helpers.hostile.broken_pickles import damaged
from helpers.hostile.hostile_features import features
from helpers.hostile.hostile_stores import STORES, honest_store
from helpers.hostile.witness import Witness, many
from napari_i3d.features.io.store import FACTS_NAME


@pytest.mark.parametrize("name", STORES)
def test_store_that_lies_is_refused(name: str, features_witness: Witness):
    folder = honest_store(features_witness.folder / "lying.features")
    assert features_witness.read(folder, "honest")["result"]
    STORES[name](folder)
    try:
        text = features_witness.refuse(folder, name)
    finally:
        shutil.rmtree(folder)
        (folder.with_name("outside")).unlink(missing_ok=True)
    assert text.startswith("lying.features")


def test_honest_store_is_read_whole(features_witness: Witness):
    folder = honest_store(features_witness.folder / "honest.features")
    (folder / ".DS_Store").write_bytes(b"of the system")
    said = features_witness.read(folder, "honest")
    assert {key: value[:2] for key, value in said["result"].items()} == {
        repr(key): list(rows.shape) for key, rows in features().items()
    }


@pytest.mark.parametrize("seeds", many("facts", 60, 3000))
def test_damaged_facts_are_refused(seeds: range, features_witness: Witness):
    folder = honest_store(features_witness.folder / "damaged.features")
    whole = (folder / FACTS_NAME).read_bytes()
    refused = 0
    for seed in seeds:
        data = damaged(whole, random.Random(seed))
        (folder / FACTS_NAME).write_bytes(data)
        said = features_witness.read(folder, f"seed {seed}")
        refused += bool(said["error"])
    assert refused > len(seeds) * 0.8


def test_folder_that_is_a_link_is_followed(features_witness: Witness):
    folder = honest_store(features_witness.folder / "real.features")
    link = features_witness.folder / "linked.features"
    link.symlink_to(folder)
    assert features_witness.read(link, "link")["result"]


def test_pipe_with_the_name_of_a_store_is_refused(features_witness: Witness):
    path = features_witness.folder / "pipe.features"
    os.mkfifo(path)
    features_witness.refuse(path, "pipe")
