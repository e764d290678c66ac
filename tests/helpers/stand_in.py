"""The command with the fake network, and shards of a few chunks, as a program that others kill.

    python -m helpers.stand_in SLOW_S KILL_AT extract --datasetpath ...

SLOW_S: seconds for each batch. KILL_AT: number of the change to the disk at which it kills itself; 0 for none.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.batches import SHARD_CHUNKS
from helpers.networks import FACTS, FakeNetwork
from napari_i3d.batch import runner
from napari_i3d.cli.main import main
from napari_i3d.extraction.planning import shards


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
    Path.rename = counted(Path.rename)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    Path.mkdir = counted(Path.mkdir)  # type: ignore[method-assign]
    shutil.rmtree = counted(shutil.rmtree)  # type: ignore[assignment]


if __name__ == "__main__":
    network = FakeNetwork(float(sys.argv[1]), announce=float(sys.argv[1]) > 0)
    runner.load_network = lambda _: (network, FACTS)  # type: ignore[assignment, attr-defined]
    shards.SHARD_CHUNKS = SHARD_CHUNKS
    if int(sys.argv[2]):
        kill_at(int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
