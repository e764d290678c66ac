"""The network of tests that are not about the network: fast, and different for any other frame, order, box or scale."""

import functools
import time

import pytest
import torch

from napari_i3d.backbones import weights
from napari_i3d.backbones.pretrained import UNTRAINED, WeightsFacts
from napari_i3d.batch import runner
from napari_i3d.extraction import extract
from napari_i3d.extraction.planning import shards

FACTS = WeightsFacts("fake", None, "5" * 64, "generated", "none", trained=True)


class _Shared:
    """What a network and its copies have in common."""

    def __init__(self, slow_s: float) -> None:
        self.seen = 0
        self.slow_s = slow_s

    def __deepcopy__(self, memo: object) -> "_Shared":
        return self


class FakeNetwork(torch.nn.Module):
    """Returns coarse images of all 8 frames; counts the chunks that it and its copies are shown.

    Parameters
    ----------
    slow_s
        Seconds that each batch takes longer.
    announce
        Whether each batch prints a line, for a process that waits for it.
    """

    def __init__(self, slow_s: float = 0.0, *, announce: bool = False) -> None:
        super().__init__()
        self.shared = _Shared(slow_s)
        self._announce = announce

    @property
    def seen(self) -> int:
        """Number of chunks."""
        return self.shared.seen

    @seen.setter
    def seen(self, count: int) -> None:
        self.shared.seen = count

    def forward(self, chunks: torch.Tensor) -> torch.Tensor:
        batch, channels, frames, _, _ = chunks.shape
        assert (channels, frames) == (3, 8)
        self.seen += batch
        if self._announce:
            print("computing", flush=True)
        time.sleep(self.shared.slow_s)
        coarse = torch.nn.functional.adaptive_avg_pool3d(chunks, (8, 9, 9)).reshape(batch, -1)
        return torch.nn.functional.pad(coarse, (0, 2048 - coarse.shape[1]))


def install_network(monkeypatch: pytest.MonkeyPatch, modules: tuple[object, ...], shard_chunks: int) -> FakeNetwork:
    """Put the fake network in the place of any weights in modules, and make shards short."""
    network = FakeNetwork()
    for module in modules:
        monkeypatch.setattr(module, "load_network", lambda _: (network, FACTS))
    monkeypatch.setattr(shards, "SHARD_CHUNKS", shard_chunks)
    return network


@functools.cache
def _untrained_facts() -> WeightsFacts:
    return weights.load_network(UNTRAINED)[1]


@pytest.fixture
def quick_untrained(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    """The fake network in the place of the untrained one, under its name and facts; other weights stay as they are."""
    network, facts, load_network = FakeNetwork(), _untrained_facts(), weights.load_network

    def load(name):
        return (network, facts) if name == UNTRAINED else load_network(name)

    for module in (weights, runner, extract):
        monkeypatch.setattr(module, "load_network", load)
    return network
