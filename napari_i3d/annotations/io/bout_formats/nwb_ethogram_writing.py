"""Write bouts to an NWB file, with the extension ndx-ethogram: a table for each individual and origin."""

import datetime
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_i3d._utils.extras import needed_for
from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id, format_id

MODULE = "behavior"
OBSERVED = "observed"
"""Begins the names of the tables of assessed frames; the name of the table of bouts follows."""
_START = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write the file, and return notes."""
    with needed_for("writing NWB files", "nwb", OutputError):
        import ndx_ethogram
        import pynwb
    clock = request.clock()
    name = request.video.name or "video"
    file = pynwb.NWBFile(
        session_description=annotation.notes or f"Behaviors labelled in {name}",
        identifier=Path(name).stem,
        session_start_time=_START,
        experimenter=[annotation.annotator] if annotation.annotator else None,
    )
    video = _video(pynwb, name, request, clock, annotation.end)
    file.add_acquisition(video)
    module = file.create_processing_module(MODULE, "Behaviors, labelled frame by frame")
    ethogram = _ethogram(pynwb, ndx_ethogram, annotation)
    module.add(ethogram)
    for individual in request.wanted(annotation):
        _add_individual(pynwb, ndx_ethogram, module, annotation, individual, clock, (video, ethogram))
    # The library writes to a name of its own, which is then copied to the file that takes its place.
    beside = path.with_name(f".napari_i3d-{secrets.token_hex(8)}.nwb")
    try:
        with pynwb.NWBHDF5IO(str(beside), "w") as stream:
            stream.write(file)
        with atomic_writer(path) as target:
            target.write(beside.read_bytes())
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written ({error})", hint="choose another place") from error
    finally:
        beside.unlink(missing_ok=True)
    rate = f"{1 / clock.frame_s:g} frames per second" if clock.is_even else "the times of the frames"
    keys = sum(bool(one.key or one.color) for one in annotation.ethogram.values())
    lost = [f"keys and colors of {counted(keys, 'behavior')} are not kept"] if keys else []
    return (f"times are those of {rate}", "the session's date is unknown and set to 1970-01-01", *lost)


def _video(pynwb: Any, name: str, request: WriteRequest, clock: FrameClock, end: int) -> Any:
    facts = request.video
    # The rate alone would do for most videos, but versions of the library differ in what they ask for beside it.
    times_s = clock.start_s(range(max(facts.n_frames or end, 1)))
    return pynwb.image.ImageSeries(
        name="video",
        description=json.dumps({"file": name, "frames": facts.n_frames, "fps": facts.fps}),
        external_file=[name],
        starting_frame=[0],
        format="external",
        unit="n.a.",
        timestamps=times_s,
    )


def _ethogram(pynwb: Any, ndx: Any, annotation: Annotation) -> Any:
    behaviors = list(annotation.ethogram.values())
    return ndx.Ethogram(
        name="ethogram",
        description="The behaviors that were labelled",
        exclusive=all(one.exclusive for one in behaviors),
        columns=[
            _column(pynwb, "behavior", "name", [one.name for one in behaviors]),
            _column(pynwb, "definition", "what counts as this behavior", [one.description for one in behaviors]),
            _column(pynwb, "behavior_type", "all last", ["state" for _ in behaviors]),
        ],
        colnames=["behavior", "definition", "behavior_type"],
        id=list(range(len(behaviors))),
    )


def _add_individual(
    pynwb: Any,
    ndx: Any,
    module: Any,
    annotation: Annotation,
    individual: Id,
    clock: FrameClock,
    links: tuple[Any, Any],
) -> None:
    own = annotation.of(individual)
    assessed = annotation.assessed.get(individual, ())
    observed = None
    for origin in Origin:
        bouts = [bout for bout in own if bout.origin is origin]
        # An individual that does nothing was looked at all the same.
        if not bouts and not (origin is Origin.MANUAL and not own and assessed):
            continue
        name = _table_name(individual, origin)
        if observed is None:
            observed = pynwb.epoch.TimeIntervals(
                name=f"{OBSERVED} {name}",
                description=f"When {format_id(individual)} was looked at",
                columns=[
                    _column(pynwb, "start_time", "seconds", clock.start_s([low for low, _ in assessed])),
                    _column(pynwb, "stop_time", "seconds", clock.start_s([high for _, high in assessed])),
                ],
                colnames=["start_time", "stop_time"],
                id=list(range(len(assessed))),
            )
            module.add(observed)
        module.add(_bout_table(pynwb, ndx, name, annotation, individual, origin, bouts, clock, (*links, observed)))


def _bout_table(
    pynwb: Any,
    ndx: Any,
    name: str,
    annotation: Annotation,
    individual: Id,
    origin: Origin,
    bouts: Sequence[Bout],
    clock: FrameClock,
    links: tuple[Any, Any, Any],
) -> Any:
    columns = {
        "start_time": clock.start_s([bout.start for bout in bouts]),
        "stop_time": clock.start_s([bout.stop for bout in bouts]),
        "label": [bout.behavior for bout in bouts],
    }
    if any(bout.confidence is not None for bout in bouts):
        columns["confidence"] = [float("nan") if bout.confidence is None else bout.confidence for bout in bouts]
    if any(bout.target is not None for bout in bouts):
        columns["target"] = [json.dumps(bout.target) if bout.target is not None else "" for bout in bouts]
    if any(bout.note for bout in bouts):
        columns["note"] = [bout.note for bout in bouts]
    return ndx.EthogramBouts(
        name=name,
        description=f"Behaviors of {format_id(individual)}; a frame belongs to a bout if its time is in [start, stop)",
        labeling_method=origin.value,
        annotator=annotation.annotator or None,
        parameters=json.dumps({"individual": individual, "place": annotation.individuals.index(individual)}),
        source_software="napari_i3d" if origin is not Origin.MANUAL else None,
        source_video=links[0],
        ethogram=links[1],
        observation_intervals=links[2],
        columns=[_column(pynwb, key, key, values) for key, values in columns.items()],
        colnames=list(columns),
        id=list(range(len(bouts))),
    )


def _table_name(individual: Id, origin: Origin) -> str:
    """Return a name that HDF5 can hold."""
    text = f"{individual!r}" if isinstance(individual, int) else individual or "whole image"
    return f"{text.replace('/', '_').replace(':', '_')} {origin.value}"


def _column(pynwb: Any, name: str, description: str, data: Any) -> Any:
    return pynwb.core.VectorData(name=name, description=description, data=list(data))
