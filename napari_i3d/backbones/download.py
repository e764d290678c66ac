"""Download published weights into the cache folder. Loads no torch."""

import datetime
import json
import secrets
from pathlib import Path
from typing import Any

import pooch

from napari_i3d._utils.files import atomic_writer, make_folder, sha256_of
from napari_i3d.backbones.i3d.caffe2 import read_caffe2
from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, WeightsSource, find_source
from napari_i3d.errors import OutputError, WeightsError

_TIMEOUT_S = 30
_PIECE_BYTES = 1 << 16


def download_weights(name: str = DEFAULT_WEIGHTS, progress: Any = None) -> Path:
    """Download weights, check them, and keep them with a record of their origin.

    The caller shows the license, ``find_source(name).license``. A file that equals its record is kept; one that
    differs, or has no record, is downloaded again. A failed download leaves nothing behind and starts from the
    beginning next time.

    Parameters
    ----------
    name
        A name in `pretrained.SOURCES`.
    progress
        An object with an attribute `total` and methods `update(bytes)`, `reset()` and `close()`, such as a tqdm bar.

    Returns
    -------
    Path
        The file; beside it ``<file>.json`` with name, url, page, license, SHA-256, size in bytes and the time in UTC.

    Raises
    ------
    WeightsError
        No such name; the file cannot be downloaded, or is not the weights of the network.
    OutputError
        The cache folder cannot be written to.
    """
    source = find_source(name)
    if _is_whole(source):
        return source.path
    folder = make_folder(source.path.parent)
    part = folder / f".{source.file_name}.{secrets.token_hex(4)}.part"
    try:
        _fetch(source, part, progress)
        try:
            read_caffe2(part)
        except WeightsError as error:
            reason = error.message.text.removeprefix(f"{part}: ")
            raise WeightsError(
                f"{source.url}: what came is not the weights, and was not kept: {reason}", hint="try again later"
            ) from error
        _keep(source, part)
    finally:
        part.unlink(missing_ok=True)
    return source.path


class _Bar:
    """Adapts a tqdm bar to pooch, which needs one that is always true; without a total tqdm's is false or raises."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "total":
            self._bar.total = value
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bar, name)


def _is_whole(source: WeightsSource) -> bool:
    if not source.path.is_file():
        return False
    try:
        record = source.read_record()
        return record is not None and record["sha256"] == sha256_of(source.path)
    except (WeightsError, OSError):
        return False


def _fetch(source: WeightsSource, part: Path, progress: Any) -> None:
    answers: list[Any] = []  # pooch leaves the connection open after an error
    # pooch.retrieve would log to the terminal, and give the file its final name before we have checked it
    downloader = pooch.HTTPDownloader(
        progressbar=False if progress is None else _Bar(progress),
        chunk_size=_PIECE_BYTES,
        timeout=_TIMEOUT_S,
        hooks={"response": lambda answer, **_: answers.append(answer)},
    )
    try:
        downloader(source.url, str(part), None)
    except (OSError, ValueError) as error:  # requests' errors are among these
        raise WeightsError(
            f"{source.url}: cannot be downloaded to {source.path} ({' '.join(str(error).split())[:200]})",
            hint="try again, or download it elsewhere and put it there",
        ) from error
    finally:
        for answer in answers:
            answer.close()


def _keep(source: WeightsSource, part: Path) -> None:
    """Rename the file and write its record; an old record never stands beside a new file."""
    record = {
        "name": source.name,
        "url": source.url,
        "page": source.page,
        "license": source.license,
        "sha256": sha256_of(part),
        "size_bytes": part.stat().st_size,
        "downloaded": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    try:
        source.record_path.unlink(missing_ok=True)
        part.replace(source.path)
    except OSError as error:
        raise OutputError(f"{source.path}: cannot be replaced ({error.strerror or error})") from error
    with atomic_writer(source.record_path) as file:
        file.write(json.dumps(record, indent=2).encode())
