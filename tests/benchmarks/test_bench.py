"""That the measurements measure; how fast things are is for `napari-i3d bench` to say, on a quiet machine."""

import shutil
import sys

import numpy as np
import pytest
import torch

from napari_i3d.backbones.weights import load_network
from napari_i3d.cli.main import main
from napari_i3d.extraction.benchmark import measure
from napari_i3d.extraction.benchmark.peer_runtimes import peer_runtimes
from napari_i3d.extraction.crop_stream import FrameCrop
from napari_i3d.extraction.planning.chunks import tracklet_chunks
from napari_i3d.extraction.settings import ExtractionSettings

NAMES = [
    measure.MATRIX,
    measure.PLAIN,
    measure.EXACT,
    measure.BFLOAT16,
    measure.DECODE,
    measure.CROP,
    measure.WHOLE,
]


def test_command_measures_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    assert main(["bench", "--rounds", "1", "--batch-size", "1", "--device", "cpu", "--cpu-time"]) == 0
    assert torch.get_num_threads() == threads
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == len(NAMES)
    for name, line in zip(NAMES, lines, strict=True):
        assert line.startswith(name)
        assert float(line[len(name) :].split()[0]) > 0
        assert line.count("%") == (
            0 if line.split("/s")[0].split()[-1] != "chunks" else 2 if name == measure.PLAIN else 3
        )


def test_ratios_are_medians_of_each_round() -> None:
    seconds = {measure.MATRIX: [1e-3, 2e-3, 1e-3], measure.PLAIN: [2.0, 8.0, 2.0], measure.EXACT: [1.0, 2.0, 0.5]}
    task = measure._Task(measure.EXACT, "chunks/s", 1, lambda: None)
    found = measure._measurement(task, seconds)
    assert (found.rate, found.of_plain, found.of_network) == (1.0, 0.25, 1.0)
    assert found.of_matrix_product == pytest.approx(10.6 / 1000)


@pytest.mark.nightly
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="needs a C++ compiler")
def test_compiled_form_gives_rows_of_plain_network() -> None:
    network, _ = load_network("untrained")
    settings = ExtractionSettings(batch_size=2, device="cpu")
    computer = measure._compiled(network, settings)
    chunks = tracklet_chunks("a", 0, 9, settings)
    images = torch.rand(9, 3, 33, 33, generator=torch.Generator().manual_seed(1)) * 2 - 1
    (batch,) = computer.add([FrameCrop(chunks, n, image) for n, image in enumerate(images)])
    with torch.inference_mode():
        expected = network(torch.stack([images[k : k + 8].transpose(0, 1) for k in (0, 1)])).numpy()
    assert np.abs(batch.rows - expected).max() <= 1e-5 * np.abs(expected).max()


def test_compiling_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert main(["bench", "--compiled", "--batch_size", "1", "--device", "cpu"]) == 2


def test_peers_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["bench", "--peers", "--batch_size", "1", "--device", "cpu"]) == 2
    assert 'pip install "napari-i3d[peers]"' in capsys.readouterr().err


@pytest.mark.nightly
def test_peers_give_rows_of_plain_network() -> None:
    for package in ("onnxruntime", "onnxscript", "openvino"):
        pytest.importorskip(package, reason="needs the extra 'peers'")
    network, _ = load_network("untrained")
    example = torch.rand(1, 3, 8, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = network(example).numpy()
    found = {name: run(example.numpy()) for name, run in peer_runtimes(network, example)}
    assert list(found) == ["ONNX Runtime", "OpenVINO", "OpenVINO, bfloat16"]
    for name, rows in found.items():
        assert np.abs(rows - expected).max() <= (1e-2 if "bfloat16" in name else 1e-5) * np.abs(expected).max()
