"""The program that reads strangers' files, one after another, and says of each what became of it.

It runs in a process of its own, so that a file that crashes it, hangs or eats the memory is found out: `witness.py`
starts it. Its first argument is the kind of file; each line of standard input is a path, each line of standard output
the report on it.
"""

import itertools
import json
import os
import resource
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_i3d.errors import NapariI3DError

# Beyond what any case may take, so that a wrong one is measured; this side of what the machine has, so that it lives.
ADDRESS_SPACE_BYTES = 6 << 30
MOST_FRAMES = 48
MOST_PIXEL_BYTES = 200 << 20
# What code from a file would do, whichever way it came to run.
FORBIDDEN = frozenset(
    {
        "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn", "os.remove",
        "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate", "os.kill", "os.putenv",
        "shutil.rmtree", "shutil.copyfile", "socket.__new__", "socket.connect", "ctypes.dlopen", "ctypes.cdata",
        "pickle.find_class", "builtins.input", "code.__new__", "function.__new__", "webbrowser.open", "urllib.Request",
    }
)  # fmt: skip

seen: list[str] = []
watching = False


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not watching:
        return
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append(f"open {arguments[0]!r} to write")
    elif (event in FORBIDDEN and (event, kind) != ("os.kill", "video")) or (
        event == "subprocess.Popen" and kind != "video"
    ):
        seen.append(f"{event} {arguments!r}"[:200])


def tracking(path: Path) -> Any:
    from napari_i3d.projects.tracking_files import may_be_tracking
    from napari_i3d.tracking.io.box_pickle import read_tracking

    may_be_tracking(path)
    read = read_tracking(path)
    return {
        repr(key): [one.start, len(one), len(one.gaps), zlib.crc32(one.boxes.tobytes())] for key, one in read.items()
    }


def formats(path: Path) -> Any:
    import h5py  # noqa: F401 - imported late, which is not the file's doing
    import pandas  # noqa: F401
    import scipy.io  # noqa: F401

    from napari_i3d.tracking.io.reading import read_tracking
    from napari_i3d.tracking.keypoints import KeypointBoxes

    if path.is_dir() and (path / "a.csv").exists():  # the honest files: all that is imported late
        return [formats(one) for one in path.rglob("*") if one.is_file() and one.suffix != ".json"]
    read = read_tracking(path, boxes=KeypointBoxes(size_px=50))
    return {
        repr(key): [one.start, len(one), len(one.gaps), zlib.crc32(one.boxes.tobytes())] for key, one in read.items()
    }


def boxes(path: Path) -> Any:
    import pandas  # noqa: F401
    import scipy.io  # noqa: F401

    from napari_i3d.tracking.io.format import VideoFacts
    from napari_i3d.tracking.io.reading import read_tracking

    if path.is_dir() and (path / "a.xml").exists():  # the honest files: all that is imported late
        return [boxes(one) for one in path.iterdir()]
    read = read_tracking(path, video=VideoFacts(640, 480, 10**8, 25.0))
    return {
        repr(key): [one.start, len(one), len(one.gaps), zlib.crc32(one.boxes.tobytes())] for key, one in read.items()
    }


def annotations(path: Path) -> Any:
    import h5py  # noqa: F401 - imported late, which is not the file's doing
    import pandas  # noqa: F401

    from napari_i3d.annotations.io.format import AnnotatedVideo
    from napari_i3d.annotations.io.reading import read_annotation

    if path.is_dir() and any((path / name).exists() for name in ("a.boris", "a.eaf")):  # all honest files, to import
        return [annotations(one) for one in path.iterdir()]
    read = read_annotation(path, video=AnnotatedVideo("clip.mp4", None, 25.0))
    return {"bouts": [[bout.individual, bout.behavior, bout.start, bout.stop] for bout in read.bouts]}


def features(path: Path) -> Any:
    from napari_i3d.features.io.reading import read_features

    read = read_features(path)
    return {
        repr(key): [*rows.shape, zlib.crc32(rows.tobytes()), read.one_row_a_frame(key)] for key, rows in read.items()
    }


def weights(path: Path) -> Any:
    from napari_i3d.backbones.i3d.weights_files import read_weights_file

    read = read_weights_file(path)
    return {"format": read.format, "sum": [zlib.crc32(array.tobytes()) for array in read.blobs.values()]}


def video(path: Path) -> Any:
    from napari_i3d.video.video import open_video

    frames, error = [], ""
    with open_video(path) as opened:
        try:
            for frame in itertools.islice(opened.frames(), MOST_FRAMES):
                frames.append(zlib.crc32(frame.data))
                if len(frames) * frame.nbytes > MOST_PIXEL_BYTES:
                    break
        except NapariI3DError as caught:
            error = str(caught)
        return {"count": len(opened), "shape": opened.shape[1:], "frames": frames, "error": error}


def unsafe(path: Path) -> Any:
    """What no reader does: shows that the watch sees it."""
    import pickle

    return {"size": len(pickle.loads(path.read_bytes()) or "")}


ROUTES: dict[str, Callable[[Path], Any]] = {
    "annotations": annotations,
    "tracking": tracking,
    "boxes": boxes,
    "features": features,
    "formats": formats,
    "weights": weights,
    "video": video,
    "unsafe": unsafe,
}


def peak_mb() -> float:
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def report(path: Path) -> dict[str, Any]:
    global watching
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    said: dict[str, Any] = {"result": None, "error": "", "other": ""}
    start_s = time.monotonic()
    watching = True
    try:
        said["result"] = ROUTES[kind](path)
    except NapariI3DError as error:
        said["error"] = str(error)
    except BaseException as error:  # noqa: BLE001 - which is what is looked for
        said["other"] = f"{type(error).__name__}: {error}"[:500]
    watching = False
    said |= {"seconds": time.monotonic() - start_s, "code": seen[:], "mb": peak_mb()}
    seen.clear()
    said["children_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return said


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a file has printed is no report
    sys.addaudithook(watch)
    sys.unraisablehook = lambda trouble: seen.append(f"unraisable {trouble.exc_value!r}")
    import threading

    threading.excepthook = lambda trouble: seen.append(f"in a thread: {trouble.exc_value!r}")
    report(Path(sys.argv[2]))  # an honest file, for all that is imported late
    seen.clear()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(report(Path(json.loads(line)))), file=out, flush=True)


kind = sys.argv[1] if len(sys.argv) > 1 else ""
if __name__ == "__main__":
    main()
