"""Make the images of the README and of docs: figures with the command, screenshots with the viewer.

    python docs/make_images.py

On a machine without a screen: ``xvfb-run -s "-screen 0 1920x1200x24" python docs/make_images.py``. The screenshots show
the clip of ``napari_i3d.write_synthetic_clip``, or the video given with ``--video``, ``--tracking`` and ``--credit``. A
caption in each image states the source of the video, and untrained weights.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from small_png import small_png, with_caption

import napari_i3d

if TYPE_CHECKING:
    from napari.viewer import Viewer

FOLDER = Path(__file__).resolve().parent / "images"
FIGURES = ("overview", "map", "similarity")
WINDOWS = ("viewer", "explore", "problems", "annotate", "learn", "editing")
MOST_BYTES = 300_000
DEMO = "napari_i3d_demo"

_SYNTHETIC = "Video: made up by this program (napari-i3d demo)."
_WINDOW_PX = 1600, 1000
_WAIT_S = 180.0
_ANIMATED_PX = 50
_STEADY_S = 1.0
"""A window is ready if it does not change for this long while no thread is running."""


@dataclass(frozen=True)
class Clip:
    """Files shown in the screenshots."""

    video: Path
    tracking: Path
    features: Path
    trained: bool  # whether the features were made with trained weights
    source: str  # sentence of the caption about the origin of the video


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the images selected by the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, default=FOLDER, metavar="DIR", help="output folder (default: docs/images)")
    add("--only", nargs="+", choices=(*FIGURES, *WINDOWS), default=(*FIGURES, *WINDOWS), metavar="NAME",
        help="only these: %(choices)s")  # fmt: skip
    add("--video", type=Path, help="video of the screenshots (default: a synthetic clip)")
    add("--tracking", type=Path, help="its tracking")
    add("--credit", help="owner and license of the video, for the captions")
    add("--features", type=Path, help="its features (default: extracted with untrained weights)")
    add("--theme", choices=("dark", "light"), default="dark", help="theme of the screenshots")
    options = parser.parse_args(arguments)
    given = [options.video, options.tracking, options.credit]
    if (any(given) or options.features) and not all(given):
        parser.error("a video of your own takes --video, --tracking and --credit together")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="napari_i3d_images_") as scratch:
        work = Path(scratch)
        if figures := [name for name in FIGURES if name in options.only]:
            make_figures(work, options.out, figures)
        if windows := [name for name in WINDOWS if name in options.only]:
            clip = _clip(work, options.video, options.tracking, options.credit, options.features)
            with _default_settings(work):
                make_windows(clip, work, options.out, windows, options.theme)


def make_figures(work: Path, out: Path, names: Sequence[str] = FIGURES, demo: Path | None = None) -> None:
    """Make figures with the commands of docs/exploring.md, from the output of the demo: in `demo`, or run in `work`.

    The cache folder is empty, so the demo uses untrained weights.
    """
    if demo is None:
        demo = work / DEMO
        _command(work, "demo", "--outputpath", demo)
    features, video, tracking = (demo / f"{DEMO}{ending}" for ending in (".npy", ".mp4", "_tracks.pickle"))
    images = "--video", video, "--tracking", tracking
    plots: dict[str, tuple[str | Path, ...]] = {
        "overview": ("--individuals", "striped", *images),
        "map": ("--kind", "map", *images),
        "similarity": ("--kind", "similarity", "--individuals", "striped"),
    }
    for name in names:
        figure = work / f"{name}.png"
        _command(work, "plot", features, *plots[name], "--out", figure)
        with Image.open(figure) as image:
            _save(image, out / figure.name, f"{_SYNTHETIC} Features: untrained weights.")


def make_windows(clip: Clip, work: Path, out: Path, names: Sequence[str] = WINDOWS, theme: str = "dark") -> None:
    """Make screenshots."""
    weights = "" if clip.trained else " Features: untrained weights, so they mean nothing."
    if "viewer" in names:
        with _viewer(clip.video, clip.tracking, clip.features, theme) as viewer:
            _save(_viewer_screenshot(viewer), out / "viewer.png", clip.source + weights)
    if "explore" in names:
        with _viewer(clip.video, clip.tracking, clip.features, theme) as viewer:
            _save(_explore_screenshot(viewer), out / "explore.png", clip.source + weights)
    if "annotate" in names:
        with _viewer(clip.video, clip.tracking, clip.features, theme) as viewer:
            _save(_annotate_screenshot(viewer), out / "annotate.png", f"{clip.source} Labels: made up.{weights}")
    if "learn" in names:
        with _viewer(clip.video, clip.tracking, clip.features, theme) as viewer:
            _save(_learn_screenshot(viewer), out / "learn.png", f"{clip.source} Labels: made up.{weights}")
    if "editing" in names:
        with _viewer(clip.video, clip.tracking, None, theme) as viewer:
            _save(_editing_screenshot(viewer), out / "editing.png", clip.source)
    if "problems" in names:
        mistaken = work / f"{clip.video.stem}_with_mistakes.pickle"
        _write_mistakes(clip.tracking, mistaken)
        with _viewer(clip.video, mistaken, None, theme) as viewer:
            mistakes = " The mistakes were added to the tracking for this image."
            _save(_problems_screenshot(viewer), out / "problems.png", clip.source + mistakes)


def _command(work: Path, *arguments: str | Path) -> None:
    environment = os.environ | {"NAPARI_I3D_HOME": str(work / "home"), "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "-m", "napari_i3d", *map(str, arguments)], env=environment, check=True)


def _save(image: Image.Image, path: Path, caption: str) -> None:
    software = f"napari_i3d {napari_i3d.__version__}, docs/make_images.py"
    path.write_bytes(small_png(with_caption(image, caption), MOST_BYTES, Software=software, Description=caption))
    sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


def _clip(work: Path, video: Path | None, tracking: Path | None, credit: str | None, path: Path | None) -> Clip:
    """Return the clip of the screenshots; extract its features if none are given."""
    source = f"Video: {credit}."
    if video is None or tracking is None:
        synthetic = napari_i3d.write_synthetic_clip(work, n_frames=140, bouts=7)
        video, tracking, source = synthetic.video, synthetic.tracking, _SYNTHETIC
    if path is None:
        path = work / f"{video.stem}.npy"
        settings = napari_i3d.ExtractionSettings(pad=True, frequency=4)
        with napari_i3d.open_video(video) as opened:
            boxes = napari_i3d.read_tracking(tracking)
            features = napari_i3d.extract_features(opened, boxes, settings=settings, weights="untrained")
        napari_i3d.write_features(path, features)
    provenance = napari_i3d.read_features(path).provenance
    return Clip(video, tracking, path, bool(provenance["weights"]["trained"]), source)


def _write_mistakes(tracking: Path, path: Path) -> None:
    """Write a tracking with mistakes: a gap, an empty box and a jump of one individual; a gap of another."""
    boxes = {
        tracklet.id: {tracklet.start + i: box for i, box in enumerate(tracklet.boxes.tolist())}
        for tracklet in napari_i3d.read_tracking(tracking).values()
    }
    first, second = sorted(boxes, key=lambda name: -len(boxes[name]))[:2]
    frames = sorted(boxes[first])
    place = len(frames) // 4
    for frame in frames[place : place + 6]:
        del boxes[first][frame]
    left, upper, _, _ = boxes[first][frames[2 * place]]
    boxes[first][frames[2 * place]] = [left, upper, left, upper]
    width = max(right - left for left, _, right, _ in boxes[first].values())
    jump = boxes[first][frames[3 * place]]
    boxes[first][frames[3 * place]] = [jump[0] + 1.5 * width, jump[1], jump[2] + 1.5 * width, jump[3]]
    for frame in sorted(boxes[second])[-12:-9]:
        del boxes[second][frame]
    import pickle

    path.write_bytes(pickle.dumps(boxes))


@contextmanager
def _default_settings(work: Path) -> Iterator[None]:
    """Use default settings of napari and of this program instead of the user's."""
    own = {"NAPARI_CONFIG": str(work / "napari.yaml"), "NAPARI_I3D_HOME": str(work / "home")}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _viewer(video: Path, tracking: Path, features: Path | None, theme: str) -> "Iterator[Viewer]":
    """Open the viewer with all docks, of a fixed size."""
    from qtpy.QtWidgets import QApplication

    viewer = napari_i3d.view(video, tracking, features)
    try:
        QApplication.setCursorFlashTime(0)  # a blinking cursor changes the window
        viewer.theme = theme
        viewer.window.resize(*_WINDOW_PX)
        yield viewer
    finally:
        viewer.close()


def _viewer_screenshot(viewer: "Viewer") -> Image.Image:
    _look_at_animals(viewer)
    crop = _dock(viewer, "Crop preview")
    _dock(viewer, "Individuals")
    frame = viewer.dims.current_step[0]
    return _screenshot(viewer, lambda: _says(crop, rf"frame {frame}\b"), look=True)


def _explore_screenshot(viewer: "Viewer") -> Image.Image:
    from qtpy.QtWidgets import QListWidget

    _look_at_animals(viewer)
    viewer.window.add_plugin_dock_widget("napari-i3d", "Crop preview")[0].hide()  # room for the map
    explore = _dock(viewer, "Explore features")
    _press(viewer, explore, "Compute")
    _wait(viewer, lambda: _says(explore, r"\d rows of .* clusters"))
    _draw_around_points(explore)
    _wait(viewer, lambda: _says(explore, r"rows selected"))
    _press(viewer, explore, "Find similar")
    return _screenshot(
        viewer, lambda: _says(explore, r"moments like") and explore.findChild(QListWidget).count() > 0, look=True
    )


def _problems_screenshot(viewer: "Viewer") -> Image.Image:
    individuals = _dock(viewer, "Individuals")
    crop = _dock(viewer, "Crop preview")
    _wait(viewer, lambda: _says(individuals, r"\d problems"))
    start = viewer.dims.current_step[0]
    for _ in range(3):
        _press(viewer, individuals, "Next")
        _wait(viewer, lambda: True)
    frame = viewer.dims.current_step[0]
    if frame == start:
        raise RuntimeError("expected Next to go to a problem, but the frame is the same")
    return _screenshot(viewer, lambda: _says(crop, rf"frame {frame}\b"))


def _annotate_screenshot(viewer: "Viewer") -> Image.Image:
    """Show labels in shares of the video, and clusters below them."""
    from napari_i3d.plugin.context import get_session
    from napari_i3d.plugin.timeline.lanes import LaneKind

    _look_at_animals(viewer)
    tracked, session = napari_i3d.tracked_video(viewer), get_session(viewer)
    n_frames = len(tracked.video)
    names = ("walk", "rest", "groom")
    edges = [round(share * n_frames) for share in (0, 0.17, 0.33, 0.67, 0.8, 1)]
    bouts = [
        napari_i3d.Bout(individual, names[(number + place) % len(names)], start, stop)
        for place, individual in enumerate(tracked.tracking)
        for number, (start, stop) in enumerate(pairwise(edges))
        if number != 3 - place
    ]
    ethogram = napari_i3d.Ethogram(tuple(napari_i3d.Behavior(name, name[0]) for name in names))
    tracked.labels.set_annotation(napari_i3d.Annotation(ethogram, bouts, n_frames=n_frames), None)
    explore = _dock(viewer, "Explore features")
    _press(viewer, explore, "Compute")
    _wait(viewer, lambda: _says(explore, r"\d rows of .* clusters"))
    viewer.window.add_plugin_dock_widget("napari-i3d", "Plot features")[0].hide()
    annotate = _dock(viewer, "Annotate")
    crop = _dock(viewer, "Crop preview")
    crop.mode.setCurrentIndex(crop.mode.count() - 1)
    session.labelling.on = True
    groups = annotate.canvas.data.groups
    return _screenshot(viewer, lambda: all(group.lane(LaneKind.CLUSTERS) is not None for group in groups), look=True)


def _learn_screenshot(viewer: "Viewer") -> Image.Image:
    """Show what a probe of the labels of one individual proposes, and what to label next."""
    _look_at_animals(viewer)
    tracked = napari_i3d.tracked_video(viewer)
    first, n_frames = next(iter(tracked.tracking)), len(tracked.video)
    edges = [round(share * n_frames) for share in (0, 0.1, 0.25, 0.35, 0.5)]
    names = ("walk", "rest")
    bouts = [
        napari_i3d.Bout(first, names[number % 2], start, stop)
        for number, (start, stop) in enumerate(pairwise(edges))
        if number != 2
    ]
    ethogram = napari_i3d.Ethogram(tuple(napari_i3d.Behavior(name, name[0]) for name in names))
    labels = napari_i3d.Annotation(ethogram, bouts, {first: [(0, edges[-1])]}, n_frames=n_frames)
    tracked.labels.set_annotation(labels, None)
    viewer.window.add_plugin_dock_widget("napari-i3d", "Plot features")[0].hide()
    _dock(viewer, "Annotate")
    learn = _dock(viewer, "Learn behaviors")
    _wait(viewer, lambda: _says(learn, r"Learns from"))
    _press(viewer, learn, "Train")
    _wait(viewer, lambda: _says(learn, r"Trained on"))
    _press(viewer, learn, "Next")
    return _screenshot(viewer, lambda: tracked.span is not None)


def _editing_screenshot(viewer: "Viewer") -> Image.Image:
    from napari_i3d.plugin.context import get_session

    _look_at_animals(viewer)
    individuals = _dock(viewer, "Individuals")
    _press(viewer, individuals, "Edit")
    session = get_session(viewer)
    return _screenshot(viewer, lambda: session.box_editor.is_on, look=True)


def _look_at_animals(viewer: "Viewer") -> None:
    """Go to a fifth of the video, and zoom in on the animals."""
    tracked = napari_i3d.tracked_video(viewer)
    frame = len(tracked.video) // 5
    viewer.dims.set_current_step(0, frame)
    boxes = [t.boxes[frame - t.start] for t in tracked.tracking.values() if t.start <= frame < t.stop]
    left, upper = (min(box[edge] for box in boxes) for edge in (0, 1))
    right, lower = (max(box[edge] for box in boxes) for edge in (2, 3))
    camera = viewer.scene.camera
    near = min(viewer.canvas.size) / max(right - left, lower - upper) / 3
    camera.zoom = near
    camera.center = (*camera.center[:-2], (upper + lower) / 2, (left + right) / 2)


def _dock(viewer: "Viewer", name: str) -> Any:
    """Open a dock or bring it to the front, and return its widget."""
    dock, widget = viewer.window.add_plugin_dock_widget("napari-i3d", name)
    dock.show()
    dock.raise_()
    return widget


def _press(viewer: "Viewer", dock: Any, text: str) -> None:
    """Click a button as soon as it is enabled."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QPushButton

    button = next((button for button in dock.findChildren(QPushButton) if button.text() == text), None)
    if button is None:
        raise RuntimeError(f"expected a button {text!r} in {type(dock).__name__}, found none")
    _wait(viewer, button.isEnabled)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def _draw_around_points(dock: Any) -> None:
    """Draw around the right third of a map with the mouse."""
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    canvas = next(canvas for canvas in dock.findChildren(FigureCanvasQTAgg) if canvas.isVisible())
    box = canvas.figure.axes[0].bbox
    top = canvas.height() * canvas.device_pixel_ratio - box.y1
    corners = [
        QPoint(round(box.x0 + x * box.width), round(top + y * box.height))
        for x, y in ((0.66, 0.03), (0.98, 0.03), (0.98, 0.97), (0.66, 0.97))
    ]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=corners[0])
    for corner in corners[1:]:
        QTest.mouseMove(canvas, corner)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=corners[-1])


def _says(dock: Any, pattern: str) -> bool:
    """Return whether a visible label in a dock matches."""
    from qtpy.QtWidgets import QLabel

    return any(label.isVisible() and re.search(pattern, label.text()) for label in dock.findChildren(QLabel))


def _wait(viewer: "Viewer", ready: Callable[[], bool]) -> Any:
    """Wait until a condition holds, no thread is running, no notification is shown, and the window does not change.

    Returns
    -------
    numpy.ndarray
        The window, (H, W, 4) uint8.
    """
    from napari._qt.dialogs.qt_notification import NapariQtNotification
    from qtpy.QtCore import QThreadPool
    from qtpy.QtWidgets import QApplication

    deadline = time.monotonic() + _WAIT_S
    shown, since = None, time.monotonic()
    while time.monotonic() < deadline:
        QApplication.processEvents()
        time.sleep(0.05)
        window = viewer.window._qt_window
        messages = [found for found in window.findChildren(NapariQtNotification) if found.isVisible()]
        for message in messages:
            message.close()  # warnings stay open
        if messages or not ready() or QThreadPool.globalInstance().activeThreadCount():
            shown = None
            continue
        screenshot = viewer.screenshot(canvas_only=False, flash=False)
        if shown is None or not _alike(screenshot, shown):
            shown, since = screenshot, time.monotonic()
        elif time.monotonic() - since >= _STEADY_S:
            return screenshot
    raise TimeoutError(f"the window is not ready after {_WAIT_S:g} s; look at what it shows")


def _alike(screenshot: Any, other: Any) -> bool:
    """Return whether two screenshots are equal but for a few pixels: napari's layer list has animated icons."""
    return screenshot.shape == other.shape and (screenshot != other).any(axis=2).sum() <= _ANIMATED_PX


def _screenshot(viewer: "Viewer", ready: Callable[[], bool], *, look: bool = False) -> Image.Image:
    """Take a picture of the window once it is ready; `look`: zoom in on the animals, now that all docks are there."""
    screenshot = _wait(viewer, ready)
    if look:
        _look_at_animals(viewer)
        screenshot = _wait(viewer, ready)
    if screenshot.shape[1::-1] != _WINDOW_PX:
        width, height = screenshot.shape[1::-1]
        raise RuntimeError(
            f"expected a window of {_WINDOW_PX[0]}x{_WINDOW_PX[1]}, found {width}x{height}: take a larger screen"
        )
    return Image.fromarray(screenshot)


if __name__ == "__main__":
    main()
