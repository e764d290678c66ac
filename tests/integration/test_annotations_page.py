"""The page on annotations: its tables list exactly the registry's formats, its own file is read, its commands work."""

import re
import shlex
from pathlib import Path

import pytest

import napari_i3d
from helpers import annotation_files as files
from helpers.annotation_files import BOUTS, N_FRAMES, named
from helpers.videos import run_ffmpeg
from napari_i3d.annotations.io.formats import READ, WRITTEN
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.cli.main import _parser, main

PAGES = Path(__file__).resolve().parents[2] / "docs"
PAGE = (PAGES / "annotations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TABLES = {"Files that are read": READ, "Files that are written": WRITTEN}


def table(heading: str) -> dict[str, list[str]]:
    """Return the cells of each line of the table below a heading, by the format's name in its second column."""
    body = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")][2:]
    found = {line[1].strip("`"): line for line in lines}
    assert len(found) == len(lines)
    return found


@pytest.mark.parametrize("heading", TABLES)
def test_tables_list_exactly_the_formats_of_the_registry(heading: str):
    rows = table(heading)
    assert set(rows) == {known.name for known in TABLES[heading]}
    assert all(len(row) == 6 and all(row) for row in rows.values())
    for known in TABLES[heading]:
        for ending in known.endings[:1]:
            assert ending in rows[known.name][2]


@pytest.mark.parametrize("what", ["annotation", "features"])
def test_options_page_lists_exactly_the_options(what: str):
    page = (PAGES / "options.md").read_text(encoding="utf-8")
    part = re.split(r"\n##", page.split(f"\n### convert {what}\n")[1])[0]
    (commands,) = (action for action in _parser()._actions if action.choices and "convert" in action.choices)
    (actions,) = (action for action in commands.choices["convert"]._actions if action.choices)  # type: ignore[index]
    options = {
        option
        for action in actions.choices[what]._actions  # type: ignore[index]
        for option in action.option_strings
        if option not in ("-h", "--help")
    }
    assert set(re.findall(r"`(--\w+)", part)) == options


def test_own_file_of_the_page_is_read(tmp_path: Path):
    text = next(block for _, block in BLOCKS if '"format"' in block)
    (tmp_path / "a.json").write_text(text)
    read = napari_i3d.read_annotation(tmp_path / "a.json")
    assert named(read) == [("male", "walk", 120, 168)]
    napari_i3d.write_annotation(tmp_path / "b.json", read)
    assert (tmp_path / "b.json").read_text() == text


def test_csv_of_the_page_is_read(tmp_path: Path):
    text = next(block for _, block in BLOCKS if block.startswith("individual,"))
    (tmp_path / "a.csv").write_text(text)
    assert named(napari_i3d.read_annotation(tmp_path / "a.csv")) == [
        ("female", "groom", 0, 45),
        ("male", "walk", 120, 168),
    ]


def test_commands_and_code_of_the_page_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    files.boris_project(tmp_path / "day1.boris")
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x48:r=25", "-frames:v", str(N_FRAMES), tmp_path / "day1.mp4")
    (command,) = re.findall(r"^napari-i3d (convert annotation .*)$", PAGE, re.MULTILINE)
    assert main(shlex.split(command)) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    for line in (
        "day1.boris: read as BORIS project",
        f"{len(BOUTS)} bouts of 3 behaviors",
        "3 individuals: male, female, nobody's",
        "frames 0 to 599 counted from 0",
        "the frame of STOP does not belong to the bout",
        "the file is of a video called clip.mp4, not day1.mp4",
        "day1.json: written as JSON of napari_i3d",
        "frames from 0, end exclusive",
    ):
        assert line in out
    assert named(napari_i3d.read_annotation("day1.json")) == sorted(BOUTS)
    assert main(shlex.split(command)) == 1  # exists
    assert "--overwrite" in capsys.readouterr().err
    (code,) = (block for language, block in BLOCKS if language == "python")
    exec(code, {})  # noqa: S102 - the page's code
    assert "frames from 0, end exclusive" in capsys.readouterr().out
    assert named(napari_i3d.read_annotation("day1_annotation.pickle")) == sorted(BOUTS)


def test_command_lists_the_formats(capsys: pytest.CaptureFixture[str]):
    assert main(["convert", "annotation", "--list-formats"]) == 0
    out = capsys.readouterr().out
    for known in (*READ, *WRITTEN):
        assert f"{known.name}: {known.title} (" in out
    assert main(["convert", "annotation"]) == 2
    assert "expected SOURCE and TARGET" in capsys.readouterr().err


def test_command_options_reach_reader_and_writer(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.csv").write_text("behavior,start,stop\nwalk,1,4\n")
    source, target = str(tmp_path / "a.csv"), str(tmp_path / "b.boris")
    assert main(["convert", "annotation", source, target]) == 1
    assert "give --video or --fps" in capsys.readouterr().err
    more = ["--fps", "25", "--individual", "male", "--base", "1", "--inclusive", "--to-inclusive", "--only", "male"]
    assert main(["convert", "annotation", source, target, *more]) == 0
    assert "STOP is the last frame of a bout, as asked for" in capsys.readouterr().out
    assert named(napari_i3d.read_annotation(target, inclusive=True)) == [("male", "walk", 0, 4)]
    assert named(napari_i3d.read_annotation(target)) == [("male", "walk", 0, 3)]


def test_times_in_a_video_of_variable_rate_give_exact_frames(tmp_path: Path):
    """The times of the frames are those that ffmpeg was told to write."""
    n_frames = 120
    times_ms = [40 * frame + 200 * (frame // 10) for frame in range(n_frames)]
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=25"),
        *("-vf", "settb=1/1000,setpts=N*40+floor(N/10)*200", "-fps_mode", "vfr", "-enc_time_base", "1/1000"),
        *("-frames:v", str(n_frames), tmp_path / "clip.mkv"),
    )
    bouts = [("a", "walk", start, stop) for start, stop in ((0, 1), (9, 10), (10, 11), (12, 30), (45, 119))]
    events = [
        [times_ms[frame] / 1000, who, name, "", "", "NA"]
        for who, name, *span in bouts
        if span[0] != 10
        for frame in span
    ]
    files.boris_project(tmp_path / "a.boris", events=events)
    with napari_i3d.open_video(tmp_path / "clip.mkv") as video:
        assert (video.times_s * 1000).round().astype(int).tolist() == [
            time + int(video.times_s[0] * 1000) for time in times_ms
        ]
        read = napari_i3d.read_annotation(tmp_path / "a.boris", video=video)
    expected = [one for one in bouts if one[2] != 10]
    assert named(read) == expected
    # And back: through seconds only, in a file and by the command.
    napari_i3d.write_annotation(tmp_path / "b.boris", read, video=tmp_path / "clip.mkv")
    content = (tmp_path / "b.boris").read_text()
    stripped = re.sub(r"(\[[\d.]+, \"a\", \"walk\", \"\", \"\", )\d+\]", r'\1"NA"]', content)
    assert stripped.count('"NA"]') == 2 * len(expected)
    (tmp_path / "b.boris").write_text(stripped)
    command = ["convert", "annotation", str(tmp_path / "b.boris"), str(tmp_path / "b.json")]
    assert main([*command, "--video", str(tmp_path / "clip.mkv")]) == 0
    assert named(napari_i3d.read_annotation(tmp_path / "b.json")) == expected
    without = read_annotation_file(tmp_path / "b.boris")
    assert named(without.annotation) != expected  # the mean rate is not enough
    assert any("at an even rate of" in note and "without the video" in note for note in without.notes)
