"""Videos spread over workers: the same results as on one machine, whatever goes wrong."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from helpers.batches import Workplace, content, interrupt, options_of, run
from helpers.networks import FakeNetwork
from napari_i3d.batch.distributed.tasks import Task, TaskResult
from napari_i3d.batch.events import VideoDone, VideoFailed, VideoResult
from napari_i3d.errors import VideoError, WeightsError, WorkerError


def by_name(outcomes: tuple[VideoResult, ...]) -> dict[str, VideoResult]:
    return {outcome.video.name: outcome for outcome in outcomes}


def test_spread_videos_give_the_bytes_of_one_machine(
    workplace: Workplace, network: FakeNetwork, on_machines: Any
) -> None:
    for stem in ("one", "two", "three"):
        workplace.add(stem)
    run(options_of(workplace))
    expected = content(workplace.out)
    workplace.clear_results()
    machines, outcomes = on_machines(options_of(workplace))
    assert [type(outcome) for outcome in outcomes] == [VideoDone] * 3
    assert machines.most == 4
    assert content(workplace.out) == expected
    assert json.loads((workplace.out / "report.json").read_text())["counts"]["done"] == 3


def test_work_that_was_begun_here_goes_on_there(workplace: Workplace, network: FakeNetwork, on_machines: Any) -> None:
    workplace.add("one")
    run(options_of(workplace))
    expected = content(workplace.out)
    workplace.clear_results()
    interrupt(options_of(workplace), 6)
    machines, _ = on_machines(options_of(workplace))
    assert machines.computed == 2
    assert content(workplace.out) == expected


def test_background_is_that_of_the_whole_video(workplace: Workplace, network: FakeNetwork, on_machines: Any) -> None:
    workplace.add("one")
    options = options_of(workplace, settings={"subtract_background": True})
    run(options)
    expected = content(workplace.out)
    workplace.clear_results()
    on_machines(options)
    assert content(workplace.out) == expected


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VideoError("two.mp4: damaged at frame 7"), "two.mp4: damaged at frame 7"),
        (WorkerError("4 workers in turn died of the same portion"), "4 workers in turn died"),
        (RuntimeError("surprise"), "unexpected RuntimeError: surprise"),
    ],
)
def test_error_of_one_video_costs_that_video(
    workplace: Workplace, network: FakeNetwork, on_machines: Any, error: Exception, words: str
) -> None:
    for stem in ("one", "two", "three"):
        workplace.add(stem)

    def wrong(task: Task, result: TaskResult) -> TaskResult | Exception:
        return error if task.video.path.stem == "two" and task.shard.number == 1 else result

    _, outcomes = on_machines(options_of(workplace), wrong)
    found = by_name(outcomes)
    assert isinstance(found["two.mp4"], VideoFailed)
    assert words in found["two.mp4"].summary()
    assert isinstance(found["one.mp4"], VideoDone)
    assert isinstance(found["three.mp4"], VideoDone)
    assert not list(workplace.out.glob("*.lock"))
    # A damaged video stays damaged; what else went wrong may not go wrong again.
    left = not isinstance(error, VideoError)
    assert (workplace.out / ".two.mp4.partial").exists() is False
    assert bool(list(workplace.out.glob(".two.npy.partial/*.rows"))) == left


def test_rows_that_changed_on_their_way_are_noticed(
    workplace: Workplace, network: FakeNetwork, on_machines: Any
) -> None:
    workplace.add("one")

    def wrong(task: Task, result: TaskResult) -> TaskResult:
        rows = result.rows.copy()
        rows[0, 0] += 1
        return replace(result, rows=rows)

    _, (outcome,) = on_machines(options_of(workplace), wrong)
    assert re.search("expected the [13] rows that it computed, found others", outcome.summary())
    assert not (workplace.out / "one.npy").exists()


def test_workers_with_other_weights_stop_everything(
    workplace: Workplace, network: FakeNetwork, on_machines: Any
) -> None:
    workplace.add("one")
    with pytest.raises(WeightsError, match="worker node7: expected the weights"):
        on_machines(options_of(workplace), lambda *_: WeightsError("worker node7: expected the weights"))
    assert not list(workplace.out.glob("*.lock"))
