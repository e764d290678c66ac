"""Load the network with weights by name, untrained, or from a file; convert and describe weights."""

import os
from pathlib import Path

from napari_i3d._utils.files import sha256_of
from napari_i3d._utils.text import printable
from napari_i3d.backbones.i3d.network import I3DResNet50
from napari_i3d.backbones.i3d.untrained import blobs_sha256, untrained_blobs
from napari_i3d.backbones.i3d.weights_checks import Blobs
from napari_i3d.backbones.i3d.weights_files import read_weights_file, write_safetensors
from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, SOURCES, UNTRAINED, WeightsFacts, WeightsSource
from napari_i3d.errors import WeightsError

_UNKNOWN_LICENSE = f"not stated in the file; the published weights are {SOURCES[DEFAULT_WEIGHTS].license}"


def load_network(weights: str | os.PathLike[str] = DEFAULT_WEIGHTS) -> tuple[I3DResNet50, WeightsFacts]:
    """Load the network, ready for inference: on the CPU, in evaluation mode, without gradients, float32.

    Parameters
    ----------
    weights
        A name in `pretrained.SOURCES`, whose file must have been downloaded (nothing is downloaded here);
        ``"untrained"`` for seeded random weights, the same everywhere; or the path of a file, see `read_weights_file`.

    Raises
    ------
    WeightsError
        The weights are not downloaded, missing, damaged, changed since the download, or of another network.
    """
    blobs, facts = _read(weights)
    return I3DResNet50.from_blobs(blobs), facts


def convert_weights(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> WeightsFacts:
    """Write weights as safetensors, a format that cannot hold code and that other programs read; return their facts.

    Parameters
    ----------
    source
        Like `weights` of `load_network`.
    target
        The file to write; replaced if it exists. Its arrays have the published names; its metadata hold name, license,
        SHA-256 of the source, and whether the weights are trained.

    Raises
    ------
    WeightsError
        The source is not weights of the network.
    OutputError
        The target cannot be written.
    """
    target = Path(target)
    blobs, facts = _read(source)
    metadata = {
        "name": facts.name,
        "license": facts.license,
        "source_sha256": facts.sha256,
        "source_format": facts.format,
        "trained": "yes" if facts.trained else "no",
    }
    write_safetensors(target, blobs, metadata)
    return WeightsFacts(facts.name, str(target), sha256_of(target), "safetensors", facts.license, facts.trained)


def describe_weights(weights: str | os.PathLike[str] = DEFAULT_WEIGHTS) -> dict[str, str | int | float | bool | None]:
    """Verify weights and return the facts about them.

    Parameters
    ----------
    weights
        Like `weights` of `load_network`; published weights need not have been downloaded.

    Returns
    -------
    dict
        JSON values: ``present``, the fields of `WeightsFacts`, ``parameters`` (their number); for published weights
        also ``url``, ``page``, ``training``, ``mean``, ``std``, ``citation`` and ``downloaded``, the time in UTC (None
        if the file was put there by hand).

    Raises
    ------
    WeightsError
        As in `load_network`, except for a missing download.
    """
    source = SOURCES.get(weights) if isinstance(weights, str) else None
    published: dict[str, str | int | float | bool | None] = {}
    if source is not None:
        published = {key: getattr(source, key) for key in ("url", "page", "training", "mean", "std", "citation")}
        if not source.path.exists():
            return {"present": False, "name": source.name, "license": source.license, **published}
        published["downloaded"] = (source.read_record() or {}).get("downloaded")
    blobs, facts = _read(weights)
    parameters = sum(array.size for name, array in blobs.items() if not name.endswith(("_rm", "_riv")))
    return {"present": True, **facts.as_dict(), "parameters": parameters, **published}


def _read(weights: str | os.PathLike[str]) -> tuple[Blobs, WeightsFacts]:
    if weights == UNTRAINED:
        blobs = untrained_blobs()
        return blobs, WeightsFacts(UNTRAINED, None, blobs_sha256(blobs), "generated", "none needed", trained=False)
    if isinstance(weights, str) and weights in SOURCES:
        return _read_download(SOURCES[weights])
    path = Path(weights)
    if isinstance(weights, str) and not path.exists() and path.name == weights and not path.suffix:
        raise WeightsError(
            f"{weights}: neither known weights nor a file; known are {', '.join((*SOURCES, UNTRAINED))}",
            hint="choose one of these, or give the path of a file",
        )
    file = read_weights_file(path)
    name = printable(file.metadata.get("name", ""), 120) or path.name
    license_text = printable(file.metadata.get("license", ""), 120) or _UNKNOWN_LICENSE
    trained = file.metadata.get("trained") != "no"
    return file.blobs, WeightsFacts(name, str(path), sha256_of(path), file.format, license_text, trained)


def _read_download(source: WeightsSource) -> tuple[Blobs, WeightsFacts]:
    path = source.path
    if not path.exists():
        raise WeightsError(
            f"{source.name}: these weights are not in {path.parent}",
            hint=f"{{download}} (license {source.license}), or use {{weights={UNTRAINED}}} to try things out",
        )
    record = source.read_record()
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error
    if record is not None and record["sha256"] != sha256:
        raise WeightsError(
            f"{path}: damaged or changed since its download (SHA-256 {sha256[:12]}..., recorded {record['sha256'][:12]}"
            "...)",
            hint="{download} to replace it",
        )
    file = read_weights_file(path)
    return file.blobs, WeightsFacts(source.name, str(path), sha256, file.format, source.license, trained=True)
