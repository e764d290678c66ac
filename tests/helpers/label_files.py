"""Files of behavior labels as other programs write them, made from the rules of their formats, without the package.

Bouts are `{individual: {behavior: [(start, stop), ...]}}`, half-open, with frames from 0.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import h5py
import numpy as np
import scipy.io

Bouts = Mapping[Any, Mapping[str, Sequence[tuple[int, int]]]]

N_FRAMES = 400
BEHAVIORS = ("groom", "chase", "rest")
BOUTS: dict[str, dict[str, list[tuple[int, int]]]] = {
    "male": {"groom": [(0, 1), (7, 30), (31, 32), (200, 301)], "chase": [(35, 60), (399, 400)]},
    "Weibchen Ä": {"rest": [(100, 400)]},
}
"""The first frame, a single frame, one frame between bouts, the last frame, a name beyond ASCII."""
ONE = {"groom": [(0, 1), (7, 30), (31, 32), (200, 301)], "chase": [(20, 60), (399, 400)], "rest": []}
"""Of one individual: groom and chase overlap, rest is never shown."""

RATES = {"25": 25.0, "29.97": 30000 / 1001, "30": 30.0, "variable": None}


def frame_times(rate: str, n_frames: int = N_FRAMES) -> "np.ndarray":
    """Presentation times; of the variable rate, frames of 20 to 60 ms in an order that does not repeat."""
    fps = RATES[rate]
    if fps is not None:
        return np.arange(n_frames) / fps
    steps = np.random.default_rng(5).integers(20, 61, n_frames - 1) / 1000
    return np.concatenate(([0.0], np.cumsum(steps)))


def time_of(times: "np.ndarray", frame: int) -> float:
    """The time at which a frame begins; that after the last frame, when it ends."""
    if frame < len(times):
        return float(times[frame])
    return float(times[-1] + np.median(np.diff(times)))


def frame_table(bouts: Mapping[str, Sequence[tuple[int, int]]], n_frames: int = N_FRAMES) -> "np.ndarray":
    table = np.zeros((n_frames, len(bouts)), int)
    for column, ranges in enumerate(bouts.values()):
        for start, stop in ranges:
            for frame in range(start, stop):
                table[frame, column] = 1
    return table


def deepethogram(
    path: Path,
    bouts: Mapping[str, Sequence[tuple[int, int]]],
    unlabelled: Sequence[tuple[int, int]] = (),
    n_frames: int = N_FRAMES,
) -> Path:
    table = frame_table(bouts, n_frames)
    lines = [",".join(["", "background", *bouts])]
    for frame, row in enumerate(table.tolist()):
        if any(start <= frame < stop for start, stop in unlabelled):
            row = [-1] * len(row)
            background = -1
        else:
            background = int(not any(row))
        lines.append(",".join(map(str, [frame, background, *row])))
    path.write_text("\n".join(lines) + "\n")
    return path


def deepethogram_outputs(
    path: Path, probabilities: "np.ndarray", thresholds: Sequence[float], names: Sequence[str]
) -> Path:
    with h5py.File(path, "w") as file:
        for model in ("resnet18", "tgmj"):
            group = file.create_group(model)
            wrong = probabilities * 0 if model == "resnet18" else probabilities
            group.create_dataset("P", data=wrong, dtype=np.float32)
            group.create_dataset("logits", data=wrong, dtype=np.float32)
            group.create_dataset("thresholds", data=thresholds, dtype=np.float32)
            group.create_dataset("class_names", data=list(names), dtype=h5py.string_dtype())
            if model == "resnet18":
                group.create_dataset("spatial_features", data=np.zeros((len(wrong), 4)), dtype=np.float32)
    return path


def simba(path: Path, bouts: Mapping[str, Sequence[tuple[int, int]]], predicted: bool = False, first: int = 0) -> Path:
    random = np.random.default_rng(3)
    table = frame_table(bouts)
    names = ["", "Nose_x", "Nose_y", "Nose_p", "Tail_x", "Tail_y", "Tail_p", "Movement", "Low_prob_detections_0.1"]
    for behavior in bouts:
        names += [f"Probability_{behavior}", behavior] if predicted else [behavior]
    lines = [",".join(names)]
    for frame, row in enumerate(table.tolist()):
        values: list[Any] = [frame + first, *np.round(random.uniform(0, 400, 7), 3), 0]
        for shown in row:
            values += [0.75 if shown else 0.125, shown] if predicted else [shown]
        lines.append(",".join(map(str, values)))
    path.write_text("\n".join(lines) + "\n")
    return path


def calms21(path: Path, videos: Mapping[str, Sequence[int]], vocabulary: Any = None) -> Path:
    content = {
        "annotator-id_0": {
            name: {
                "keypoints": [[[[1.0] * 7] * 2] * 2] * 2,
                "scores": [[[1.0] * 7] * 2] * 2,
                "annotations": list(labels),
                "metadata": {"fps": 30, **({} if vocabulary is None else {"vocab": vocabulary})},
            }
            for name, labels in videos.items()
        }
    }
    path.write_text(json.dumps(content))
    return path


def line_labels(bouts: Mapping[str, Sequence[tuple[int, int]]], nothing: str, n_frames: int = N_FRAMES) -> list[str]:
    labels = [nothing] * n_frames
    for behavior, ranges in bouts.items():
        for start, stop in ranges:
            labels[start:stop] = [behavior] * (stop - start)
    return labels


def ms_tcn(folder: Path, name: str, labels: Sequence[str], mapping: Sequence[str] = ()) -> Path:
    path = folder / "groundTruth" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{label}\n" for label in labels))
    if mapping:
        (folder / "mapping.txt").write_text("".join(f"{number} {label}\n" for number, label in enumerate(mapping)))
    return path


def runs_of(labels: Sequence[Any]) -> list[tuple[int, int, Any]]:
    """(first, last, label), both inclusive, from 0."""
    found: list[tuple[int, int, Any]] = []
    for frame, label in enumerate(labels):
        if found and found[-1][2] == label:
            found[-1] = (found[-1][0], frame, label)
        else:
            found.append((frame, frame, label))
    return found


def caltech(path: Path, streams: Sequence[Sequence[str]], names: Sequence[str]) -> Path:
    """As MARS writes it: from 1, both ends inclusive, each frame in one row of each stream."""
    text = "Caltech Behavior Annotator - Annotation File\n\nConfiguration file:\nother o\n"
    text += "".join(f"{name} {key}\n" for name, key in zip(names, "abcdefgh", strict=False))
    for number, labels in enumerate(streams, 1):
        text += f"\nS{number}: start    end     type\n-----------------------------\n"
        for first, last, label in runs_of(labels):
            text += f"{first + 1:8d}   {last + 1:6d}     {label}\n"
    path.write_text(text)
    return path


def bento(path: Path, channels: Bouts, fps: float, seconds: bool = False, n_frames: int = N_FRAMES) -> Path:
    """As the program writes it: from 1, both ends inclusive; seconds are this number divided by the rate."""
    names = list(dict.fromkeys(name for own in channels.values() for name in own))
    scale = fps if seconds else 1
    head = [
        "Bento annotation file",
        "Movie file(s):  clip.mp4",
        "",
        "Stimulus name: ",
    ]
    head += [f"Annotation start time: {1 / fps:.12g}", f"Annotation stop time: {n_frames / fps:.12g}"]
    head += [
        f"Annotation framerate: {fps:f}",
        "",
        "List of channels:",
        *channels,
        "",
        "List of annotations:",
        *names,
        "",
    ]
    for channel, own in channels.items():
        head.append(f"{channel}----------")
        for name, ranges in own.items():
            head += [f">{name}", "Start\t Stop\t Duration "]
            for start, stop in ranges:
                first, last = start + 1, stop
                head.append(f"{first / scale:.12g}\t{last / scale:.12g}\t{(last - first + 1) / scale:.12g}")
            head.append("")
        head.append("")
    path.write_text("\n".join(head), encoding="utf-8")
    return path


def jabs(
    path: Path,
    blocks: Mapping[str, Mapping[str, Sequence[tuple[int, int, bool]]]],
    n_frames: int = N_FRAMES,
    **more: Any,
) -> Path:
    """Blocks are (start, stop, present), half-open; the file has inclusive ends."""
    labels = {
        identity: {
            behavior: [{"start": start, "end": stop - 1, "present": present} for start, stop, present in ranges]
            for behavior, ranges in behaviors.items()
        }
        for identity, behaviors in blocks.items()
    }
    path.write_text(
        json.dumps(
            {
                "version": 1,
                "file": "clip.avi",
                "num_frames": n_frames,
                "labels": {},
                "unfragmented_labels": labels,
                **more,
            }
        )
    )
    return path


Rows = Sequence[tuple[int, int, str]]


def jaaba(path: Path, flies: Mapping[int, Rows], project: bool = False) -> Path:
    """Rows are (start, stop, name), half-open from 0; the file counts from 1, with t1s after the last frame."""

    def cells(values: Sequence[Any]) -> "np.ndarray":
        cell = np.empty((1, len(values)), object)
        for at, value in enumerate(values):
            cell[0, at] = value
        return cell

    fields = {
        "t0s": cells([np.array([[start + 1 for start, _, _ in rows]], float) for rows in flies.values()]),
        "t1s": cells([np.array([[stop + 1 for _, stop, _ in rows]], float) for rows in flies.values()]),
        "names": cells([cells([name for *_, name in rows]) for rows in flies.values()]),
        "flies": np.array([[fly] for fly in flies], float),
        "off": np.zeros((1, len(flies))),
    }
    if project:
        other = {
            **fields,
            "flies": np.array([[9.0]]),
            "t0s": cells([np.array([[5.0]])]),
            "t1s": cells([np.array([[6.0]])]),
        }
        other["names"] = cells([cells(["groom"])])
        labels = np.empty((1, 2), [(name, object) for name in fields])
        for name in fields:
            labels[0, 0][name], labels[0, 1][name] = other[name], fields[name]
        scipy.io.savemat(
            path, {"x": {"expDirNames": cells(["/data/other", "/data/clip"]), "labels": labels}}, appendmat=False
        )
    else:
        scipy.io.savemat(path, fields)
    return path


def jaaba_hdf5(path: Path, flies: Mapping[int, Rows]) -> Path:
    """The same as Matlab 7.3 stores it: references to arrays, columns first, text as codes, empty arrays by shape."""
    with h5py.File(path, "w", userblock_size=512) as file:
        counter = iter(range(10**6))
        group = file.create_group("#refs#")

        def array(values: Any, dtype: Any, kind: str) -> Any:
            name = f"{next(counter)}"
            if len(values) == 0:
                found = group.create_dataset(name, data=np.zeros(2, np.uint64))
                found.attrs["MATLAB_empty"] = np.uint8(1)
            else:
                found = group.create_dataset(name, data=np.array(values, dtype).reshape(-1, 1))
            found.attrs["MATLAB_class"] = np.bytes_(kind)
            return found.ref

        def cell(references: Sequence[Any]) -> Any:
            name = f"{next(counter)}"
            if not references:
                return array([], float, "cell")
            found = group.create_dataset(name, (len(references), 1), h5py.ref_dtype)
            for at, reference in enumerate(references):
                found[at, 0] = reference
            found.attrs["MATLAB_class"] = np.bytes_("cell")
            return found.ref

        def put(name: str, references: Sequence[Any]) -> None:
            dataset = file.create_dataset(name, (len(references), 1), h5py.ref_dtype)
            for at, reference in enumerate(references):
                dataset[at, 0] = reference
            dataset.attrs["MATLAB_class"] = np.bytes_("cell")

        put("t0s", [array([start + 1 for start, _, _ in rows], float, "double") for rows in flies.values()])
        put("t1s", [array([stop + 1 for _, stop, _ in rows], float, "double") for rows in flies.values()])
        put(
            "names",
            [cell([array([ord(c) for c in name], np.uint16, "char") for *_, name in rows]) for rows in flies.values()],
        )
        file.create_dataset("flies", data=np.array([list(flies)], float))
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    with path.open("r+b") as raw:
        raw.write(head)
    return path


def elan(
    path: Path,
    tiers: Sequence[tuple[str, str | None, Sequence[tuple[float, float, str]]]],
    whole: Callable[[float], int] = round,
    origin_ms: int = 0,
    more: str = "",
) -> Path:
    """Tiers are (name, participant, rows); rows are (start, end, text) with times in seconds."""
    slots, body, number = [], "", 0
    for name, participant, rows in tiers:
        who = "" if participant is None else f" PARTICIPANT={quoteattr(participant)}"
        body += f'<TIER DEFAULT_LOCALE="en" LINGUISTIC_TYPE_REF="default-lt"{who} TIER_ID={quoteattr(name)}>'
        for start, end, text in rows:
            number += 1
            slots += [(f"ts{2 * number - 1}", whole(start * 1000)), (f"ts{2 * number}", whole(end * 1000))]
            body += (
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="ts{2 * number - 1}" '
                f'TIME_SLOT_REF2="ts{2 * number}"><ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        body += "</TIER>"
    order = "".join(f'<TIME_SLOT TIME_SLOT_ID="{slot}" TIME_VALUE="{time}"/>' for slot, time in slots)
    origin = f' TIME_ORIGIN="{origin_ms}"' if origin_ms else ""
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+01:00" '
        'FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd"><HEADER MEDIA_FILE="" '
        f'TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="file:///clip.mp4" MIME_TYPE="video/mp4"{origin}/>'
        f"</HEADER><TIME_ORDER>{order}</TIME_ORDER>{body}{more}"
        '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>'
        "</ANNOTATION_DOCUMENT>",
        encoding="utf-8",
    )
    return path


def via3(
    path: Path,
    segments: Sequence[tuple[str, float, float, Mapping[str, Any]]],
    attributes: Mapping[str, Any],
    files: Sequence[str] = ("clip.mp4",),
) -> Path:
    """Segments are (number of the video, start, end in seconds, values of attributes)."""
    numbers = [str(number) for number in range(1, len(files) + 1)]
    content = {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "1",
            "pname": "a",
            "data_format_version": "3.1.1",
            "vid_list": numbers,
        },
        "config": {},
        "attribute": attributes,
        "file": {
            number: {"fid": number, "fname": name, "type": 4, "loc": 1, "src": ""}
            for number, name in zip(numbers, files, strict=True)
        },
        "metadata": {
            f"{view}_{at}": {"vid": view, "flg": 0, "z": [round(start, 5), round(end, 5)], "xy": [], "av": dict(values)}
            for at, (view, start, end, values) in enumerate(segments)
        },
        "view": {number: {"fid_list": [number]} for number in numbers},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def activitynet(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> Path:
    path.write_text(json.dumps({"version": "1.3", "database": entries, "taxonomy": []}), encoding="utf-8")
    return path


def bouts_of(annotation: Any, individual: object = "unnamed") -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {behavior: [] for behavior in annotation.ethogram}
    for bout in annotation.of(individual):
        found[bout.behavior].append((bout.start, bout.stop))
    return found
