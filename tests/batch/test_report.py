"""The report of a batch: each video, with reasons and rates."""

import json
import os
import time
from dataclasses import replace
from typing import Any

import pytest

from helpers.batches import (
    TOTAL_CHUNKS,
    Workplace,
    content,
    interrupt,
    only,
    options_of,
    run,
)
from helpers.networks import FakeNetwork
from napari_i3d._utils.files import exclusive
from napari_i3d.batch import report
from napari_i3d.batch.events import VideoSkipped


def test_report_tells_each_video_with_reasons_and_rates(workplace: Workplace, network: FakeNetwork) -> None:
    workplace.add("good")
    workplace.add("lonely", tracking=False)
    workplace.add("bad").write_bytes(b"no video")
    run(options_of(workplace))
    told = json.loads((workplace.out / "report.json").read_text())
    assert told["counts"] == {"done": 1, "skipped": 1, "failed": 1}
    assert told["complete"] is False
    assert set(told["versions"]) == {"napari_i3d", "python", "numpy", "torch", "ffmpeg"}
    bad, good, lonely = told["videos"]
    assert (bad["status"], lonely["status"]) == ("failed", "skipped")
    assert "expected a video file" in bad["reason"]
    assert "its tracking file" in lonely["reason"]
    assert good["video"] == str(workplace.videos / "good.mp4")
    assert good["outputs"] == [str(workplace.out / "good.npy")]
    assert (good["chunks"], good["chunks_computed"]) == (TOTAL_CHUNKS, TOTAL_CHUNKS)
    assert good["chunks_per_second"] == pytest.approx(TOTAL_CHUNKS / good["seconds"], rel=0.01)


def test_report_keeps_other_runs_videos(workplace: Workplace, network: FakeNetwork) -> None:
    one, two = workplace.add("one"), workplace.add("two")
    options = options_of(workplace)
    run(replace(options, dataset_path=one))
    with exclusive(workplace.out / ".one.npy.lock") as held:
        assert held
        outcomes = run(options)
    assert isinstance(outcomes[0], VideoSkipped)
    assert "another process is working on it" in outcomes[0].reason.text
    assert not outcomes[0].complete
    told = json.loads((workplace.out / "report.json").read_text())
    assert {entry["video"]: entry["status"] for entry in told["videos"]} == {str(one): "done", str(two): "done"}


def test_report_that_cannot_be_written_stops_nothing(
    workplace: Workplace, network: FakeNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    workplace.add("one")
    (workplace.out / "report.json").mkdir(parents=True)
    assert only(run(options_of(workplace))).complete
    assert "report.json: cannot be written" in caplog.text


def test_clock_that_goes_back_changes_nothing(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(options_of(workplace), 6)
    for path in (workplace.out / ".one.npy.partial").iterdir():
        os.utime(path, (4e9, 4e9))
    times = iter(range(2_000_000_000, 0, -1_000_000))
    monkeypatch.setattr(time, "time", lambda: float(next(times)))
    monkeypatch.setattr(report, "datetime", _BackwardClock)
    assert only(run(options_of(workplace))).complete
    assert content(workplace.out) == undisturbed
    (entry,) = json.loads((workplace.out / "report.json").read_text())["videos"]
    assert entry["seconds"] > 0
    assert entry["chunks_per_second"] > 0


class _BackwardClock:
    _year = 2026

    @classmethod
    def now(cls, zone: Any) -> Any:
        from datetime import datetime

        cls._year -= 1
        return datetime(cls._year, 1, 1, tzinfo=zone)
