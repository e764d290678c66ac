"""The precision of an extraction, whatever other code has set."""

import contextlib
import json
import os
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
import json, os, sys, torch
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.device import Device
from napari_i3d.extraction.settings import ExtractionSettings

def state():
    cudnn = torch.backends.cudnn
    return cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision

def look(choice, precision):
    exec(choice)
    before = state()
    torch.cuda.device_count = lambda: 1  # the state can be seen without the device
    with Device(ExtractionSettings(device="cuda", precision=precision)).computing():
        inside = state()
    print(choice, precision, *inside, state() == before, sep="; ", flush=True)

cases = json.loads(sys.argv[1])
for case in cases[1:]:
    child = os.fork()
    if not child:
        look(*case)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, case
look(*cases[0])
"""

CASES = [
    ("", "float32"),
    ("torch.backends.fp32_precision = 'tf32'", "float32"),
    ("torch.backends.cudnn.fp32_precision = 'tf32'", "float32"),
    ("torch.backends.cudnn.allow_tf32 = True", "float32"),
    ("torch.backends.fp32_precision = 'ieee'", "tf32"),
]


@new_settings
def test_precision_is_the_chosen_one_whatever_others_set() -> None:
    """cuDNN's precisions while computing are those chosen, and as before after it."""
    # In processes of their own, as some of these settings cannot be taken back; torch is imported once if possible.
    said = []
    for cases in [CASES] if hasattr(os, "fork") else [[case] for case in CASES]:
        command = [sys.executable, "-c", PROGRAM, json.dumps(cases)]
        said += subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    computing = {"float32": "ieee; ieee", "tf32": "tf32; tf32"}
    expected = [f"{choice}; {precision}; {computing[precision]}; True" for choice, precision in CASES]
    assert sorted(said) == sorted(expected)


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
