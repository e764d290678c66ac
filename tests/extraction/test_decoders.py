"""Several decoders at once: the same bytes as one, whatever the video, and nothing left when they are interrupted."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.batches import TOTAL_CHUNKS, Workplace, content, interrupt, only, options_of, run
from helpers.clips import MakeClip
from helpers.networks import FACTS, FakeNetwork
from helpers.processes import threads_called
from helpers.videos import X264
from napari_i3d._utils.progress import finish
from napari_i3d.batch.events import VideoDone, VideoFailed
from napari_i3d.errors import SettingsError, VideoError
from napari_i3d.extraction import engine
from napari_i3d.extraction.engine import compute_shards, decoder_count, encoder_for
from napari_i3d.extraction.extract import extract
from napari_i3d.extraction.planning.plan import Job, plan_job
from napari_i3d.extraction.planning.shards import ShardRows, divide_shards, plan_shards
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video, open_video

B_FRAMES = [*X264, "-bf", "3", "-g", "15", "-b_strategy", "0"]
UNEVEN = "select='mod(n,7)-3',setpts='N/25/TB+0.013*mod(N,3)/TB'"
KINDS = {  # with the frequency to extract at
    "open groups": ("a.mp4", [*B_FRAMES, "-x264-params", "open-gop=1"], 1),
    "uneven times": ("a.mkv", [*B_FRAMES, "-vf", UNEVEN, "-fps_mode", "passthrough"], 1),
    "one key frame": ("a.mp4", [*X264, "-bf", "2", "-g", "250"], 3),
    "packed frames": ("a.avi", ["-c:v", "mpeg4", "-q:v", "3", "-g", "15", "-bf", "2"], 3),
}


def moving(length: int) -> Tracking:
    """Two boxes that move, so that each row belongs to one frame; one is there later and shorter."""
    steps = np.arange(length)[:, None] * [0.4, 0.1, 0.4, 0.1]
    late = length // 3
    first, second = np.array([0, 0, 90, 40]) + steps, np.array([20, 5, 100, 50]) + steps
    return Tracking([Tracklet("a", 0, first), Tracklet("b", late, second[: length - late - 4])])


def rows_of(video: Video, job: Job, shard_chunks: int) -> list[bytes]:
    shards = plan_shards(job, shard_chunks)
    steps = list(compute_shards(video, shards, encoder_for(FakeNetwork(), job.settings)))
    found = {step.shard.number: step.rows.tobytes() for step in steps if isinstance(step, ShardRows)}
    assert sum(len(step.chunks) for step in steps if not isinstance(step, ShardRows)) == job.plan.total_chunks
    return [found[number] for number in range(len(shards))]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_equal_for_any_number_of_decoders(encode: Callable[..., Path], kind: str) -> None:
    name, options, frequency = KINDS[kind]
    with open_video(encode(name, options)) as video:
        settings = ExtractionSettings(frequency=frequency, batch_size=3, device="cpu", decoders=1)
        job = plan_job(video, moving(len(video)).values(), settings)
        expected = rows_of(video, job, 7)
        assert len(set(expected)) == len(expected) > 3
        for decoders in (2, 5):
            several = replace(job, settings=replace(settings, decoders=decoders))
            assert rows_of(video, several, 7) == expected
    assert not threads_called("decoding")


def test_each_run_of_shards_is_decoded_once(encode: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read, given = Video.frames, []

    def counted(self: Video, start: int = 0, stop: int | None = None, threads: int | None = None) -> Any:
        given.append((start, stop, threads))
        return read(self, start, stop, threads)

    monkeypatch.setattr(Video, "frames", counted)
    monkeypatch.setattr(engine, "available_cores", lambda: 6)
    with open_video(encode("b.mp4", B_FRAMES)) as video:
        settings = ExtractionSettings(device="cpu", decoders=2)
        job = plan_job(video, [Tracklet("a", 0, np.tile([0.0, 0, 60, 60], (60, 1)))], settings)
        rows_of(video, job, 10)
    # 53 chunks in shards of ten: 30 are for one, 23 for the other; the seven frames at the border are for both.
    assert sorted(given) == [(0, 37, 3), (30, 60, 3)]


def test_runs_of_shards_are_consecutive_and_even(encode: Callable[..., Path]) -> None:
    with open_video(encode("b.mp4", B_FRAMES)) as video:
        job = plan_job(video, moving(60).values(), ExtractionSettings())
        shards = plan_shards(job, 5)
        for count in (1, 2, 3, 7, len(shards), 64):
            runs = divide_shards(shards, count)
            assert [shard.number for run in runs for shard in run] == [*range(len(shards))]
            assert len(runs) <= count
            lengths = [len(run) for run in runs]
            assert min(lengths) >= 1
            assert max(lengths) - min(lengths) <= 2
        assert divide_shards([], 3) == []


def test_decoders_follow_setting_device_and_cores(encode: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "available_cores", lambda: 16)
    with open_video(encode("b.mp4", B_FRAMES)) as video:
        for decoders, device, expected in ((None, "cpu", 1), (None, "cuda:0", 1), (5, "cpu", 5), (5, "cuda:0", 5)):
            job = plan_job(video, moving(60).values(), ExtractionSettings(decoders=decoders))
            assert decoder_count(plan_shards(job), device) == expected
        # A short video is not worth several; of a long one, two cores for each decoder.
        shards = plan_shards(plan_job(video, moving(60).values(), ExtractionSettings()))
        assert decoder_count(list(shards) * 1000, "cuda:0") == 8
        assert decoder_count(list(shards) * 1000, "cpu") == 1


@pytest.mark.parametrize("kept", [3, 6])
def test_interrupted_decoders_go_on_with_same_bytes(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], kept: int
) -> None:
    two = options_of(workplace, settings={"decoders": 2})
    interrupt(two, kept)
    assert not threads_called("decoding")
    network.seen = 0
    outcome = only(run(two if kept == 3 else options_of(workplace)))
    assert isinstance(outcome, VideoDone)
    assert network.seen == outcome.computed_chunks <= TOTAL_CHUNKS - kept
    assert content(workplace.out) == undisturbed


def test_damage_costs_the_video_with_any_decoders(workplace: Workplace, network: FakeNetwork) -> None:
    whole = workplace.add("one").read_bytes()
    (workplace.videos / "one.mp4").write_bytes(whole[: len(whole) // 2] + bytes(400) + whole[len(whole) // 2 + 400 :])
    for decoders in (1, 2, 3):
        outcome = only(run(options_of(workplace, settings={"decoders": decoders})))
        assert isinstance(outcome, VideoFailed)
        assert "damaged" in str(outcome.reason)
        assert workplace.results == []
    assert not threads_called("decoding")


@pytest.mark.parametrize("how", ["left", "closed"])
def test_all_decoders_end_together(clip_of: MakeClip, how: str, ffmpegs: Callable[[], int]) -> None:
    tracking = [Tracklet("a", 0, np.tile([10.0, 10, 60, 60], (260, 1)))]
    with open_video(clip_of(260).video) as video:
        job = plan_job(video, tracking, ExtractionSettings(device="cpu", decoders=3))
        shards = plan_shards(job, 20)
        steps = compute_shards(video, shards, encoder_for(FakeNetwork(), job.settings), abandon=video.close)
        with contextlib.closing(steps):
            next(steps)
            if how == "closed":
                video.close()
                with pytest.raises(VideoError, match="found it closed"):
                    list(steps)
    assert not threads_called("decoding")
    assert ffmpegs() == 0


def test_provenance_knows_nothing_of_decoders(clip_of: MakeClip) -> None:
    found = []
    with open_video(clip_of(12).video) as video:
        tracking = moving(12).select(["a"])
        for decoders in (None, 2):
            settings = ExtractionSettings(device="cpu", decoders=decoders)
            features = finish(extract(video, plan_job(video, tracking.values(), settings), FakeNetwork(), FACTS))
            found.append({name: value for name, value in features.provenance.items() if name != "created"})
    assert found[0] == found[1]
    assert "decoders" not in str(found)


@pytest.mark.parametrize("decoders", [0, -1, 65, 1.5, "many"])
def test_decoders_out_of_range_are_refused(decoders: Any) -> None:
    with pytest.raises(SettingsError, match=r"^decoders: expected a whole number from 1 to 64, found"):
        ExtractionSettings(decoders=decoders)
