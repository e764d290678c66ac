"""The precision of an extraction, whatever other code has set."""

import contextlib
import subprocess
import sys
from typing import Any

import pytest
import torch

from napari_i3d.errors import SettingsError
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.settings import ExtractionSettings

new_settings = pytest.mark.skipif(
    not hasattr(torch.backends.cudnn, "conv"), reason="this PyTorch has only the older setting"
)

PROGRAM = """
import sys, torch
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.settings import ExtractionSettings

def state():
    cudnn = torch.backends.cudnn
    return cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision

exec(sys.argv[1])
before = state()
torch.cuda.device_count = lambda: 1  # the state can be seen without the device
with Device(ExtractionSettings(device="cuda", precision=sys.argv[2])).computing():
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
    assert state_of("float32", choice) == ["ieee ieee", "True"]


@new_settings
def test_tf32_is_used_where_it_is_chosen() -> None:
    assert state_of("tf32", "torch.backends.fp32_precision = 'ieee'") == ["tf32 tf32", "True"]


def state_of(precision: str, choice: str) -> list[str]:
    """Return cuDNN's precisions while computing, and whether they are as before after it."""
    # In a process of its own: some of these settings cannot be taken back.
    command = [sys.executable, "-c", PROGRAM, choice, precision]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_tf32_needs_a_cuda_device(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="tf32 is a format of CUDA devices, found the device cpu"):
        Device(ExtractionSettings(device=device, precision="tf32"))


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
