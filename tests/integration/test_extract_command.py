"""The extract command as a user gives it: what it writes, says and returns."""

import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from helpers.batches import Workplace
from helpers.networks import FakeNetwork
from napari_i3d.cli.main import main
from napari_i3d.features.io.reading import read_features

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def extract(workplace: Workplace, quick_untrained: FakeNetwork, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``napari-i3d extract`` on the workplace; return status, standard output and standard error."""

    def run(*more: str, path: Path | None = None, tracking: bool = True) -> tuple[int, str, str]:
        arguments = ["extract", "--datasetpath", str(path or workplace.videos), "--outputpath", str(workplace.out)]
        if tracking:
            arguments += ["--tracking_folder", str(workplace.tracks), "--tracking_suffix", "_tracks.pickle"]
        try:
            status = main([*arguments, "--weights", "untrained", "--batch_size", "5", *more])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def problem_lines(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith(("failed: ", "skipped: ", "napari-i3d: "))]


def test_folder_of_videos_gives_a_file_for_each(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    workplace.add("deeper/two.b", suffix=".MKV")
    status, out, err = extract()
    assert status == 0
    assert workplace.results == ["one.npy", "one.npy.json", "two.b.npy", "two.b.npy.json"]
    assert out.splitlines()[0] == "done: 2"
    assert "skipped: 0" in out
    assert "failed: 0" in out
    assert "Traceback" not in err
    loaded = np.load(workplace.out / "one.npy", allow_pickle=True).item()
    assert {i: rows.shape for i, rows in loaded.items()} == {"striped": (5, 2048), "spotted": (5, 2048)}


def test_one_file_with_options_in_both_spellings(workplace: Workplace, extract: Run) -> None:
    video = workplace.add("one")
    status, _, _ = extract(
        *(
            "--individuals",
            "spotted",
            "--sample-mode=center_crop",
            "--save-metadata",
            "--pad",
            "--i3d-suffix",
            "_i3d.npy",
        ),
        *("--normalization", "kinetics", "--min-frames", "8", "--frequency", "2", "--subtract_background"),
        *("--video-w", "384", "--video_h", "288", "--device", "cpu", "--precision", "bfloat16", "--gaps", "split"),
        path=video,
    )
    assert status == 0
    loaded = np.load(workplace.out / "one_i3d.npy", allow_pickle=True).item()
    assert list(loaded) == ["spotted", "min_frames", "max_frames"]
    assert loaded["spotted"].shape == (6, 2048)
    assert (loaded["min_frames"], loaded["max_frames"]) == ({"spotted": 0}, {"spotted": 11})
    features = read_features(workplace.out / "one_i3d.npy")
    assert features.frames["spotted"].tolist() == [0, 2, 4, 6, 8, 10]
    assert features.provenance["settings"] == {
        "frequency": 2,
        "batch_size": 5,
        "sample_mode": "center_crop",
        "min_frames": 8,
        "pad": True,
        "video_size": [384, 288],
        "normalization": "kinetics",
        "subtract_background": True,
        "device": "cpu",
        "precision": "bfloat16",
    }
    assert features.provenance["weights"]["trained"] is False


def test_without_tracking_the_whole_image_is_extracted(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    assert extract(tracking=False)[0] == 0
    assert np.load(workplace.out / "one.npy", allow_pickle=True).item()[""].shape == (5, 2048)


@pytest.mark.parametrize(
    ("layout", "files", "shape"),
    [("ms-tcn", ["one_spotted.npy", "one_striped.npy"], (2048, 5)), ("actionformer", ["one_spotted.npy"], (5, 2048))],
)
def test_layouts_with_a_file_an_individual(
    workplace: Workplace, extract: Run, layout: str, files: list[str], shape: tuple[int, int]
) -> None:
    workplace.add("one")
    chosen = [name.removeprefix("one_").removesuffix(".npy") for name in files]
    assert extract("--layout", layout, "--individuals", *chosen)[0] == 0
    assert workplace.results == sorted([*files, *(f"{name}.json" for name in files)])
    assert np.load(workplace.out / files[0]).shape == shape
    before = (workplace.out / files[0]).stat().st_mtime_ns
    status, out, _ = extract("--layout", layout)
    assert status == 0
    assert len([name for name in workplace.results if name.endswith(".npy")]) == 2
    assert (workplace.out / files[0]).stat().st_mtime_ns == before
    status, out, _ = extract("--layout", layout)
    assert (status, "skipped: 1" in out) == (0, True)


def test_dlc2action_layout_needs_a_row_for_each_frame(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    status, _, err = extract("--layout", "dlc2action")
    assert status == 2
    assert "use --pad and --frequency 1" in err
    assert extract("--layout", "dlc2action", "--pad")[0] == 0
    loaded = np.load(workplace.out / "one.npy", allow_pickle=True).item()
    assert loaded["striped"].shape == (12, 2048)
    assert loaded["max_frames"] == {"striped": 11, "spotted": 11}


def test_result_that_exists_is_kept_unless_overwritten(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    workplace.out.mkdir()
    (workplace.out / "one.npy").write_text("precious")
    status, out, _ = extract()
    assert (status, "skipped: 1" in out) == (0, True)
    assert (workplace.out / "one.npy").read_text() == "precious"
    assert extract("--overwrite")[0] == 0
    assert len(read_features(workplace.out / "one.npy")) == 2


def test_result_of_other_settings_is_kept_and_told(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    assert extract("--frequency", "4")[0] == 0
    before = (workplace.out / "one.npy").read_bytes()
    status, out, _ = extract("--frequency", "5")
    assert status == 1
    assert "one.npy exists, made with frequency 4; --overwrite replaces it" in out
    assert (workplace.out / "one.npy").read_bytes() == before
    assert extract("--frequency", "4", "--batch_size", "2")[0] == 0


def test_finished_batch_with_short_tracklets_stays_finished(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    box = np.tile([20.0, 20, 80, 90], (12, 1))
    workplace.add_tracking("one", {"long": (0, box), "brief": (3, box[:4])})
    assert extract("--layout", "ms-tcn")[0] == 0
    status, out, _ = extract("--layout", "ms-tcn")
    assert (status, "skipped: 1" in out) == (0, True)


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_files_of_two_videos_never_share_a_name(workplace: Workplace, extract: Run, more: list[str]) -> None:
    box = np.tile([20.0, 20, 80, 90], (12, 1))
    workplace.add("m", tracking=False)
    workplace.add_tracking("m", {"a_b": (0, box)})
    workplace.add("m_a", tracking=False)
    workplace.add_tracking("m_a", {"b": (0, box)})
    status, out, err = extract("--layout", "ms-tcn", *more)
    assert status == 1
    assert "m_a_b.npy has the name of one of m.mp4" in problem_lines(err)[0]
    facts = json.loads((workplace.out / "m_a_b.npy.json").read_text())
    assert facts["provenance"]["video"]["file"] == "m.mp4"
    assert "done: 1" in out


@pytest.mark.parametrize(
    ("ids", "more", "words"),
    [
        (["a+b"], ["--layout", "dlc2action", "--pad"], "DLC2Action allows no"),
        ([1, "ind1"], ["--layout", "dlc2action", "--pad"], "individuals 1 and 'ind1' would both be called 'ind1'"),
        ([1, "ind1"], ["--layout", "dlc2action-pose", "--pad"], "both be called 'ind1'"),
        (["min_frames"], ["--layout", "dlc2action", "--pad"], "name of a metadata entry"),
        (["a.b", "a_b"], ["--layout", "ms-tcn"], "would share the file one_a_b.npy"),
        ([1, "1"], ["--i3d_suffix", ".npz"], "both be called '1'"),
        (["min_frames"], ["--save_metadata"], "name of a metadata entry"),
        (["x" * 250], ["--layout", "ms-tcn"], "too long"),
    ],
)
def test_unwritable_names_are_refused_before_computing(
    workplace: Workplace, extract: Run, ids: list[str | int], more: list[str], words: str
) -> None:
    workplace.add("one", tracking=False)
    box = np.tile([20.0, 20, 80, 90], (12, 1))
    workplace.add_tracking("one", dict.fromkeys(ids, (0, box)))
    status, _, err = extract(*more)
    assert status == 1
    assert words in problem_lines(err)[0]
    assert "chunk" not in err
    assert workplace.results == []


def test_untrained_weights_are_said_in_the_summary(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    assert "untrained weights: the features mean nothing" in extract("--frequency", "5")[1]


def test_cut_off_recording_gives_what_it_has(workplace: Workplace, extract: Run, clip_of) -> None:
    clip = clip_of(40)
    bad = workplace.videos / "bad.mkv"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(clip.video), "-c:v", "mjpeg", "-q:v", "2", str(bad)]
    subprocess.run(command, check=True, capture_output=True)
    content = bad.read_bytes()
    bad.write_bytes(content[: len(content) * 9 // 10])
    status, out, _ = extract("--frequency", "30", path=bad, tracking=False)
    assert status == 0
    assert re.search(r"bad\.mkv -> .*(cut off|do not decode)", out)
    assert json.loads((workplace.out / "bad.npy.json").read_text())["provenance"]["video"]["remark"]


def test_provenance_tells_tracking_file_gaps_and_device(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    boxes = np.tile([20.0, 20, 80, 90], (12, 1))
    boxes[3:5] = np.nan
    path = workplace.add_tracking("one", {"a": (0, boxes)})
    assert extract("--gaps", "interpolate", "--frequency", "5")[0] == 0
    provenance = json.loads((workplace.out / "one.npy.json").read_text())["provenance"]
    assert provenance["device"] == "cpu"
    assert provenance["tracking"]["file"] == "one_tracks.pickle"
    assert provenance["tracking"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert provenance["tracking"]["gaps"] == "interpolate"
    assert provenance["tracking"]["gaps_mended"] == [{"id": "a", "missing": [[3, 4]]}]


@pytest.mark.parametrize("more", [["--save_metadata"], ["--i3d_suffix", "_i3d.npy"]])
def test_bare_arrays_take_neither_suffix_nor_metadata(workplace: Workplace, extract: Run, more: list[str]) -> None:
    workplace.add("one")
    assert extract("--layout", "ms-tcn", *more)[0] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_linked_folders_are_searched_and_loops_end(workplace: Workplace, extract: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    workplace.add("one").rename(elsewhere / "one.mp4")
    (workplace.videos / "linked").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(workplace.videos)
    assert "done: 1" in extract("--frequency", "5")[1]


def test_whole_number_ids_are_chosen_by_digits(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    box = np.tile([20.0, 20, 80, 90], (12, 1))
    workplace.add_tracking("one", {7: (0, box), "b": (2, box[:10])})
    assert extract("--individuals", "7")[0] == 0
    assert list(read_features(workplace.out / "one.npy")) == [7]


def test_short_tracklets_are_left_out_and_said_so(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    box = np.tile([20.0, 20, 80, 90], (12, 1))
    workplace.add_tracking("one", {"long": (0, box), "brief": (3, box[:4])})
    status, out, _ = extract()
    assert status == 0
    assert "brief left out: 4 frames, fewer than 9" in out
    assert list(read_features(workplace.out / "one.npy")) == ["long"]


def test_gaps_are_refused_split_or_interpolated(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    box = np.tile([20.0, 20, 80, 90], (12, 1))
    holes = box.copy()
    holes[2:4] = np.nan
    workplace.add_tracking("one", {"male": (0, holes), "female": (0, box)})
    status, _, err = extract()
    assert status == 1
    assert problem_lines(err) == [
        "failed: one.mp4: male: frames 2-3 are missing between its first (0) and last (11); "
        "use --gaps split or --gaps interpolate"
    ]
    assert workplace.results == []
    assert extract("--gaps", "interpolate", "--individuals", "male")[0] == 0
    assert {i: rows.shape[0] for i, rows in read_features(workplace.out / "one.npy").items()} == {"male": 5}
    assert extract("--gaps", "split", "--min_frames", "8", "--overwrite", "--individuals", "male")[0] == 0
    features = read_features(workplace.out / "one.npy")
    assert {i: features.chunk_starts[i].tolist() for i in features} == {"male_part2": [4]}


# Bad input. Beside the bad video or tracking lies a good one, which must not suffer.


def corrupted(content: bytes) -> bytes:
    # The first, large image stays whole.
    middle = len(content) * 9 // 10
    return content[:middle] + bytes(b ^ 0xA5 for b in content[middle : middle + 2000]) + content[middle + 2000 :]


BAD_VIDEOS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "empty"),
    "text": (lambda _: b"this is not a video\n", "video"),
    "truncated": (lambda content: content[: len(content) // 2], "video|damaged"),
    "damaged": (corrupted, "damaged|do not decode"),
}


@pytest.mark.parametrize("kind", BAD_VIDEOS)
def test_bad_video_costs_itself_alone(workplace: Workplace, extract: Run, kind: str) -> None:
    spoil, words = BAD_VIDEOS[kind]
    bad = workplace.add("bad")
    bad.write_bytes(spoil(bad.read_bytes()))
    workplace.add("good")
    assert_only_good_is_done(workplace, extract, words)


def test_damage_midway_is_named_with_frame_and_time(workplace: Workplace, extract: Run, shared: Path) -> None:
    bad = workplace.add("bad", tracking=False)
    bad.write_bytes((shared / "data" / "difficult" / "corrupt_bytes_middle.mp4").read_bytes())
    workplace.add_tracking("bad", {"early": (0, np.tile([20.0, 20, 80, 90], (50, 1)))})
    assert extract("--frequency", "20")[0] == 0
    workplace.add_tracking("bad", {"late": (30, np.tile([20.0, 20, 80, 90], (50, 1)))})
    status, _, err = extract("--frequency", "20", "--overwrite")
    assert status == 1
    assert re.match(r"failed: bad\.mp4: damaged at frame 5[45] \(3\.6\d? s\)", problem_lines(err)[0])
    assert read_features(workplace.out / "bad.npy").first_frame == {"early": 0}


def assert_only_good_is_done(workplace: Workplace, extract: Run, words: str, *more: str) -> None:
    status, out, err = extract(*more)
    assert status == 1, err
    assert "Traceback" not in err
    lines = problem_lines(err)
    assert len(lines) == 1, lines
    assert lines[0].startswith("failed: bad")
    assert re.search(words, lines[0]), lines[0]
    assert workplace.results == ["good.npy", "good.npy.json"]
    assert "done: 1" in out
    assert "failed: 1" in out


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch hacked",)


BOX = [20, 20, 80, 90]
BAD_TRACKING: dict[str, tuple[object, str]] = {
    "not a pickle": (b"frame,left,upper\n1,2,3\n", "bad_tracks.pickle"),
    "cut off": (pickle.dumps({"a": dict.fromkeys(range(12), BOX)})[:-20], "was it copied completely"),
    "forbidden": (_Evil(), r"(posix|nt)\.system"),
    "list": ([1, 2], "list"),
    "three numbers": ({"a": dict.fromkeys(range(12), BOX) | {3: [1, 2, 3]}}, r"a.*frame 3"),
    "nan": ({"a": dict.fromkeys(range(12), BOX) | {3: [1, 2, float("nan"), 4]}}, r"a: .*frame 3"),
    "all nan": ({"a": dict.fromkeys(range(12), BOX) | {3: [float("nan")] * 4}}, r"a: .*frame 3"),
    "all nan at the end": ({"a": dict.fromkeys(range(12), BOX) | {11: [float("nan")] * 4}}, r"a: .*frame 11"),
    "inf": ({"a": dict.fromkeys(range(12), BOX) | {3: [1, 2, float("inf"), 4]}}, r"a: .*frame 3"),
    "inverted": ({"a": dict.fromkeys(range(12), BOX) | {3: [80, 20, 20, 90]}}, r"a: .*frame 3"),
    "empty box": ({"a": dict.fromkeys(range(12), BOX) | {3: [20, 20, 20, 90]}}, r"a: .*frame 3"),
    "outside": ({"a": dict.fromkeys(range(12), BOX) | {3: [500, 20, 580, 90]}}, r"a: .*frame 3.*384x288"),
    "negative frame": ({"a": dict.fromkeys(range(-2, 12), BOX)}, r"a: .*-2"),
    "past the end": ({"a": dict.fromkeys(range(13), BOX)}, r"a: .*frame 12.*frame of bad.mp4 is 11"),
    "gap": ({"a": dict.fromkeys([*range(5), *range(6, 12)], BOX)}, r"a: frame 5 is missing"),
    "nobody": ({}, "individual"),
    "nobody long enough": ({"a": dict.fromkeys(range(5), BOX)}, "no individual has the 9 frames"),
}


@pytest.mark.parametrize("kind", BAD_TRACKING)
def test_bad_tracking_costs_its_video_alone(
    workplace: Workplace, extract: Run, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    content, words = BAD_TRACKING[kind]
    workplace.add("good")
    workplace.add("bad", tracking=False)
    path = workplace.tracks / "bad_tracks.pickle"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    assert_only_good_is_done(workplace, extract, words)
    assert not Path("hacked").exists()


def test_missing_tracking_file_skips_its_video(workplace: Workplace, extract: Run) -> None:
    workplace.add("good")
    workplace.add("lonely", tracking=False)
    status, out, err = extract()
    assert status == 1
    assert "lonely.mp4: its tracking file" in problem_lines(err)[0]
    assert "skipped: 1" in out
    assert workplace.results == ["good.npy", "good.npy.json"]


def test_two_videos_of_one_name_are_both_refused(workplace: Workplace, extract: Run) -> None:
    workplace.add("good")
    workplace.add("bad/Twin")
    workplace.add("worse/twin", suffix=".avi")
    status, _, err = extract()
    assert status == 1
    assert [line.split(":")[0:2] for line in problem_lines(err)] == [["failed", " Twin.mp4"], ["failed", " twin.avi"]]
    assert "shares its name" in err
    assert workplace.results == ["good.npy", "good.npy.json"]


def test_video_names_that_collide_are_both_refused(workplace: Workplace, extract: Run) -> None:
    workplace.add("day1.v2")
    workplace.add("day1_v2")
    status, _, err = extract("--layout", "ms-tcn")
    assert status == 1
    assert err.count("shares its name") == 2
    assert workplace.results == []
    assert extract()[0] == 0


def test_missing_tracking_names_nearest_file_of_same_video(workplace: Workplace, extract: Run) -> None:
    workplace.add("day1")
    (workplace.tracks / "day1_tracks.pickle").rename(workplace.tracks / "day1_trax.pickle")
    workplace.add("day2")
    workplace.add("day3", tracking=False)
    status, out, _ = extract()
    assert status == 1
    assert "day1_tracks.pickle, found none; is it day1_trax.pickle?\n" in out
    assert "day3_tracks.pickle, found none\n" in out


def test_tracking_beside_videos_is_none_of_another_video(workplace: Workplace, extract: Run) -> None:
    workplace.add("day1", tracking=False)
    (workplace.videos / "day1_trax.pickle").write_bytes(workplace.clip.tracking.read_bytes())
    _, out, _ = extract("--tracking_folder", str(workplace.videos))
    assert "found none; is it day1_trax.pickle?\n" in out


def test_whole_image_that_is_squashed_is_told(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    _, out, _ = extract(tracking=False)
    assert "the whole 384x288 image is squashed to a square, 1.33 times too narrow" in out
    assert "squashed" not in extract("--overwrite", "--sample_mode", "center_crop", tracking=False)[1]
    assert "squashed" not in extract("--overwrite")[1]


def test_individual_that_a_program_would_shift_is_told(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    workplace.add_tracking("one", {"a": (2, np.tile([20.0, 20, 80, 90], (10, 1)))})
    assert "a starts at frame 2: a program that takes row 0 for frame 0" in extract("--pad")[1]
    for more in (["--pad", "--save_metadata"], [], ["--pad", "--layout", "dlc2action"]):
        assert "program that" not in extract("--overwrite", *more)[1]


def test_dlc2action_beside_poses_has_frames_of_video(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    workplace.add_tracking("one", {1: (2, np.tile([20.0, 20, 80, 90], (9, 1)))})
    assert extract("--layout", "dlc2action-pose", "--pad", "--save_metadata")[0] == 2
    assert extract("--layout", "dlc2action-pose")[0] == 2
    assert extract("--layout", "dlc2action-pose", "--pad")[0] == 0
    loaded = np.load(workplace.out / "one.npy", allow_pickle=True).item()
    assert list(loaded) == ["ind1"]
    assert np.flatnonzero(loaded["ind1"].any(axis=1)).tolist() == list(range(2, 11))
    assert len(loaded["ind1"]) == 12
    features = read_features(workplace.out / "one.npy")
    assert features[1].shape == (9, 2048)
    assert features.frames[1].tolist() == list(range(2, 11))
    assert extract("--layout", "dlc2action-pose", "--pad")[0] == 0  # it is known again


def test_single_video_is_told_once(workplace: Workplace) -> None:
    workplace.add("one", tracking=False)
    command = [sys.executable, "-m", "napari_i3d", "extract", "--datasetpath", str(workplace.videos)]
    command += ["--outputpath", str(workplace.out), "--weights", "untrained", "--frequency", "5"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    assert done.stdout.count("one.mp4 ->") == 1
    assert done.stdout.startswith("done: 1\n  one.mp4 ->")
    workplace.add("two", tracking=False)
    workplace.videos.joinpath("three.mp4").write_text("no video")
    done = subprocess.run(
        [*command, "--overwrite"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert [done.stdout.count(f"{name}.mp4 ->") for name in ("one", "two")] == [1, 1]
    assert "failed: 1\n  three.mp4: " in done.stdout


def test_summary_and_bars_apart_name_each_video(workplace: Workplace, quick_untrained: FakeNetwork, capfd) -> None:
    for stem in ("one", "two"):
        workplace.add(stem, tracking=False)
    workplace.videos.joinpath("three.mp4").write_text("no video")
    paths = ["--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    assert main(["extract", *paths, "--weights", "untrained", "--frequency", "5"]) == 1
    said = capfd.readouterr()
    assert said.out.count("one.mp4 ->") == said.err.count("one.mp4 ->") == 1


def test_refused_tracking_names_the_mistake(workplace: Workplace, extract: Run) -> None:
    workplace.add("one", tracking=False)
    workplace.add_tracking("one", {"a": (1, np.tile([20.0, 20, 80, 90], (12, 1)))})
    status, out, _ = extract()
    assert status == 1
    assert "the frames look counted from 1: they are 1 to 12, those of the video 0 to 11" in out


def test_unknown_individual_lists_the_known(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    status, _, err = extract("--individuals", "male")
    assert status == 1
    assert "'male'" in err
    assert "'striped', 'spotted'" in err
    assert workplace.results == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--video_w", "100"], "found a width alone; set both --video_w and --video_h"),
        (["--video_h", "100"], "found a height alone; set both --video_w and --video_h"),
        (["--frequency", "0"], "frequency: expected a whole number from 1 to"),
        (["--batch_size", "0"], "batch_size: expected a whole number from 1"),
        (["--decoders", "0"], "decoders: expected a whole number from 1 to 64"),
        (["--decoders", "many"], "argument --decoders: expected a number or auto, found 'many'"),
        (["--frequency", "two"], "invalid int value: 'two'"),
        (["--sample_mode", "all"], "invalid choice: 'all'"),
        (["--device", "gpu"], "device: expected auto, cpu, cuda"),
        (["--device", "cuda:77"], "cuda:77 is not available"),
        (["--i3d_suffix", ".csv"], "i3d_suffix"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_status_2(workplace: Workplace, extract: Run, more: list[str], words: str) -> None:
    workplace.add("one")
    status, _, err = extract(*more)
    assert status == 2
    assert words in err
    assert "Traceback" not in err
    assert workplace.results == []


def test_tracking_folder_needs_its_suffix(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    status, _, err = extract("--tracking_folder", str(workplace.tracks), tracking=False)
    assert status == 2
    assert "set --tracking_folder and --tracking_suffix, or neither" in err


def test_missing_path_and_empty_folder_are_named(workplace: Workplace, extract: Run, tmp_path: Path) -> None:
    status, _, err = extract(path=tmp_path / ("x" * 300))
    assert status == 1
    assert "cannot be searched" in err
    status, _, err = extract(path=tmp_path / "nowhere.mp4")
    assert status == 1
    assert "nowhere.mp4: expected a video or a folder of videos" in err
    status, _, err = extract()
    assert status == 1
    assert "no videos in this folder" in err
    assert workplace.results == []


def test_individuals_need_tracking(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    status, _, err = extract("--individuals", "male", tracking=False)
    assert status == 2
    assert "no tracking to find them in" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file|no such file"),
        (b"", "empty|weights"),
        (b"\x80\x02}q\x00(", "weights|copied"),
        (pickle.dumps({"blobs": {"conv1_w": np.zeros((3, 3), np.float32)}}), "missing"),
        (pickle.dumps({"blobs": _Evil()}), "system"),
    ],
)
def test_bad_weights_stop_everything_with_one_line(
    workplace: Workplace, extract: Run, tmp_path: Path, content: bytes | None, words: str
) -> None:
    workplace.add("one")
    path = tmp_path / "weights.pkl"
    if content is not None:
        path.write_bytes(content)
    status, _, err = extract("--weights", str(path))
    assert status == 1
    lines = problem_lines(err)
    assert len(lines) == 1
    assert re.search(words, lines[0]), lines[0]
    assert not workplace.out.exists()


def test_missing_weights_tell_how_to_get_them(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    status, _, err = extract("--weights", "i3d_r50_kinetics")
    assert status == 1
    assert "napari-i3d weights download" in err


def test_output_that_is_no_folder_is_refused(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    workplace.out.write_text("a file")
    status, _, err = extract()
    assert status == 1
    assert "not a folder that can be written to" in problem_lines(err)[0]
    assert workplace.out.read_text() == "a file"


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are a thing of POSIX")
def test_full_disk_leaves_nothing_half(workplace: Workplace) -> None:
    workplace.add("one")
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from napari_i3d.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["extract", "--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    arguments += ["--weights", "untrained"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert workplace.results == []


def test_json_beside_the_features_tells_video_and_tracking(workplace: Workplace, extract: Run) -> None:
    workplace.add("one")
    extract()
    facts = json.loads((workplace.out / "one.npy.json").read_text())
    assert facts["fps"] == 25
    assert facts["individuals"][0]["frames"] == [{"first": 3.5, "step": 1, "count": 5}]
    assert facts["provenance"]["video"]["frames"] == 12
