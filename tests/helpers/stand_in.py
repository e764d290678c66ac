"""The command with a network that answers at once, and shards of a few chunks: as a program, and for tests.

As a program it can end itself, or be slow, to be killed by others:

    python stand_in.py SLOW_S KILL_AT extract --datasetpath ...

SLOW_S: seconds for each batch. KILL_AT: number of the change to the disk at which it kills itself; 0 for none.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from napari_i3d.backbones.pretrained import WeightsFacts
from napari_i3d.batch import runner
from napari_i3d.extraction.planning import shards

FACTS = WeightsFacts("stand-in", None, "5" * 64, "generated", "none", trained=True)
CHUNKS = 3
"""Of a shard."""


class StandIn(torch.nn.Module):
    """Answers with coarse images of all 8 frames; counts the chunks that it is shown."""

    def __init__(self, slow_s: float = 0.0) -> None:
        super().__init__()
        self.seen = 0
        self._slow_s = slow_s

    def __deepcopy__(self, memo: object) -> "StandIn":
        return self  # the one that counts

    def forward(self, chunks: torch.Tensor) -> torch.Tensor:
        self.seen += len(chunks)
        if self._slow_s:
            print("computing", flush=True)
            time.sleep(self._slow_s)
        coarse = torch.nn.functional.adaptive_avg_pool3d(chunks, (8, 9, 9)).reshape(len(chunks), -1)
        return torch.nn.functional.pad(coarse, (0, 2048 - coarse.shape[1]))


def kill_at(number: int) -> None:
    """End this process at its `number`-th change to the disk, before it is made or, for even numbers, after."""
    count = 0

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == number and number % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = change(*arguments, **named)
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return changed

    os.fsync = counted(os.fsync)
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    Path.mkdir = counted(Path.mkdir)  # type: ignore[method-assign]
    shutil.rmtree = counted(shutil.rmtree)  # type: ignore[assignment]


if __name__ == "__main__":
    from napari_i3d.cli.main import main

    network = StandIn(float(sys.argv[1]))
    runner.load_network = lambda _: (network, FACTS)  # type: ignore[assignment, attr-defined]
    shards._CHUNKS = CHUNKS
    if int(sys.argv[2]):
        kill_at(int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
