"""check, weights, demo and the outer edge of the command, as a user gives them."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import napari_i3d
from helpers.batches import Workplace
from helpers.demo import DemoRun
from helpers.processes import ffmpegs_of
from napari_i3d.cli.main import main
from napari_i3d.features.io.reading import read_features


def test_demo_runs_the_main_job_without_a_network(demo: DemoRun) -> None:
    assert "untrained" in demo.output
    assert "napari-i3d weights download" in demo.output
    assert "CC-BY-NC 4.0" in demo.output
    features = read_features(demo.folder / "napari_i3d_demo.npy")
    assert {i: rows.shape for i, rows in features.items()} == {"striped": (72, 2048), "spotted": (72, 2048)}
    assert features.provenance["weights"]["trained"] is False
    loaded = np.load(demo.folder / "napari_i3d_demo.npy", allow_pickle=True).item()
    assert loaded["max_frames"] == {"striped": 71, "spotted": 71}
    image = (demo.folder / "napari_i3d_demo.png").read_bytes()
    assert image.startswith(b"\x89PNG")
    for line in demo.output.splitlines():
        if "demo" in line and ":  " in line:
            assert Path(line.split(":", 1)[1].strip()).exists(), line


def test_sample_data_are_the_same_every_time(tmp_path: Path) -> None:
    from napari_i3d.synthetic import write_synthetic_clip

    one, two = write_synthetic_clip(tmp_path / "a", 10), write_synthetic_clip(tmp_path / "b", 10)
    assert one.video.read_bytes() == two.video.read_bytes()
    assert one.tracking.read_bytes() == two.tracking.read_bytes()


def test_boxes_of_the_sample_data_hold_the_animals(tmp_path: Path) -> None:
    from napari_i3d.synthetic import write_synthetic_clip

    clip = write_synthetic_clip(tmp_path)
    tracking = napari_i3d.read_tracking(clip.tracking)
    assert napari_i3d.check_tracking(tracking, (72, 288, 384, 3)) == []
    with napari_i3d.open_video(clip.video) as video:
        frame = video[50].astype(int)
    left, upper, right, lower = tracking["striped"].boxes[50].astype(int)
    orange = (frame[..., 0] - frame[..., 2]) > 60
    inside = np.zeros_like(orange)
    inside[upper:lower, left:right] = True
    assert orange[inside].mean() > 0.15
    assert orange[~inside].mean() < 0.001


def test_check_lists_problems_and_tells_by_its_status(workplace: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    video = workplace.add("one")
    tracks = workplace.tracks / "one_tracks.pickle"
    assert main(["check", str(video), "--tracking", str(tracks)]) == 0
    assert "no problems" in capsys.readouterr().out
    boxes = {frame: [20, 20, 80, 90] for frame in range(15) if frame != 4}
    tracks.write_bytes(pickle.dumps({"male": boxes}))
    assert main(["check", str(video), "--tracking", str(tracks)]) == 1
    out = capsys.readouterr().out
    assert "male: frame 4: no box between its first and last" in out
    assert "beyond-video" in out
    assert "2 errors, which stop an extraction\n" in out
    assert "1 individual\n" in out


def test_check_fails_for_what_stops_an_extraction_alone(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    video = workplace.add("one", tracking=False)
    boxes = np.tile([20.0, 20, 80, 90], (12, 1))
    boxes[5] += 150
    tracks = workplace.add_tracking("one", {"a": (0, boxes)})
    command = ["check", str(video), "--tracking", str(tracks)]
    assert main(command) == 0
    assert "warning  jump" in capsys.readouterr().out
    assert main([*command, "--strict"]) == 1
    assert capsys.readouterr().out.endswith("\n1 warning\n")


def test_check_names_the_mistake(workplace: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    video = workplace.add("one", tracking=False)
    tracks = workplace.add_tracking("one", {"a": (0, np.tile([200.0, 150, 40, 50], (12, 1)))})
    assert main(["check", str(video), "--tracking", str(tracks)]) == 1
    assert "look like [x, y, width, height]" in capsys.readouterr().out.splitlines()[-2]


def test_check_names_the_nearest_tracking_file(workplace: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    video = workplace.add("one")
    assert main(["check", str(video), "--tracking", str(workplace.tracks / "one_trakcs.pickle")]) == 1
    assert capsys.readouterr().err.endswith("is it one_tracks.pickle?\n")


def test_check_measures_boxes_against_the_resized_video(workplace: Workplace) -> None:
    video = workplace.add("one", tracking=False)
    tracks = workplace.add_tracking("one", {"a": (0, np.tile([500.0, 400, 600, 500], (12, 1)))})
    assert main(["check", str(video), "--tracking", str(tracks)]) == 1
    assert main(["check", str(video), "--tracking", str(tracks), "--video-w", "768", "--video_h", "576"]) == 0


def test_check_of_unreadable_files_is_one_line(workplace: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    video = workplace.add("one")
    assert main(["check", str(video), "--tracking", str(video)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("napari-i3d: ")


def test_view_passes_on_how_tracking_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_i3d.plugin import viewer

    called: list[object] = []
    monkeypatch.setattr(viewer, "run", lambda video, tracking, *, reading: called.extend((video, tracking, reading)))
    arguments = ["--tracking", "poses.h5", "--size-px", "60", "--base", "1", "--tracking-format", "deeplabcut"]
    assert main(["view", "day1.mp4", *arguments]) == 0
    reading = napari_i3d.TrackingReading("deeplabcut", 1, napari_i3d.KeypointBoxes(size_px=60))
    assert called == [Path("day1.mp4"), Path("poses.h5"), reading]


def test_weights_are_converted_and_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "w.safetensors"
    assert main(["weights", "convert", "untrained", str(target)]) == 0
    assert "untrained" in capsys.readouterr().out
    assert main(["weights", "info", str(target)]) == 0
    out = capsys.readouterr().out
    assert "sha256" in out
    assert "trained      False" in out
    content = bytearray(target.read_bytes())
    target.write_bytes(content[: len(content) // 2])
    assert main(["weights", "info", str(target)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_weights_info_tells_missing_ones_and_their_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "info"]) == 1
    out = capsys.readouterr().out
    assert "CC-BY-NC 4.0" in out
    assert "napari-i3d weights download" in out


def test_weights_download_without_a_network_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    from dataclasses import replace

    from napari_i3d.backbones import pretrained

    source = replace(pretrained.SOURCES["i3d_r50_kinetics"], url="http://127.0.0.1:9/weights.pkl")
    monkeypatch.setitem(pretrained.SOURCES, "i3d_r50_kinetics", source)
    assert main(["weights", "download"]) == 1
    said = capsys.readouterr()
    assert "CC-BY-NC 4.0" in said.out
    assert "cannot be downloaded" in said.err
    assert not [path for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize("arguments", [["extract"], ["nonsense"], ["weights"], ["check", "video.mp4"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: napari-i3d" in capsys.readouterr().err


def test_command_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    err = capsys.readouterr().err
    assert all(f"\n    {command} " in err for command in ("extract", "check", "view", "plot", "demo"))


def test_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "napari_i3d", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"napari-i3d {napari_i3d.__version__}"


def test_output_closed_early_is_no_error(workplace: Workplace) -> None:
    video = workplace.add("one", tracking=False)
    nowhere = np.tile([5000.0, 5000, 5010, 5010], (12, 1))
    tracks = workplace.add_tracking("one", dict.fromkeys(range(3000), (0, nowhere)))
    command = [sys.executable, "-m", "napari_i3d", "check", str(video), "--tracking", str(tracks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "3000 individuals" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


def test_unprintable_names_do_not_stop_the_command(workplace: Workplace) -> None:
    video = workplace.add("日本")
    tracks = workplace.tracks / "日本_tracks.pickle"
    command = [sys.executable, "-m", "napari_i3d", "check", str(video), "--tracking", str(tracks)]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stderr == b""
    assert b"\\u65e5\\u672c.mp4: 12 frames" in done.stdout


def test_names_in_messages_are_made_visible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = tmp_path / "evil\nfailed: name\x1b[2J.mp4"
    assert main(["extract", "--datasetpath", str(name), "--outputpath", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


HEAVY = {"torch", "napari", "qtpy", "matplotlib", "magicgui", "scipy"}


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import napari_i3d", HEAVY | {"numpy"}),
        ("import napari_i3d; napari_i3d.read_tracking; napari_i3d.open_video; napari_i3d.read_features", HEAVY),
        (
            "from napari_i3d.cli.main import main; import contextlib\n"
            "with contextlib.suppress(SystemExit): main(['--help'])",
            HEAVY,
        ),
    ],
)
def test_importing_loads_nothing_heavy(program: str, absent: set[str]) -> None:
    code = f"{program}\nimport sys, json\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & absent


def test_every_public_name_is_there() -> None:
    for name in napari_i3d.__all__:
        assert getattr(napari_i3d, name) is not None
    assert set(napari_i3d.__all__) == set(dir(napari_i3d))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = napari_i3d.nonsense


def test_interrupted_program_leaves_nothing_behind(workplace: Workplace, ffmpegs, start_program) -> None:
    import signal
    import time

    workplace.add("one")
    arguments = ["extract", "--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    arguments += ["--weights", "untrained", "--batch_size", "1", "--sample_mode", "oversample"]
    process = start_program([sys.executable, "-m", "napari_i3d", *arguments], start_new_session=True)
    until = time.monotonic() + 60
    while not (started := ffmpegs_of(process.pid)):
        assert time.monotonic() < until, "no ffmpeg was started"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in err
    assert workplace.results == []
    until = time.monotonic() + 5  # the system takes a moment to remove a process that was ended
    while any(Path(f"/proc/{pid}").exists() for pid in started):
        assert time.monotonic() < until, "ffmpeg still runs"
        time.sleep(0.02)
