"""Images of moments: the right frame, the crop of the extraction, clear words where there is none."""

import numpy as np
import pytest

from napari_i3d.errors import SettingsError, TrackingError, VideoError
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.provenance import require_video_of, settings_of
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.extraction.thumbnails import make_thumbnails
from napari_i3d.features.features import Features
from napari_i3d.individuals import Span
from napari_i3d.tracking.io.box_pickle import read_tracking
from napari_i3d.video.video import open_video


@pytest.fixture(scope="module")
def clip(clip_of):
    return clip_of(16)


def moment(individual, frame) -> Span:
    return Span("", individual, frame, frame)


@pytest.mark.parametrize("mode", ["expand_bboxes", "center_crop"])
def test_images_are_the_network_crops_in_order(clip, mode):
    tracking = read_tracking(clip.tracking)
    settings = ExtractionSettings(sample_mode=mode)
    asked = [("striped", 12.0), ("spotted", 3.5), ("striped", 3.0)]
    with open_video(clip.video) as video:
        images = make_thumbnails(video, tracking, [moment(*one) for one in asked], settings)
        assert images.shape == (3, 224, 224, 3)
        for image, (individual, frame) in zip(images, asked, strict=True):
            box = crop_boxes(tracking[individual], (384, 288), settings.sample_mode)[int(frame)]
            cropper = Cropper(settings)
            crop = cropper.crop(cropper.image(video[int(frame)]), box)
            np.testing.assert_allclose(image.transpose(2, 0, 1), (crop + 1) * 127.5, atol=0.51)


def test_whole_image_needs_no_tracking(clip):
    with open_video(clip.video) as video:
        assert make_thumbnails(video, None, [moment("", 5)]).std() > 5
        with pytest.raises(TrackingError, match="striped: expected the tracking that its features were made with"):
            make_thumbnails(video, None, [moment("striped", 5)])


def test_moments_that_video_or_tracking_lack_are_named(clip):
    tracking = read_tracking(clip.tracking)
    with open_video(clip.video) as video:
        with pytest.raises(VideoError, match=r"striped: has features of frame 16, but the last frame of .* is 15"):
            make_thumbnails(video, tracking, [moment("striped", 16)])
        with pytest.raises(TrackingError, match="male: not in the tracking, which has striped, spotted"):
            make_thumbnails(video, tracking, [moment("male", 1)])
        with pytest.raises(VideoError, match="expected the video that the features were made from, 99 frames, found"):
            require_video_of(Features(rows={}, provenance={"video": {"frames": 99}}), video)
        require_video_of(Features(rows={}, provenance={"video": video.facts()}), video)
        require_video_of(Features(rows={}), video)


def test_settings_are_those_that_the_features_tell():
    made = ExtractionSettings(sample_mode="center_crop", video_size=(640, 480), frequency=3)
    told = settings_of(Features(rows={}, provenance={"settings": made.as_dict()}))
    assert (told.sample_mode, told.video_size) == ("center_crop", (640, 480))
    listed = settings_of(Features(rows={}, provenance={"settings": {"video_size": [640, 480]}}))
    assert listed.video_size == (640, 480)
    assert settings_of(Features(rows={})) == ExtractionSettings()
    with pytest.raises(SettingsError, match="settings of the features: expected names and values, found str"):
        settings_of(Features(rows={}, provenance={"settings": "all"}))
