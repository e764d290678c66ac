"""Files of pose trackers, written by the rules of each format from planted points."""

import csv
import io
import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import scipy.io

JABS_NAMES = 12
MOUSE_NAMES = ("nose", "left_ear", "right_ear", "neck", "left_hip", "right_hip", "tail_base")


@dataclass
class Planted:
    """Points by individual, frame, key point and axis, not-a-number where there is none; what the files are made of."""

    ids: list[str]
    names: list[str]
    points: np.ndarray
    confidence: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if not self.confidence.size:
            self.confidence = np.where(np.isnan(self.points[..., 0]), np.nan, 0.9)

    @property
    def n_frames(self) -> int:
        return self.points.shape[1]

    def boxes(self, size_px: float | None = None) -> dict[str, dict[int, list[float]]]:
        """Extents of the points, or squares around their mean, by individual and frame."""
        found: dict[str, dict[int, list[float]]] = {}
        for individual, points in zip(self.ids, self.points, strict=True):
            frames = {}
            for frame, places in enumerate(points):
                held = places[~np.isnan(places).any(axis=1)]
                if size_px is not None and len(held):
                    x, y = held.mean(axis=0)
                    half = size_px / 2
                    frames[frame] = [x - half, y - half, x + half, y + half]
                elif size_px is None and len(held) >= 2:
                    frames[frame] = [*held.min(axis=0), *held.max(axis=0)]
            if frames:
                found[individual] = frames
        return found


def planted(
    ids: tuple[str, ...] = ("mouse 1", "0", "Élise, the 2nd"),
    names: tuple[str, ...] = ("nose", "left ear", "tail, base"),
    n_frames: int = 40,
    seed: int = 0,
) -> Planted:
    """Walks with a late start, an early end, gaps, and frames where nobody is."""
    rng = np.random.default_rng(seed)
    centers = 200 + np.cumsum(rng.normal(0, 3, (len(ids), n_frames, 1, 2)), axis=1)
    points = np.round(centers + rng.normal(0, 20, (len(ids), n_frames, len(names), 2)), 3)
    for number in range(len(ids)):
        points[number, : 2 + 5 * number] = np.nan
        points[number, n_frames - 3 - number :] = np.nan
        points[number, 15 + number : 18 + 2 * number] = np.nan
    points[:, 25] = np.nan
    if len(names) > 2:
        points[0, 8, 0] = np.nan
    return Planted(list(ids), list(names), points)


def dlc_columns(one: Planted, multi: bool = True) -> pd.MultiIndex:
    individuals = one.ids if multi else one.ids[:1]
    rows = [("DLC_net", i, n, c) for i in individuals for n in one.names for c in ("x", "y", "likelihood")]
    levels = ["scorer", "individuals", "bodyparts", "coords"]
    if not multi:
        return pd.MultiIndex.from_tuples([(row[0], *row[2:]) for row in rows], names=[levels[0], *levels[2:]])
    return pd.MultiIndex.from_tuples(rows, names=levels)


def dlc_table(one: Planted, multi: bool = True, dtype: Any = np.float64) -> pd.DataFrame:
    values = np.concatenate([one.points, one.confidence[..., None]], axis=-1)  # (I, T, K, 3)
    values = values if multi else values[:1]
    return pd.DataFrame(
        values.transpose(1, 0, 2, 3).reshape(one.n_frames, -1).astype(dtype), columns=dlc_columns(one, multi)
    )


def write_dlc_csv(path: Path, one: Planted, multi: bool = True, scorer: str = "DLC_net") -> None:
    table = dlc_table(one, multi)
    rows = [[name, *table.columns.get_level_values(name)] for name in table.columns.names]
    rows[0][1:] = [scorer] * len(table.columns)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    table.to_csv(path, mode="a", header=False)


def write_sleap_analysis(path: Path, one: Planted, python_order: bool = False, scores: bool = True) -> None:
    with h5py.File(path, "w") as file:
        tracks = one.points.transpose(1, 0, 2, 3) if python_order else one.points.transpose(0, 3, 2, 1)
        file.create_dataset("tracks", data=tracks, compression="gzip")
        occupied = (~np.isnan(one.points[..., 0])).any(axis=2).T
        file["track_occupancy"] = occupied.astype(np.uint8)
        file["track_names"] = [name.encode() for name in one.ids]
        file["node_names"] = [name.encode() for name in one.names]
        if scores:
            file["point_scores"] = (
                one.confidence.transpose(1, 0, 2) if python_order else one.confidence.transpose(0, 2, 1)
            )


def write_idtracker(path: Path, one: Planted, kind: str, **facts: Any) -> Path:
    """Write the trajectories of the first key point in one of idtracker.ai's ways; returns what to open."""
    places = one.points[:, :, 0].transpose(1, 0, 2)
    attributes = {
        "version": "6.0.14", "frames_per_second": 25.0, "body_length": 40.0, "identities_labels": one.ids,
        "video_paths": ["/data/day1.avi"], "setup_points": {}, "length_unit": None, **facts,
    }  # fmt: skip
    probabilities = np.where(np.isnan(places[..., :1]), 0, 0.9)
    content = {"trajectories": places, "id_probabilities": probabilities, **attributes}
    if kind == "npy":
        np.save(path / "trajectories.npy", content)
        return path / "trajectories.npy"
    if kind == "pickle":
        (path / "trajectories.pickle").write_bytes(pickle.dumps(content))
        return path / "trajectories.pickle"
    if kind == "h5":
        with h5py.File(path / "trajectories.h5", "w") as file:
            file.create_dataset("trajectories", data=places, compression="gzip")
            file.create_dataset("id_probabilities", data=probabilities, compression="gzip")
            for name, value in attributes.items():
                if value is not None and not isinstance(value, dict):
                    file.attrs[name] = value
        return path / "trajectories.h5"
    n_frames, count, _ = places.shape
    if kind == "csv":
        folder = path / "trajectories_csv"
        folder.mkdir()
        header = ",".join(["time", *(f"{axis}{n}" for n in range(1, count + 1) for axis in "xy")])
        rows = np.column_stack([np.arange(n_frames) / 25, places.reshape(n_frames, -1)])
        np.savetxt(folder / "trajectories.csv", rows, delimiter=",", header=header, fmt="%.3f", comments="")
        np.savetxt(folder / "id_probabilities.csv", probabilities[..., 0], delimiter=",", header="id_probabilities1")
        (folder / "attributes.json").write_text(json.dumps(attributes))
        return folder
    frames, who = np.repeat(np.arange(n_frames), count), np.tile(np.arange(count), n_frames)
    rows = np.column_stack([frames, frames / 25, who, places.reshape(-1, 2), probabilities.ravel()])
    header, fmt = "frame,time,individual,x,y,probability", ["%d", "%.3f", "%d", "%.3f", "%.3f", "%.3e"]
    np.savetxt(path / "trajectories_tidy.csv", rows, delimiter=",", comments="", header=header, fmt=fmt)
    (path / "attributes_tidy.json").write_text(json.dumps(attributes))
    return path / "trajectories_tidy.csv"


def write_trex(folder: Path, one: Planted, video: str = "day 1", cm_per_pixel: float | None = 0.05) -> list[Path]:
    """Write a file for each individual, with rows from its first frame to its last; absent places are infinite."""
    paths = []
    for number, places in enumerate(one.points[:, :, 0]):
        held = np.flatnonzero(~np.isnan(places[:, 0]))
        frames = np.arange(held[0], held[-1] + 1)
        missing = np.isnan(places[frames, 0])
        scale = 0.05 if cm_per_pixel is None else cm_per_pixel
        x, y = (np.where(missing, np.inf, places[frames, axis] * scale) for axis in (0, 1))
        columns = {
            "frame": frames.astype(np.float32), "missing": missing.astype(np.float32), "time": frames / 25,
            "X#wcentroid": x, "Y#wcentroid": y, "X": x + 1, "Y": y + 1,
            "midline_length": np.where(missing, np.inf, 40.0).astype(np.float32),
        }  # fmt: skip
        if cm_per_pixel is not None:
            columns["cm_per_pixel"] = np.array([cm_per_pixel])
        paths.append(folder / f"{video}_fish{number}.npz")
        np.savez(paths[-1], **columns)
    return paths


def calms21(one: Planted) -> dict[str, Any]:
    return {
        "keypoints": one.points.transpose(1, 0, 3, 2).tolist(),
        "scores": one.confidence.transpose(1, 0, 2).tolist(),
        "annotations": [3] * one.n_frames,
        "metadata": {"fps": 30.0},
    }


def write_jabs(path: Path, one: Planted, version: int = 5) -> None:
    """Points as row and column in whole numbers; places of the mice change from frame to frame."""
    n_mice, n_frames = one.points.shape[:2]
    points, confidence = (
        np.zeros((n_frames, n_mice, JABS_NAMES, 2), np.uint16),
        np.zeros((n_frames, n_mice, JABS_NAMES)),
    )
    ids, mask, count = (
        np.zeros((n_frames, n_mice), np.uint32),
        np.ones((n_frames, n_mice), bool),
        np.zeros(n_frames, int),
    )
    for frame in range(n_frames):
        for mouse in np.roll(np.arange(n_mice), frame):
            held = ~np.isnan(one.points[mouse, frame, :, 0])
            if not held.any():
                continue
            place = count[frame]
            points[frame, place, held] = one.points[mouse, frame, held][:, ::-1]
            confidence[frame, place, held] = one.confidence[mouse, frame, held]
            ids[frame, place], mask[frame, place] = mouse + (version > 3), False
            count[frame] += 1
    with h5py.File(path, "w") as file:
        group = file.create_group("poseest")
        group.attrs["version"] = np.array([version, 0], np.uint16)
        if version == 2:
            points, confidence = points[:, 0], confidence[:, 0]
        group.create_dataset("points", data=points, compression="gzip")
        group.create_dataset("confidence", data=confidence.astype(np.float32), compression="gzip")
        if version > 2:
            group["instance_count"] = count.astype(np.uint8)
            group["instance_track_id"] = ids
        if version > 3:
            group["instance_embed_id"], group["id_mask"] = ids, mask


def jaaba_animals(one: Planted) -> list[dict[str, Any]]:
    """Ellipses around the first point of each individual: half axes of 20 and 8 px, turned with time."""
    animals = []
    for number, places in enumerate(one.points[:, :, 0]):
        held = np.flatnonzero(~np.isnan(places[:, 0]))
        frames = np.arange(held[0], held[-1] + 1)
        full = np.full(len(frames), 1.0)
        animal = {"firstframe": frames[0] + 1, "endframe": frames[-1] + 1, "nframes": len(frames), "off": -frames[0]}
        animal = {name: float(value) for name, value in {**animal, "id": number + 1}.items()}
        animal |= {"x": places[frames, 0] + 1, "y": places[frames, 1] + 1}
        animals.append({**animal, "theta": 0.1 * frames, "a": 10.0 * full, "b": 4.0 * full})
    return animals


def write_jaaba(path: Path, one: Planted, newer: bool = False) -> None:
    animals = jaaba_animals(one)
    if not newer:
        trx = np.array([tuple(a.values()) for a in animals], dtype=[(name, object) for name in animals[0]])
        scipy.io.savemat(path, {"trx": trx[None], "timestamps": np.arange(one.n_frames) / 30}, do_compression=True)
        return
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        references = file.create_group("#refs#")
        trx = file.create_group("trx")
        for name in animals[0]:
            column = trx.create_dataset(name, (len(animals), 1), h5py.ref_dtype)
            for number, animal in enumerate(animals):
                references[f"{name}{number}"] = np.atleast_1d(animal[name]).reshape(-1, 1)
                column[number, 0] = references[f"{name}{number}"].ref
    text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM"
    path.write_bytes(text + buffer.getvalue()[128:])


def write_slp(path: Path, one: Planted, version: float = 1.3, videos: int = 1, tracked: bool = True) -> None:
    """Write labels as SLEAP lays them out: records of frames, instances and points, all predicted."""
    frames, instances, points = [], [], []
    for video in range(videos):
        for frame in range(one.n_frames):
            first = len(instances)
            for track in range(len(one.ids)):
                held = ~np.isnan(one.points[track, frame, :, 0])
                if not held.any():
                    continue
                start = len(points)
                points += [
                    (*(xy + 1000 * video), seen, False, score)
                    for xy, seen, score in zip(
                        one.points[track, frame], held, one.confidence[track, frame], strict=True
                    )
                ]
                row = (len(instances), 1, len(frames), 0, track if tracked else -1, -1, 0.5, start, len(points), 0.0)
                instances.append(row)
            if len(instances) > first:
                frames.append((len(frames), video, frame, first, len(instances)))
    frame_type = [("frame_id", "u8"), ("video", "u4"), ("frame_idx", "u8")]
    frame_type += [("instance_id_start", "u8"), ("instance_id_end", "u8")]
    instance_type = [("instance_id", "i8"), ("instance_type", "u1"), ("frame_id", "u8"), ("skeleton", "u4")]
    instance_type += [("track", "i4"), ("from_predicted", "i8"), ("score", "f4")]
    instance_type += [("point_id_start", "u8"), ("point_id_end", "u8"), ("tracking_score", "f4")]
    point_type = [("x", "f8"), ("y", "f8"), ("visible", "?"), ("complete", "?")]
    # The nodes of a skeleton are in an order of their own.
    order = np.roll(np.arange(len(one.names)), 1)
    nodes = [None] * len(one.names)
    for place, node in enumerate(order):
        nodes[node] = {"name": one.names[place], "weight": 1.0}
    metadata = {
        "version": "2.0.0",
        "nodes": nodes,
        "skeletons": [{"nodes": [{"id": int(node)} for node in order], "links": [], "graph": {"name": "s"}}],
    }
    with h5py.File(path, "w") as file:
        group = file.create_group("metadata")
        group.attrs["format_id"], group.attrs["json"] = version, np.bytes_(json.dumps(metadata))
        file["frames"], file["instances"] = np.array(frames, frame_type), np.array(instances, instance_type)
        file["pred_points"] = np.array(points, [*point_type, ("score", "f8")])
        file["points"] = np.empty(0, point_type)
        file["tracks_json"] = [json.dumps([0, name]).encode() for name in one.ids]
        recordings = [{"filename": f"{n}.mp4", "backend": {"filename": f"{n}.mp4"}} for n in range(videos)]
        file["videos_json"] = [json.dumps(recording).encode() for recording in recordings]


def write_tracklets(path: Path, one: Planted, flat: bool = False) -> None:
    columns = [("DLC_net", name, coord) for name in one.names for coord in ("x", "y", "likelihood")]
    content: dict[Any, Any] = {"header": pd.MultiIndex.from_tuples(columns, names=["scorer", "bodyparts", "coords"])}
    for number, (points, scores) in enumerate(zip(one.points, one.confidence, strict=True)):
        rows = {}
        for frame in range(one.n_frames):
            if not np.isnan(points[frame, :, 0]).all():
                array = np.column_stack([points[frame], scores[frame]])
                rows[f"frame{frame:0>4}"] = (
                    array.ravel() if flat else np.column_stack([array, np.full(len(array), 7.0)])
                )
        content[number] = rows
    path.write_bytes(pickle.dumps(content))
