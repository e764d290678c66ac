"""Whether an existing result is the one asked for, by the tracking it was made of."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_i3d._utils.files import sha256_of
from napari_i3d.batch.existing_results import ExpectedResult, ResultState, check_result
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.sidecar import json_path

WHOLE_IMAGE = {"gaps": "error", "chosen": None}


@pytest.mark.parametrize(
    ("made_of", "crops", "expected"),
    [
        ([""], None, ResultState.SOUND),
        (["male"], None, ResultState.UNSURE),  # tracking made in the viewer: in no file, as a whole image
        (["male"], "b", ResultState.OTHER),
        (["male"], "a", ResultState.SOUND),
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
