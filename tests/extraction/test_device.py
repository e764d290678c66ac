"""The precision of an extraction, whatever other code has set."""

import contextlib
import subprocess
import sys
from typing import Any

import pytest
import torch

from napari_i3d.extraction.device import Device
from napari_i3d.extraction.settings import ExtractionSettings

new_settings = pytest.mark.skipif(
    not hasattr(torch.backends.cudnn, "conv"), reason="this PyTorch has only the older setting"
)

PROGRAM = """
import sys, torch
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.settings import ExtractionSettings

def state():
    cudnn = torch.backends.cudnn
    return cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision

exec(sys.argv[1])
before = state()
with Device(ExtractionSettings(device="cpu")).computing():
    print(*state())
print(state() == before)
"""


@new_settings
@pytest.mark.parametrize(
    "choice",
    [
        "",
        "torch.backends.fp32_precision = 'tf32'",
        "torch.backends.cudnn.fp32_precision = 'tf32'",
        "torch.backends.cudnn.allow_tf32 = True",
    ],
)
def test_float32_is_float32_whatever_others_have_set(choice: str) -> None:
    # In a process of its own: some of these settings cannot be taken back.
    run = subprocess.run([sys.executable, "-c", PROGRAM, choice], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["ieee ieee", "True"]


def test_older_pytorch_is_told_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, bool]] = []

    class Older:
        @contextlib.contextmanager
        def flags(self, **flags: bool) -> Any:
            told.append(flags)
            yield

    device = Device(ExtractionSettings(device="cpu"))
    monkeypatch.setattr(torch.backends, "cudnn", Older())
    with device.computing():
        assert torch.is_inference_mode_enabled()
    assert told == [{"enabled": True, "allow_tf32": False}]
