"""Commands with the files of other programs: features are those of a pickle of the same boxes, bit by bit."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from helpers import box_files, pose_files
from helpers.batches import Workplace, content, interrupt, only, options_of, run
from helpers.cluster import Machines
from helpers.networks import FakeNetwork
from napari_i3d import ExtractionSettings, TrackingReading, extract_features, open_video, read_features, read_tracking
from napari_i3d.batch.events import VideoDone, VideoResult
from napari_i3d.batch.video_jobs import VideoInput
from napari_i3d.cli.main import main
from napari_i3d.errors import SettingsError
from napari_i3d.tracking.io.reading import tracking_sha256
from napari_i3d.tracking.keypoints import KeypointBoxes

SIZE = 384, 288
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def extract(workplace: Workplace, network: FakeNetwork, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``napari-i3d extract`` with a suffix and options; return status, standard output and standard error."""

    def run_command(suffix: str, *more: str) -> tuple[int, str, str]:
        where = ["--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
        tracking = ["--tracking_folder", str(workplace.tracks), f"--tracking_suffix={suffix}"]
        status = main(["extract", *where, *tracking, "--batch_size", "2", *more])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_command


def boxes_of(workplace: Workplace) -> dict[str, np.ndarray]:
    return {name: tracklet.boxes for name, tracklet in read_tracking(workplace.clip.tracking).items()}


def corners_of(workplace: Workplace) -> pose_files.Planted:
    """Two key points an individual: the corners of its boxes, whose extent without a margin are the boxes."""
    boxes = boxes_of(workplace)
    points = np.stack([array.reshape(-1, 2, 2) for array in boxes.values()])
    return pose_files.Planted(list(boxes), ["upper left", "lower right"], points)


def by_frame(workplace: Workplace, names: tuple[Any, ...]) -> box_files.Boxes:
    arrays = boxes_of(workplace).values()
    return {name: dict(enumerate(map(tuple, array.tolist()))) for name, array in zip(names, arrays, strict=True)}


def write_dlc(workplace: Workplace) -> str:
    table = pose_files.dlc_table(corners_of(workplace))
    table.to_hdf(workplace.tracks / "oneDLC_resnet50.h5", key="df_with_missing")
    return "DLC_resnet50.h5"


def write_sleap(workplace: Workplace) -> str:
    pose_files.write_sleap_analysis(workplace.tracks / "one.analysis.h5", corners_of(workplace))
    return ".analysis.h5"


def write_mot(workplace: Workplace) -> str:
    box_files.mot(workplace.tracks / "one.txt", by_frame(workplace, (1, 2)))
    return ".txt"


def write_cvat(workplace: Workplace) -> str:
    box_files.cvat(workplace.tracks / "one.xml", box_files.cvat_tracks(by_frame(workplace, ("striped", "spotted"))))
    return ".xml"


def write_ultralytics(workplace: Workplace) -> str:
    folder = workplace.tracks / "one" / "labels"
    folder.mkdir(parents=True)
    for number, array in enumerate(boxes_of(workplace).values()):
        # A thousandth of a pixel more, so that rounding is not below the whole number.
        x, y = (array[:, side] + array[:, side + 2] + 0.002 for side in (0, 1))
        sizes = array[:, 2:] - array[:, :2]
        for frame, (width, height) in enumerate(sizes):
            line = x[frame] / 2 / SIZE[0], y[frame] / 2 / SIZE[1], width / SIZE[0], height / SIZE[1]
            with (folder / f"one_{frame + 1}.txt").open("a") as file:
                file.write(" ".join(["0", *(f"{value:.12f}" for value in line), "0.9", str(number)]) + "\n")
    return "/labels"


WRITERS: dict[str, Callable[[Workplace], str]] = {
    "deeplabcut": write_dlc,
    "sleap-analysis": write_sleap,
    "mot": write_mot,
    "cvat": write_cvat,
    "ultralytics": write_ultralytics,
}


@pytest.mark.parametrize("name", WRITERS)
def test_features_are_those_of_the_same_boxes(workplace: Workplace, extract: Command, name: str):
    workplace.add("one")
    assert extract("_tracks.pickle")[0] == 0
    rows = list(read_features(workplace.out / "one.npy").values())
    workplace.clear_results()
    suffix = WRITERS[name](workplace)
    status, _, err = extract(suffix, "--margin", "0")
    assert status == 0, err
    found = read_features(workplace.out / "one.npy")
    for one, other in zip(rows, found.values(), strict=True):
        np.testing.assert_array_equal(one, other)
    tracking = found.provenance["tracking"]
    assert tracking["origin"]["format"] == name
    assert tracking["reading"]["keypoint_boxes"]["margin"] == 0
    path = workplace.tracks / f"one{suffix}"
    assert (tracking["file"], tracking["sha256"]) == (path.name, tracking_sha256(path))


def test_fractions_are_of_the_resized_video(workplace: Workplace, network: FakeNetwork):
    video = workplace.add("one")
    path = workplace.tracks / f"one{write_ultralytics(workplace)}"
    settings = ExtractionSettings(video_size=(192, 144), batch_size=2)
    job = VideoInput(video, workplace.out / "one.npy", path)
    with open_video(video) as opened:
        tracking = job.read_tracking(opened, settings)
    for one, other in zip(boxes_of(workplace).values(), tracking.values(), strict=True):
        np.testing.assert_allclose(other.boxes, one / 2, atol=0.01)


def test_same_again_exists_without_reading_the_video(
    workplace: Workplace, extract: Command, monkeypatch: pytest.MonkeyPatch
):
    workplace.add("one")
    suffix = write_dlc(workplace)
    assert extract(suffix)[0] == 0
    before = content(workplace.out)
    monkeypatch.setattr("napari_i3d.batch.video_jobs.VideoJobs._open", None)  # would fail
    status, out, _ = extract(suffix, "--margin", "0.2")
    assert (status, "one.npy exists; --overwrite replaces" in out) == (0, True)
    assert content(workplace.out) == before


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--margin", "0.5"), "made with margin 0.2; --overwrite replaces it"),
        (("--size_px", "60"), "made with no size_px; --overwrite replaces it"),
        (("--keypoints", "upper left", "--size_px", "9"), "made with no size_px, no keypoints;"),
    ],
)
def test_result_of_other_boxes_is_kept_and_named(
    workplace: Workplace, extract: Command, more: tuple[str, ...], named: str
):
    workplace.add("one")
    suffix = write_dlc(workplace)
    assert extract(suffix)[0] == 0
    before = content(workplace.out)
    status, out, _ = extract(suffix, *more)
    assert status == 1
    assert named in out
    assert content(workplace.out) == before
    assert extract(suffix, *more, "--overwrite")[0] == 0
    assert content(workplace.out)["one.npy"] != before["one.npy"]


def test_choice_without_effect_on_boxes_is_the_same_result(workplace: Workplace, extract: Command):
    workplace.add("one")
    suffix = write_dlc(workplace)
    assert extract(suffix)[0] == 0
    status, out, _ = extract(suffix, "--min_confidence", "0.3")
    assert (status, "one.npy exists; --overwrite replaces" in out) == (0, True)


def test_base_that_was_found_is_told(workplace: Workplace, extract: Command):
    workplace.add("one")
    suffix = write_mot(workplace)
    status, out, _ = extract(suffix)
    assert status == 0
    assert "frames are taken to count from 1, as in MOT" in out
    status, out, _ = extract(suffix, "--base", "0")
    assert status == 1
    assert "but the video has 12 frames (0 to 11); if its frames count from 1, state --base 1; else" in out


def test_interrupted_job_resumes_with_a_file_of_poses(workplace: Workplace, network: FakeNetwork):
    workplace.add("one")
    write_dlc(workplace)
    options = replace(options_of(workplace), tracking_suffix="DLC_resnet50.h5")
    assert isinstance(only(run(options)), VideoDone)
    expected = content(workplace.out)
    workplace.clear_results()
    interrupt(options, 6)
    kept = len(workplace.checkpoints)
    assert kept > 0
    result = only(run(options))
    assert isinstance(result, VideoDone)
    assert result.computed_chunks < result.chunks
    assert content(workplace.out) == expected


def test_shards_of_other_boxes_are_not_used(workplace: Workplace, network: FakeNetwork):
    workplace.add("one")
    write_dlc(workplace)
    options = replace(options_of(workplace), tracking_suffix="DLC_resnet50.h5")
    wide = replace(options, reading=TrackingReading(boxes=KeypointBoxes(margin=0.5)))
    assert isinstance(only(run(wide)), VideoDone)
    expected = content(workplace.out)["one.npy"]
    workplace.clear_results()
    interrupt(options, 6)
    result = only(run(wide))
    assert isinstance(result, VideoDone)
    assert result.computed_chunks == result.chunks
    assert content(workplace.out)["one.npy"] == expected


def test_cluster_writes_what_one_process_writes(
    workplace: Workplace,
    network: FakeNetwork,
    on_machines: Callable[..., tuple[Machines, tuple[VideoResult, ...]]],
):
    workplace.add("one")
    write_dlc(workplace)
    options = replace(options_of(workplace), tracking_suffix="DLC_resnet50.h5")
    options = replace(options, reading=TrackingReading(boxes=KeypointBoxes(size_px=50)))
    assert isinstance(only(run(options)), VideoDone)
    expected = content(workplace.out)["one.npy"]
    workplace.clear_results()
    machines, results = on_machines(options)
    assert isinstance(only(results), VideoDone)
    assert machines.computed > 0
    assert content(workplace.out)["one.npy"] == expected


def test_checksum_covers_all_files_read(workplace: Workplace):
    one = corners_of(workplace)
    paths = pose_files.write_trex(workplace.tracks, one, video="one")
    before = tracking_sha256(paths[0])
    assert tracking_sha256(paths[1]) == before
    other = pose_files.Planted(one.ids, one.names, one.points + 1)
    pose_files.write_trex(workplace.tracks / "..", other, video="one")
    paths[1].write_bytes((workplace.tracks / ".." / paths[1].name).read_bytes())
    assert tracking_sha256(paths[0]) != before
    labels = workplace.tracks / f"one{write_ultralytics(workplace)}"
    before = tracking_sha256(labels)
    (labels / "one_3.txt").rename(labels / "one_30.txt")
    assert tracking_sha256(labels) != before


def test_python_reads_any_file_as_chosen(workplace: Workplace):
    video = workplace.add("one")
    path = workplace.tracks / f"one{write_sleap(workplace)}"
    reading = TrackingReading(boxes=KeypointBoxes(margin=0))
    found, expected = (
        extract_features(video, tracking, weights="untrained", reading=how, progress=False)
        for tracking, how in ((path, reading), (workplace.clip.tracking, None))
    )
    np.testing.assert_array_equal(found["striped"], expected["striped"])
    assert found.provenance["tracking"]["reading"] == reading.as_dict()


@pytest.mark.parametrize(
    ("choices", "words"), [({"format": "elephant"}, "format: expected one of"), ({"base": 2}, "base: expected 0, 1")]
)
def test_reading_refuses_wrong_choices(choices: dict[str, Any], words: str):
    with pytest.raises(SettingsError, match=words):
        TrackingReading(**choices)


def write_labeled_data(path: Path, workplace: Workplace) -> None:
    table = pose_files.dlc_table(corners_of(workplace), multi=False).drop(columns="likelihood", level="coords")
    table.index = pd.MultiIndex.from_tuples([("labeled-data", "one", f"img{n:03d}.png") for n in range(len(table))])
    table.to_hdf(path, key="df_with_missing")


def write_3d(path: Path, _: Workplace) -> None:
    with h5py.File(path, "w") as file:
        file["tracks"] = np.zeros((2, 3, 2, 12))
        file["node_names"] = [b"a", b"b"]
        file["track_names"] = [b"x", b"y"]


def write_longer(path: Path, _: Workplace) -> None:
    pose_files.dlc_table(pose_files.planted(n_frames=40)).to_hdf(path, key="df_with_missing")


def write_centroids(path: Path, workplace: Workplace) -> None:
    made = pose_files.write_idtracker(workplace.tracks, corners_of(workplace), "h5")
    made.rename(path)


BAD = {
    "another video": (write_longer, ".h5", ("DeepLabCut h5", "12 frames", "video")),
    "labeled data": (write_labeled_data, ".h5", ("DeepLabCut h5", "labeled images", "give the file that analyzing")),
    "3-D points": (write_3d, ".h5", ("SLEAP analysis h5", "3 coordinates", "3-D")),
    "configuration": (lambda path, _: path.write_text("Task: x\n"), ".yaml", ("a configuration", "DeepLabCut h5")),
    "unknown": (lambda path, _: path.write_text("hello\n"), ".txt", ("of no known tracking format", "CVAT")),
    "centroids": (write_centroids, "_t.h5", ("idtracker.ai", "makes no box", "--size_px 60")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_one_line_that_says_what_to_do(
    workplace: Workplace, extract: Command, capsys: pytest.CaptureFixture[str], name: str
):
    write, suffix, words = BAD[name]
    video = workplace.add("one", tracking=False)
    path = workplace.tracks / f"one{suffix}"
    write(path, workplace)
    status, out, _ = extract(suffix)
    assert status == 1
    (line,) = [line for line in out.splitlines() if "one.mp4" in line]
    assert main(["check", str(video), "--tracking", str(path)]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    for said in (line, error):
        assert path.name in said
        assert all(word in said for word in words), said
    assert workplace.results == []


def test_hints_are_in_the_words_of_the_command(workplace: Workplace, extract: Command):
    workplace.add("one")
    suffix = write_dlc(workplace)
    for more, words in (
        (("--min_confidence", "2"), "lower --min_confidence or --min_keypoints"),
        (("--keypoints", "nose"), "it has upper left, lower right; choose among them with --keypoints"),
        (("--keypoints", "upper left"), "give the side of a square around it in pixels, --size_px, about"),
    ):
        status, out, _ = extract(suffix, *more)
        assert status == 1
        assert words in out
    box_files.mot(workplace.tracks / "one_zero.txt", by_frame(workplace, (1, 2)), base=0)
    assert "state --base 0" in extract("_zero.txt", "--base", "1")[1]
    assert main(["extract", "--datasetpath", str(workplace.videos), "--outputpath", "x", "--margin", "1"]) == 2


@pytest.mark.parametrize(
    ("there", "asked"),
    [("oneDLC_resnet50.h5", "DLC_resnet101.h5"), ("oneDLC_resnet50.h5", "_tracks.pickle"), ("one_labels", "_lables")],
)
def test_missing_file_names_a_similar_one(workplace: Workplace, extract: Command, there: str, asked: str):
    workplace.add("one", tracking=False)
    if there.endswith(".h5"):
        write_dlc(workplace)
    else:
        (workplace.tracks / f"one{write_ultralytics(workplace)}").rename(workplace.tracks / there)
    (workplace.tracks / "one.npy.json").write_text(json.dumps({"provenance": {}}))
    np.save(workplace.tracks / "one.npy", np.zeros(3))
    status, out, _ = extract(asked)
    assert status == 1
    assert f"found none; is it {there}?" in out


def test_check_reads_boxes_as_chosen(workplace: Workplace, capsys: pytest.CaptureFixture[str]):
    video = workplace.add("one", tracking=False)
    path = workplace.tracks / f"one{write_dlc(workplace)}"
    assert main(["check", str(video), "--tracking", str(path), "--margin", "0"]) == 0
    assert "2 individuals" in capsys.readouterr().out
    main(["check", str(video), "--tracking", str(path), "--size_px", "2000"])
    assert "outside the image" in capsys.readouterr().out


def test_plot_reads_boxes_as_chosen(workplace: Workplace, extract: Command):
    video = workplace.add("one")
    suffix = write_ultralytics(workplace)
    assert extract(suffix, "--video_w", "192", "--video_h", "144")[0] == 0
    figure = workplace.out / "figure.png"
    arguments = [str(workplace.out / "one.npy"), "--out", str(figure), "--video", str(video)]
    assert main(["plot", *arguments, "--tracking", f"{workplace.tracks}/one{suffix}", "--margin", "0"]) == 0
    assert figure.stat().st_size > 1000


def test_check_tells_how_the_file_was_understood(workplace: Workplace, capsys: pytest.CaptureFixture[str]):
    video = workplace.add("one", tracking=False)
    path = workplace.tracks / f"one{write_mot(workplace)}"
    assert main(["check", str(video), "--tracking", str(path)]) == 0
    out = capsys.readouterr().out
    assert "  frames are taken to count from 1, as in MOT; the first is 1: state base 0" in out
    assert "  corners count pixels from 0" in out
