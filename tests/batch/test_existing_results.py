"""Whether an existing result is kept: whole, of this video, tracking, weights and settings; else made again or told."""

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.batches import SPOIL, TOTAL_CHUNKS, Workplace, content, interrupt, only, options_of, other_tracking, run
from helpers.networks import FACTS, FakeNetwork
from napari_i3d._utils.files import sha256_of
from napari_i3d.batch import runner
from napari_i3d.batch.events import VideoDone, VideoSkipped
from napari_i3d.batch.existing_results import ExpectedResult, ResultState, check_result
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.tracking.io.box_pickle import read_tracking

WHOLE_IMAGE = {"gaps": "error", "chosen": None}


@pytest.mark.parametrize(
    ("made_of", "crops", "expected"),
    [
        ([""], None, ResultState.CURRENT),
        (["male"], None, ResultState.UNSURE),  # tracking made in the viewer: in no file, as a whole image
        (["male"], "b", ResultState.OTHER),
        (["male"], "a", ResultState.CURRENT),
    ],
)
def test_result_of_viewer_tracking_is_no_whole_image(
    tmp_path: Path, made_of: list[str], crops: str | None, expected: ResultState
) -> None:
    path, settings = tmp_path / "clip.npy", ExtractionSettings()
    np.save(path, np.zeros(1))
    tracking = {**WHOLE_IMAGE, "sha256_of_crops": "a", "crops": [{"id": id_, "sha256": "a"} for id_ in made_of]}
    provenance = {"video": {"file": "clip.mp4"}, "settings": settings.as_dict(), "tracking": tracking}
    json_path(path).write_text(json.dumps({"sha256": sha256_of(path), "provenance": provenance}))
    (tmp_path / "clip.mp4").touch()
    wanted = ExpectedResult(
        video=tmp_path / "clip.mp4",
        settings=settings,
        layout=Layout.DICT,
        weights_sha256="w",
        tracking=WHOLE_IMAGE,
        crops_sha256=None if crops is None else {None: crops},
    )
    assert check_result(path, wanted).state is expected


@pytest.mark.parametrize("spoil", SPOIL)
@pytest.mark.parametrize("layout", [Layout.DICT, Layout.MS_TCN])
def test_damaged_result_is_made_again_and_said(
    workplace: Workplace, network: FakeNetwork, spoil: Any, layout: Layout
) -> None:
    workplace.add("one")
    options = options_of(workplace, layout=layout)
    run(options)
    expected = content(workplace.out)
    name = next(name for name in expected if name.endswith(".npy"))
    spoil(workplace.out / name)
    outcome = only(run(options))
    assert isinstance(outcome, VideoDone)
    assert f"{name} was damaged" in outcome.summary()
    assert "made again" in outcome.summary()
    assert content(workplace.out)[name] == expected[name]
    assert only(run(options)).complete


def test_damaged_facts_are_made_again(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    run(options_of(workplace))
    (workplace.out / "one.npy.json").write_text("{")
    assert "one.npy.json was damaged, and was made again" in only(run(options_of(workplace))).summary()
    assert content(workplace.out) == undisturbed


def test_finished_result_is_known_by_video_content(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    run(options_of(workplace))
    video = workplace.videos / "one.mp4"
    os.utime(video, (1, 1))
    outcome = only(run(options_of(workplace)))
    assert isinstance(outcome, VideoSkipped)
    assert outcome.complete
    found = bytearray(video.read_bytes())
    found[-1] ^= 1
    video.write_bytes(found)
    outcome = only(run(options_of(workplace)))
    assert not outcome.complete
    assert "made of another one.mp4 (its content has changed); overwrite=True replaces it" in outcome.summary()
    assert content(workplace.out) == undisturbed


def test_finished_result_is_known_by_tracking_weights_individuals(
    workplace: Workplace, network: FakeNetwork, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(options_of(workplace))
    chosen = only(run(options_of(workplace, individuals=("striped",))))
    assert "made of another tracking, or of other individuals in it" in chosen.summary()
    # Another file with the same boxes is the same tracking.
    tracks = workplace.tracks / "one_tracks.pickle"
    found = read_tracking(tracks)
    tracks.write_bytes(pickle.dumps({t.id: dict(enumerate(t.boxes.tolist())) for t in found.values()}, 2))
    assert only(run(options_of(workplace))).complete
    other_tracking(workplace, options_of(workplace))
    assert "made of another tracking" in only(run(options_of(workplace))).summary()
    tracks.write_bytes(workplace.clip.tracking.read_bytes())
    monkeypatch.setattr(runner, "load_network", lambda _: (network, replace(FACTS, sha256="6" * 64)))
    assert "made with other weights (fake)" in only(run(options_of(workplace))).summary()
    assert content(workplace.out) == undisturbed


def test_work_left_beside_a_finished_result_is_removed(workplace: Workplace, undisturbed: dict[str, Any]) -> None:
    interrupt(options_of(workplace), TOTAL_CHUNKS)
    kept = workplace.out / ".one.npy.partial"
    kept.rename(workplace.out / "aside")
    run(options_of(workplace))
    (workplace.out / "aside").rename(kept)
    assert only(run(options_of(workplace))).complete
    assert content(workplace.out) == undisturbed
