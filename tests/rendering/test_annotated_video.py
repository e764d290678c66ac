"""Rendered videos, decoded by a plain ffmpeg: which frame of the input each frame is, what is drawn where, the file.

Frames are told apart by the number that each frame of the numbered video carries as squares.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.processes import ffmpegs_of
from helpers.rendering import (
    GRAY,
    decode,
    described,
    gray_frames,
    looks_like,
    tracking_of,
    walk,
    write_frames,
)
from helpers.videos import HEIGHT, WIDTH, X264, read_number
from napari_i3d import Annotation, Behavior, Bout, Ethogram, RenderOptions, Tracking, Tracklet, open_video, render_video
from napari_i3d._utils.colors import colors_of
from napari_i3d.errors import NapariI3DError, OutputError, VideoError
from napari_i3d.rendering.encoder import exact_rate
from napari_i3d.rendering.options import Part
from napari_i3d.rendering.painting import PaintedText, TextPainter

ALL = frozenset(Part)
THREE = 3  # the numbered video is 128 pixels wide and enlarged to 384


def numbers_of(path: Path) -> list[int]:
    frames = decode(path, (WIDTH * THREE, HEIGHT * THREE))
    return [read_number(frame[1::THREE, 1::THREE]) for frame in frames]


@pytest.mark.parametrize(("start", "stop"), [(0, 120), (17, 61), (119, 120), (31, 32)])
def test_frame_k_is_input_frame_start_plus_k(numbered_clip: Path, tmp_path: Path, start: int, stop: int) -> None:
    out = tmp_path / "out.mp4"
    rendered = render_video(numbered_clip, out, options=RenderOptions(start=start, stop=stop, hide=ALL))
    assert rendered.frames == range(start, stop)
    assert rendered.size == (WIDTH * THREE, HEIGHT * THREE)
    assert numbers_of(out) == list(range(start, stop))


@pytest.mark.parametrize("speed", [0.5, 1, 4])
def test_speed_changes_the_rate_and_keeps_all_frames(numbered_clip: Path, tmp_path: Path, speed: float) -> None:
    out = tmp_path / "out.mp4"
    rendered = render_video(numbered_clip, out, options=RenderOptions(stop=40, hide=ALL, speed=speed))
    assert rendered.fps == 25 * speed
    with open_video(out) as video:
        assert video.fps == pytest.approx(25 * speed)
    assert numbers_of(out) == list(range(40))


def test_ntsc_rate_is_kept_exactly(tmp_path: Path) -> None:
    source = write_frames(tmp_path / "ntsc.mp4", gray_frames(12, 64, 48), rate="30000/1001")
    render_video(source, tmp_path / "out.mp4")
    assert "29.97 fps" in described(tmp_path / "out.mp4")
    with open_video(tmp_path / "out.mp4") as video:
        assert np.allclose(np.diff(video.times_s), 1001 / 30000, atol=1e-6)


@pytest.mark.parametrize(("fps", "fraction"), [(30000 / 1001, (30000, 1001)), (25.0, (25, 1)), (1 / 60, (1, 60))])
def test_exact_rate_finds_the_fraction(fps: float, fraction: tuple[int, int]) -> None:
    rate = exact_rate(fps)
    assert (rate.numerator, rate.denominator) == fraction


def test_variable_rate_keeps_every_frame_and_says_so(encode: Callable[..., Path], tmp_path: Path) -> None:
    uneven = encode("uneven.mkv", [*X264, "-vf", "setpts=(N+20*gte(N\\,30)+N*N/50)/25/TB", "-fps_mode", "passthrough"])
    with open_video(uneven) as video:
        span_s = video.times_s[-1] - video.times_s[0]
        assert np.ptp(np.diff(video.times_s)) > 0.02
    rendered = render_video(uneven, tmp_path / "out.mp4", options=RenderOptions(hide=ALL))
    assert numbers_of(tmp_path / "out.mp4") == list(range(60))
    assert rendered.fps == pytest.approx(59 / span_s, rel=1e-3)
    (note,) = rendered.notes
    assert "the frame rate varies" in note


def test_even_part_of_uneven_video_plays_at_its_own_rate(encode: Callable[..., Path], tmp_path: Path) -> None:
    halves = encode("halves.mkv", ["-c:v", "ffv1", "-vf", "setpts=N+gte(N\\,30)*2*(N-30)", "-fps_mode", "passthrough"])
    rendered = render_video(halves, tmp_path / "out.mp4", options=RenderOptions(start=32, hide=ALL))
    assert rendered.fps == pytest.approx(25 / 3, rel=1e-2)
    assert rendered.notes == ()


def test_box_is_drawn_at_its_place_in_its_frame(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    source, boxes = gray_video(20), walk(20)
    tracking = tracking_of(boxes, walk(5, "late", start=10, step=0))
    out = tmp_path / "out.mp4"
    hide = frozenset({Part.READOUT, Part.IDS})
    rendered = render_video(
        source, out, tracking=tracking, options=RenderOptions(start=4, hide=hide, individuals=("a",))
    )
    color = colors_of(tracking)["a"]
    frames = decode(out, rendered.size)
    assert len(frames) == 16
    for k, frame in enumerate(frames):
        left, upper, right, lower = boxes.boxes[4 + k].astype(int)
        for line in (
            frame[upper + 8 : lower - 8, left : left + 2],
            frame[upper + 8 : lower - 8, right - 2 : right],
            frame[upper : upper + 2, left + 8 : right - 8],
            frame[lower - 2 : lower, left + 8 : right - 8],
        ):
            assert looks_like(line, color), k
        away = np.abs(frame.astype(int) - GRAY).max(axis=2) > 24
        away[upper - 4 : lower + 4, left - 4 : right + 4] = False
        assert not away.any(), "nothing else is drawn"
        assert np.abs(frame[upper + 6 : lower - 6, left + 6 : right - 6].astype(int) - GRAY).max() < 24


def test_boxes_of_a_resized_video_are_scaled_back(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    boxes = np.array([[50.0, 40, 100, 80]])
    tracking = Tracking([Tracklet("a", 0, boxes)])
    options = RenderOptions(video_size=(200, 160), stop=1, hide=frozenset({Part.READOUT, Part.IDS}))
    rendered = render_video(gray_video(2), tmp_path / "out.mp4", tracking=tracking, options=options)
    (frame,) = decode(tmp_path / "out.mp4", rendered.size)
    assert looks_like(frame[100:140, 100:102], colors_of(tracking)["a"])
    assert looks_like(frame[158:160, 120:180], colors_of(tracking)["a"])


def colored(frame: np.ndarray, color: str) -> np.ndarray:
    """Return the columns of pixels that are nearer to a color than to gray."""
    target = np.array(list(bytes.fromhex(color[1:])))
    near = np.abs(frame.astype(int) - target).sum(axis=2) < np.abs(frame.astype(int) - GRAY).sum(axis=2)
    strong = np.ptp(frame.astype(int), axis=2) > 60
    return np.flatnonzero((near & strong).any(axis=0))


def test_behavior_is_named_beside_the_box_while_it_is_on(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    tracking = tracking_of(walk(20, step=0))
    annotation = Annotation(bouts=[Bout("a", "grooming", 5, 12)], n_frames=20)
    color = annotation.ethogram.style_of(0)[0]
    hide = frozenset({Part.READOUT, Part.IDS, Part.BOXES, Part.ETHOGRAM})
    rendered = render_video(
        gray_video(20), tmp_path / "out.mp4", tracking=tracking, annotation=annotation, options=RenderOptions(hide=hide)
    )
    frames = decode(tmp_path / "out.mp4", rendered.size)
    on = [bool(len(colored(frame[100:125], color))) for frame in frames]
    assert on == [5 <= number < 12 for number in range(20)]
    assert colored(frames[8][100:125], color).min() >= 100, "at the right of the box"


@pytest.mark.parametrize(("other_left", "expected"), [(70, "a: walk"), (300, "walk")])
def test_behavior_on_the_box_of_another_names_its_own(
    gray_video: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_left: int, expected: str
) -> None:
    painted: set[str] = set()
    paint = TextPainter.paint

    def note(self: TextPainter, text: str, color: str) -> PaintedText:
        painted.add(text)
        return paint(self, text, color)

    monkeypatch.setattr(TextPainter, "paint", note)
    boxes = {"a": [20, 100, 60, 140], "b": [other_left, 100, other_left + 60, 140]}
    tracking = Tracking(Tracklet(one, 0, np.tile(np.array(box, float), (4, 1))) for one, box in boxes.items())
    labels = Annotation(Ethogram((Behavior("walk"),)), (Bout("a", "walk", 3, 4),))
    options = RenderOptions(hide=frozenset({Part.ETHOGRAM}))
    render_video(gray_video(4), tmp_path / "out.mp4", tracking=tracking, annotation=labels, options=options)
    # The first text is painted to find its place.
    assert {text for text in painted if "walk" in text} == {"walk", expected}


def test_individual_without_a_box_is_listed_in_the_corner(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    annotation = Annotation(bouts=[Bout("b", "grooming", 3, 6)], n_frames=10)
    options = RenderOptions(hide=frozenset({Part.READOUT, Part.ETHOGRAM}))
    rendered = render_video(
        gray_video(10), tmp_path / "out.mp4", tracking=tracking_of(walk(10)), annotation=annotation, options=options
    )
    color = annotation.ethogram.style_of(0)[0]
    frames = decode(tmp_path / "out.mp4", rendered.size)
    assert [bool(len(colored(frame[:20], color))) for frame in frames] == [3 <= number < 6 for number in range(10)]


@pytest.mark.parametrize(("width", "height"), [(401, 321), (400, 321), (401, 320)])
def test_odd_sizes_are_padded_not_cropped(tmp_path: Path, width: int, height: int) -> None:
    image = np.full((height, width, 3), GRAY, np.uint8)
    image[-8:], image[:, -8:] = (200, 200, 40), (200, 200, 40)
    source = write_frames(tmp_path / "odd.mkv", [image] * 3)
    rendered = render_video(source, tmp_path / "out.mp4", options=RenderOptions(hide=ALL))
    assert rendered.size == (width + width % 2, height + height % 2)
    frame = decode(tmp_path / "out.mp4", rendered.size)[1]
    assert np.abs(frame[:height, :width].astype(int) - image).mean() < 6
    assert looks_like(frame[-2:], "#c8c828", most=25)
    assert looks_like(frame[:, -2:], "#c8c828", most=25)


def test_file_is_h264_yuv420p_with_its_colors_named(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    render_video(gray_video(3), tmp_path / "out.mp4")
    said = described(tmp_path / "out.mp4")
    assert "Video: h264" in said
    assert "yuv420p(tv, bt709" in said
    assert "Audio" not in said


@pytest.mark.parametrize("after", [1, 2, 15])
def test_closed_generator_leaves_neither_file_nor_ffmpeg(
    numbered_clip: Path, tmp_path: Path, after: int, ffmpegs: Callable[[], int]
) -> None:
    (tmp_path / "out.mp4").write_bytes(b"before")
    steps = render_video.steps(numbered_clip, tmp_path / "out.mp4", overwrite=True)
    for _ in range(after):
        step = next(steps)
    assert (step.done, step.total) == (after - 1, 120)
    assert ffmpegs() == (2 if after > 1 else 1)
    began = time.monotonic()
    steps.close()
    assert time.monotonic() - began < 5
    assert ffmpegs() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"before"


def test_killed_encoder_is_an_error_that_leaves_nothing(numbered_clip: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("finds processes through /proc")
    before = ffmpegs_of(os.getpid())
    steps = render_video.steps(numbered_clip, tmp_path / "out.mp4")
    next(steps)
    (encoder,) = ffmpegs_of(os.getpid()) - before  # the decoder starts with the first frame
    os.kill(encoder, 9)
    with pytest.raises(OutputError, match=r"out\.mp4: cannot be written"):
        list(steps)
    assert list(tmp_path.iterdir()) == []


def test_damaged_video_leaves_nothing(encode: Callable[..., Path], tmp_path: Path) -> None:
    data = bytearray(encode("whole.mp4", [*X264, "-g", "10"]).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    source = tmp_path / "hurt.mp4"
    source.write_bytes(data)
    with pytest.raises(VideoError, match="damaged at frame"):
        render_video(source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["hurt.mp4"]


TWO = tracking_of(walk(9), walk(9, 7))


def bouts_to(stop: int) -> Annotation:
    return Annotation(bouts=[Bout("a", "rest", 0, stop)])


@pytest.mark.parametrize(
    ("out", "given", "options", "message"),
    [
        ("out.avi", {}, {}, "written as .mp4, not as .avi"),
        ("nowhere/out.mp4", {}, {}, "nowhere: no such folder"),
        ("gray.mp4", {}, {}, "gray.mp4: exists"),
        ("out.mp4", {}, {"start": 30}, "start: expected a frame from 0 to 29, found 30"),
        ("out.mp4", {}, {"start": -1}, "start: expected a frame from 0 to 29, found -1"),
        ("out.mp4", {}, {"start": 5, "stop": 5}, "stop: expected a number from 6 to 30, found 5"),
        ("out.mp4", {}, {"stop": 31}, "stop: expected a number from 1 to 30, found 31"),
        ("out.mp4", {}, {"individuals": ("a",)}, "no individual a; there are: none"),
        ("out.mp4", {}, {"individuals": ()}, "expected at least one id"),
        ("out.mp4", {"tracking": TWO}, {"individuals": ("b",)}, "no individual b; there are: a, 7"),
        ("out.mp4", {"tracking": TWO}, {"follow": "b"}, "no individual b; there are: a, 7"),
        ("out.mp4", {"annotation": bouts_to(9)}, {"follow": "a"}, "no individual a; there are: none"),
        ("out.mp4", {"tracking": tracking_of(walk(31))}, {}, "a: has boxes up to frame 30, but the last frame of"),
        ("out.mp4", {"annotation": bouts_to(31)}, {}, "a: has labels up to frame 30, but the last frame of gray"),
    ],
)  # fmt: skip
def test_wrong_input_is_named_and_writes_nothing(
    gray_video: Callable[..., Path], tmp_path: Path, out: str, given: dict, options: dict, message: str
) -> None:
    source = gray_video(30)
    before = source.read_bytes()
    with pytest.raises(NapariI3DError) as raised:
        render_video(source, tmp_path / out, **given, options=RenderOptions(**options))
    assert message in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["gray.mp4"]
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0},
        {"speed": float("nan")},
        {"quality": 52},
        {"ethogram_window_s": -1},
        {"hide": {"hats"}},
        {"follow_size_px": 40},
        {"follow": "a", "follow_size_px": 1},
        {"video_size": (0, 5)},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(NapariI3DError, match="expected"):
        RenderOptions(**wrong)


def test_video_is_never_replaced_by_its_copy(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    source = gray_video(3)
    before = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)
    for out in (source, tmp_path / "link.mp4"):
        with pytest.raises(OutputError, match="is the video itself"):
            render_video(source, out, overwrite=True)
    assert source.read_bytes() == before


def test_individuals_outside_the_choice_do_not_stop_it(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    tracking = tracking_of(walk(30), walk(40, "too long"))
    render_video(gray_video(30), tmp_path / "out.mp4", tracking=tracking, options=RenderOptions(individuals=("a",)))
    assert (tmp_path / "out.mp4").exists()


def test_numbers_of_a_tracking_match_text_of_labels(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    annotation = Annotation(bouts=[Bout("7", "grooming", 0, 10)], n_frames=10)
    hide = frozenset({Part.READOUT, Part.IDS, Part.BOXES, Part.ETHOGRAM})
    rendered = render_video(
        gray_video(10),
        tmp_path / "out.mp4",
        tracking=tracking_of(walk(10, 7, step=0)),
        annotation=annotation,
        options=RenderOptions(hide=hide, individuals=("7",)),
    )
    frame = decode(tmp_path / "out.mp4", rendered.size)[5]
    assert colored(frame[100:125], annotation.ethogram.style_of(0)[0]).min() >= 100


HOSTILE_IDS = ["", "a\nb", "日本語", "\U0001f400", "\u202egp", "\ud800", "x" * 500, "{a}", "%d", "<b>a</b>", -5, 2**62]


def test_any_id_and_behavior_can_be_drawn(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    ids = [one for one in HOSTILE_IDS if one != "\ud800"]  # not a valid id
    names = [str(one) for one in ids if one != "" and str(one).isprintable()]
    bouts = [Bout(one, name, 0, 3, target=ids[0]) for one in ids for name in names]
    annotation = Annotation(Ethogram(tuple(Behavior(name, exclusive=False) for name in names)), bouts, n_frames=3)
    tracking = tracking_of(*(walk(3, one, step=0) for one in ids))
    rendered = render_video(gray_video(3), tmp_path / "out.mp4", tracking=tracking, annotation=annotation)
    assert len(decode(tmp_path / "out.mp4", rendered.size)) == 3


def test_boxes_of_any_numbers_can_be_drawn(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    boxes = np.array(
        [
            [np.inf, 0, 5, 5],
            [50, 60, 10, 20],
            [1e300, 1e300, -1e300, 5],
            [-1e9, -1e9, 1e9, 1e9],
            [30.5, 30.5, 30.5, 30.5],
            [-50, -50, -10, -10],
            [399, 319, 400, 320],
            [0, 0, 400, 320],
        ]
    )
    tracking = Tracking([Tracklet("a", 0, boxes)])
    for follow in (None, "a"):
        options = RenderOptions(follow=follow, follow_size_px=None if follow is None else 64)
        out = tmp_path / f"{follow}.mp4"
        rendered = render_video(gray_video(8), out, tracking=tracking, options=options)
        assert len(decode(out, rendered.size)) == 8


def test_single_frame_video_is_rendered(gray_video: Callable[..., Path], tmp_path: Path) -> None:
    rendered = render_video(gray_video(1), tmp_path / "out.mp4", tracking=tracking_of(walk(1)))
    assert len(decode(tmp_path / "out.mp4", rendered.size)) == 1
