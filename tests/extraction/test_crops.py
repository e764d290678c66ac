"""Crops, against loops over pixels."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from napari_i3d.extraction.crops import Cropper, crop_pixels, squash_note, views
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode

WIDTH, HEIGHT = 61, 43


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


def test_crops_equal_interpolation_of_torch() -> None:
    random = np.random.default_rng(4)
    frame = random.integers(0, 256, (500, 700, 3), dtype=np.uint8)
    cropper = Cropper(ExtractionSettings())
    image = cropper.image(frame)
    sizes = [(1, 1), (1, 300), (289, 7), (224, 224), *random.integers(2, 400, (40, 2)).tolist()]
    for width, height in sizes:
        left, upper = int(random.integers(0, 700 - width)), int(random.integers(0, 500 - height))
        box = np.array([left, upper, left + width, upper + height])
        part = image[:, upper : upper + height, left : left + width].to(torch.float32)[None]
        expected = torch.nn.functional.interpolate(part, size=(224, 224), mode="bilinear", align_corners=False)[0]
        np.testing.assert_allclose(cropper.crop(image, box), expected * (2 / 255) - 1, atol=1e-6)


def test_read_only_frame_is_cropped_without_warning() -> None:
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


def test_oversample_shows_corners_center_and_mirror_images() -> None:
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


@pytest.mark.parametrize(
    ("size", "choices", "expected"),
    [
        ((1920, 1080), {}, "the whole 1920x1080 image is squashed to a square, 1.78 times too narrow"),
        ((1080, 1920), {}, "the whole 1080x1920 image is squashed to a square, 1.78 times too flat"),
        ((1024, 1024), {"video_size": (640, 480)}, "the whole 640x480 image is squashed to a square, 1.33 times"),
    ],
)
def test_whole_image_that_is_squashed_is_told(size: tuple[int, int], choices: dict, expected: str) -> None:
    note = str(squash_note(*size, ExtractionSettings(**choices)))
    assert note.startswith(expected)
    # Of a high image center_crop would squash more, so it is no way round there.
    assert ('sample_mode="center_crop"' in note) == (size[0] >= size[1])
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
def test_square_whole_image_gets_no_note(size: tuple[int, int], choices: dict) -> None:
    assert squash_note(*size, ExtractionSettings(**choices)) is None


@pytest.mark.parametrize("video_size", [None, (50, 90), (640, 360)])
@pytest.mark.parametrize("mode", SampleMode)
def test_pixels_of_crop_are_crop_of_network_rounded(mode: SampleMode, video_size: tuple[int, int] | None) -> None:
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
