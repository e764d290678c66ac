"""Boxes and crops, against loops over pixels."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from napari_i3d.errors import TrackingError
from napari_i3d.extraction.crops import Cropper, crop_pixels, squash_note, views
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.tracking.tracklets import Tracklet
from napari_i3d.video.background import background_frames, gray_of, median_background, without_background

WIDTH, HEIGHT = 61, 43


def square_by_hand(box: tuple[int, int, int, int]) -> list[int]:
    left, upper, right, lower = box
    width, height = right - left, lower - upper
    grow = abs(width - height) // 2
    if width < height:
        left, right = left - grow, right + grow
    elif height < width:
        upper, lower = upper - grow, lower + grow
    if left < 0:
        left, right = 0, right - left
    elif right > WIDTH:
        left, right = left - (right - WIDTH), WIDTH
    if upper < 0:
        upper, lower = 0, lower - upper
    elif lower > HEIGHT:
        upper, lower = upper - (lower - HEIGHT), HEIGHT
    return [max(left, 0), max(upper, 0), min(right, WIDTH), min(lower, HEIGHT)]


def clipped_by_hand(box: list[float]) -> tuple[int, int, int, int]:
    left, upper, right, lower = (math.trunc(side) for side in box)
    return (
        min(max(left, 0), WIDTH),
        min(max(upper, 0), HEIGHT),
        min(max(right, 0), WIDTH),
        min(max(lower, 0), HEIGHT),
    )


def test_boxes_are_truncated_clipped_and_made_square() -> None:
    random = np.random.default_rng(1)
    boxes = []
    while len(boxes) < 500:
        x, y = np.sort(random.uniform(-15, WIDTH + 15, 2)), np.sort(random.uniform(-15, HEIGHT + 15, 2))
        box = [x[0], y[0], x[1], y[1]]
        left, upper, right, lower = clipped_by_hand(box)
        if left < right and upper < lower:
            boxes.append(box)
    tracklet = Tracklet("a", 0, np.array(boxes))
    size = (WIDTH, HEIGHT)
    plain = crop_boxes(tracklet, size, SampleMode.CENTER_CROP)
    square = crop_boxes(tracklet, size, SampleMode.EXPAND_BBOXES)
    assert plain.tolist() == [list(clipped_by_hand(box)) for box in boxes]
    assert square.tolist() == [square_by_hand(clipped_by_hand(box)) for box in boxes]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (100, 100), (101, 100)])
def test_whole_image_stays_whole(width: int, height: int) -> None:
    tracklet = Tracklet("", 0, np.array([[0, 0, width, height]] * 8))
    for mode in SampleMode:
        assert crop_boxes(tracklet, (width, height), mode)[0].tolist() == [0, 0, width, height]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([61, 5, 70, 9], "holds no pixel of the 61x43 image"),
        ([5, 5, 5.9, 9], "holds no pixel"),
        ([-9, 5, -0.5, 9], "holds no pixel"),
        ([9, 5, 3, 9], "holds no pixel"),
        ([9, 5, math.inf, 9], "finite"),
        ([9, math.nan, 12, 9], "finite"),
    ],
)
def test_box_without_pixels_is_named_with_individual_and_frame(box: list[float], words: str) -> None:
    boxes = np.tile([5.0, 5, 20, 20], (9, 1))
    boxes[4] = box
    with pytest.raises(TrackingError, match=f"^male: the box of frame 104.*{words}"):
        crop_boxes(Tracklet("male", 100, boxes), (WIDTH, HEIGHT), SampleMode.EXPAND_BBOXES)


def bilinear_by_hand(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Half-pixel centers, edges repeated, no antialiasing; (H, W, 3) to (height, width, 3) float64."""
    rows, columns, _ = image.shape
    out = np.empty((height, width, 3))
    for i in range(height):
        y = min(max((i + 0.5) * rows / height - 0.5, 0), rows - 1)
        y0 = int(y)
        y1 = min(y0 + 1, rows - 1)
        for j in range(width):
            x = min(max((j + 0.5) * columns / width - 0.5, 0), columns - 1)
            x0 = int(x)
            x1 = min(x0 + 1, columns - 1)
            top = image[y0, x0] * (1 - (x - x0)) + image[y0, x1] * (x - x0)
            bottom = image[y1, x0] * (1 - (x - x0)) + image[y1, x1] * (x - x0)
            out[i, j] = top * (1 - (y - y0)) + bottom * (y - y0)
    return out


@pytest.mark.parametrize("mode", list(SampleMode))
@pytest.mark.parametrize("video_size", [None, (37, 50)])
def test_crop_is_resized_cut_and_normalized(mode: SampleMode, video_size: tuple[int, int] | None) -> None:
    frame = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    cropper = Cropper(ExtractionSettings(sample_mode=mode, video_size=video_size))
    crop = cropper.crop(cropper.image(frame), np.array([3, 10, 30, 31]))
    image = frame.astype(float) if video_size is None else bilinear_by_hand(frame.astype(float), 50, 37)
    part = image[10:31, 3:30]
    if mode is SampleMode.EXPAND_BBOXES:
        expected = bilinear_by_hand(part, 224, 224)
    else:
        expected = bilinear_by_hand(part, 256, 340)
        if mode is SampleMode.CENTER_CROP:
            expected = expected[16:240, 58:282]
    expected = (expected * 2 / 255 - 1).transpose(2, 0, 1)
    assert crop.dtype == torch.float32
    np.testing.assert_allclose(crop.numpy(), expected, atol=2e-5)


def test_frame_that_may_not_be_written_to_is_cropped_without_a_warning() -> None:
    frame = np.full((HEIGHT, WIDTH, 3), 9, np.uint8)
    frame.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = Cropper(ExtractionSettings()).image(frame)
    assert (image == 9).all()


def test_kinetics_normalization_is_the_one_of_the_training() -> None:
    frame = np.random.default_rng(3).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    cropper = Cropper(ExtractionSettings(normalization="kinetics"))
    crop = cropper.crop(cropper.image(frame), np.array([0, 0, 224, 224]))
    np.testing.assert_allclose(crop.numpy(), (frame.transpose(2, 0, 1) - 114.75) / 57.375, atol=1e-5)


def test_oversample_shows_four_corners_and_center_and_their_mirror_images() -> None:
    crops = torch.arange(3 * 8 * 256 * 340, dtype=torch.float32).reshape(1, 3, 8, 256, 340)
    shown = {view.numpy().tobytes() for view in views(crops, SampleMode.OVERSAMPLE)}
    array = crops.numpy()
    mirrored = array[..., ::-1]
    expected = set()
    for image in (array, mirrored):
        for top, left in ((0, 0), (0, 116), (32, 0), (32, 116), (16, 58)):
            expected.add(np.ascontiguousarray(image[..., top : top + 224, left : left + 224]).tobytes())
    assert len(expected) == 10
    assert shown == expected


def test_gray_is_the_rounded_luma() -> None:
    frame = np.random.default_rng(4).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    luma = frame @ np.array([0.299, 0.587, 0.114])
    assert np.abs(gray_of(frame) - luma).max() < 0.51
    assert gray_of(np.full((1, 1, 3), 255, np.uint8))[0, 0] == 255


@pytest.mark.parametrize(
    ("n_frames", "count", "step"), [(10, 10, 1), (1000, 25, 40), (10_000, 50, 200), (100_000, 200, 500)]
)
def test_background_frames_are_spread_evenly(n_frames: int, count: int, step: int) -> None:
    frames = background_frames(n_frames)
    assert frames.tolist() == [k * step for k in range(count)]


def test_background_is_the_median_and_what_looks_like_it_is_blanked() -> None:
    random = np.random.default_rng(5)
    still = random.integers(40, 200, (30, 40, 1), dtype=np.uint8).repeat(3, axis=2)
    frames = [still.copy() for _ in range(9)]
    for k, frame in enumerate(frames):
        frame[5:10, 3 * k : 3 * k + 4] = (250, 20, 10)
    background = median_background(frames)
    np.testing.assert_array_equal(background, gray_of(still))
    blanked = without_background(frames[2], background)
    for y in range(30):
        for x in range(40):
            near = abs(int(gray_of(frames[2])[y, x]) - int(background[y, x])) <= 15
            assert blanked[y, x].tolist() == ([128] * 3 if near else frames[2][y, x].tolist())
    assert (frames[2][5:10, 6:10] == (250, 20, 10)).all()


@pytest.mark.parametrize(
    ("size", "choices", "expected"),
    [
        ((1920, 1080), {}, "the whole 1920x1080 image is squashed to a square, 1.78 times too narrow"),
        ((1080, 1920), {}, "the whole 1080x1920 image is squashed to a square, 1.78 times too flat"),
        ((1024, 1024), {"video_size": (640, 480)}, "the whole 640x480 image is squashed to a square, 1.33 times"),
    ],
)
def test_whole_image_that_is_squashed_is_told(size: tuple[int, int], choices: dict, expected: str) -> None:
    note = squash_note(*size, ExtractionSettings(**choices))
    assert note.startswith(expected)
    # Of a high image center_crop would squash more, so it is no way round there.
    assert ("--sample_mode center_crop" in note) == (size[0] >= size[1])
    assert "tracking with a square box" in note


@pytest.mark.parametrize(
    ("size", "choices"),
    [
        ((1024, 1024), {}),
        ((383, 381), {}),
        ((640, 480), {"video_size": (224, 224)}),
        ((640, 480), {"sample_mode": "center_crop"}),
        ((640, 480), {"sample_mode": "oversample"}),
    ],
)
def test_whole_image_that_is_not_squashed_to_a_square_is_no_news(size: tuple[int, int], choices: dict) -> None:
    assert squash_note(*size, ExtractionSettings(**choices)) == ""


@pytest.mark.parametrize("video_size", [None, (50, 90), (640, 360)])
@pytest.mark.parametrize("mode", SampleMode)
def test_pixels_of_a_crop_are_the_crop_of_the_network_rounded(
    mode: SampleMode, video_size: tuple[int, int] | None
) -> None:
    random = np.random.default_rng(6)
    settings = ExtractionSettings(sample_mode=mode, video_size=video_size)
    width, height = video_size or (300, 200)
    for _ in range(20):
        frame = random.integers(0, 256, (200, 300, 3), dtype=np.uint8)
        left, upper = random.integers(0, width - 1), random.integers(0, height - 1)
        box = np.array([left, upper, random.integers(left + 1, width + 1), random.integers(upper + 1, height + 1)])
        cropper = Cropper(settings)
        crop = (cropper.crop(cropper.image(frame), box) + 1) * 127.5
        pixels = crop_pixels(frame, box, settings)
        assert pixels.dtype == np.uint8
        assert pixels.shape == (*crop.shape[1:], 3)
        assert np.abs(pixels - crop.permute(1, 2, 0).numpy()).max() < 0.51


def test_pixels_of_a_crop_need_no_torch() -> None:
    code = (
        "import sys; import numpy as np; from napari_i3d.extraction.crops import crop_pixels; "
        "from napari_i3d.extraction.settings import ExtractionSettings; "
        "crop_pixels(np.zeros((9, 9, 3), np.uint8), np.array([0, 0, 5, 5]), ExtractionSettings()); "
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
