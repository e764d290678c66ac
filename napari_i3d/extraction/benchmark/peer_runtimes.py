"""The plain network in other runtimes, to measure against: ONNX Runtime and OpenVINO."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_i3d._utils.extras import needed_for
from napari_i3d.errors import SettingsError

EXTRA = "peers"

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def peer_runtimes(network: torch.nn.Module, example: torch.Tensor) -> Iterator[tuple[str, Network]]:
    """Yield the name of each runtime with the network compiled by it, on the CPU.

    Parameters
    ----------
    network
        The network, on the CPU, in float32.
    example : (B, ...) float32
        An input; the compiled networks take inputs of this shape.

    Raises
    ------
    SettingsError
        A runtime is not installed.
    """
    with needed_for("comparing with other runtimes", EXTRA, SettingsError):
        import onnxruntime
        import onnxscript  # noqa: F401 (torch's exporter needs it)
        import openvino
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="napari_i3d_", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "network.onnx"
        with torch.inference_mode():
            _export(network, example, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (name,) = (one.name for one in session.get_inputs())

        def run_onnx(chunks: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.asarray(session.run(None, {name: chunks})[0])

        yield "ONNX Runtime", run_onnx
        model = openvino.convert_model(path)
        core = openvino.Core()
        for label, hint in (("OpenVINO", "f32"), ("OpenVINO, bfloat16", "bf16")):
            hints = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads}
            compiled = core.compile_model(model, "CPU", hints)
            yield label, partial(_run_openvino, compiled)


def _run_openvino(compiled: Any, chunks: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(compiled(chunks)[0])


def _export(network: torch.nn.Module, example: torch.Tensor, path: Path) -> None:
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)  # it lists packages that the network does not need
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            torch.onnx.export(network, (example,), path, dynamo=True, verbose=False)
    finally:
        exporter.setLevel(level)
