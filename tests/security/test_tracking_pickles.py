"""A stranger's tracking file runs no code, takes neither time nor memory, and is read rightly or refused."""

import io
import pickle
import pickletools
import random
import zlib
from pathlib import Path
from typing import Any

import pytest

from helpers.hostile.broken_pickles import PROTOCOLS, broken, damaged, honest, plain
from helpers.hostile.greedy_pickles import GREEDY
from helpers.hostile.hostile_pickles import call, functions
from helpers.hostile.witness import Witness, many
from napari_i3d.errors import NapariI3DError
from napari_i3d.tracking.tracklets import Tracking


class _PlainUnpickler(pickle.Unpickler):
    """The unpickler of the standard library, for pickles that name nothing."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(name)


@pytest.mark.parametrize("seeds", many("calls", 150, 6000))
def test_call_by_any_instruction_anywhere_is_refused(seeds: range, tracking_witness: Witness):
    tracking_witness.refuse_all(".pickle", (call(seed, tracking_witness.canary) for seed in seeds))


@pytest.mark.parametrize(
    "function", functions("canary"), ids=lambda function: ".".join(function[:2]).replace("\n", " ")
)
def test_every_function_is_refused_by_name(function: tuple[str, str, list[str]], tmp_path: Path):
    from napari_i3d.tracking.io.box_pickle import read_tracking

    module, name, _ = function
    path = tmp_path / "a.pickle"
    path.write_bytes(f"}}c{module}\n{name}\nN.".encode())
    with pytest.raises(NapariI3DError, match=r"asks for|not a whole pickle"):
        read_tracking(path)


@pytest.mark.parametrize("seeds", many("broken", 200, 8000))
def test_broken_pickle_is_read_or_refused(seeds: range, tracking_witness: Witness):
    assert tracking_witness.read_all(".pickle", map(broken, seeds)) > 0


@pytest.mark.parametrize("name", GREEDY)
def test_greedy_pickle_takes_neither_time_nor_memory(name: str, tracking_witness: Witness):
    tracking_witness.refuse_all(".pickle", [(GREEDY[name], name)])


@pytest.mark.parametrize("seeds", many("damage", 150, 4000))
def test_damaged_pickle_reads_as_standard_library_reads_it(seeds: range, tracking_witness: Witness):
    path = tracking_witness.folder / "case.pickle"
    read = 0
    for seed in seeds:
        rng = random.Random(seed)
        data = damaged(pickle.dumps(plain(rng), rng.choice(PROTOCOLS)), rng)
        path.write_bytes(data)
        said = tracking_witness.read(path, f"seed {seed}")
        if said["result"] is not None:
            read += 1
            right = Tracking.from_boxes(_PlainUnpickler(io.BytesIO(data), encoding="latin1").load())
            boxes = {repr(key): [one.start, zlib.crc32(one.boxes.tobytes())] for key, one in right.items()}
            assert {key: [one[0], one[3]] for key, one in said["result"].items()} == boxes, f"seed {seed}"
    assert read > len(seeds) // 50


@pytest.mark.parametrize("seeds", many("honest", 30, 1000))
def test_honest_pickle_is_read(seeds: range, tracking_witness: Witness):
    path = tracking_witness.folder / "case.pickle"
    for seed in seeds:
        rng = random.Random(seed)
        content, protocol = honest(rng), rng.choice(PROTOCOLS)
        data = pickle.dumps(content, protocol)
        path.write_bytes(pickletools.optimize(data) if seed % 2 else data)
        said = tracking_witness.read(path, f"seed {seed}, protocol {protocol}")
        right = Tracking.from_boxes(content)
        assert {key: one[3] for key, one in (said["result"] or {}).items()} == {
            repr(key): zlib.crc32(one.boxes.tobytes()) for key, one in right.items()
        }, f"seed {seed}, protocol {protocol}: {said['error']}"
