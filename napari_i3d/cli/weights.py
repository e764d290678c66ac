"""``napari-i3d weights download|convert|info``: get, convert and verify weights."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, find_source
from napari_i3d.cli.shared.common import DONE, FAILED, add_command, print_line


def add_weights(commands: Any) -> None:
    """Add the command to the parser."""
    weights = add_command(commands, "weights", None, "get, convert and verify weights of the network")
    actions = weights.add_subparsers(title="actions", required=True, metavar="ACTION")
    download = add_command(actions, "download", _download, "download published weights into the cache folder")
    download.add_argument("name", nargs="?", default=DEFAULT_WEIGHTS, metavar="NAME", help=f"default {DEFAULT_WEIGHTS}")
    convert = add_command(actions, "convert", _convert, "convert weights to .safetensors")
    convert.add_argument("source", metavar="SOURCE", help="name or path of weights: .pkl, .pth or .safetensors")
    convert.add_argument("target", type=Path, metavar="TARGET", help="the .safetensors file to write")
    info = add_command(actions, "info", _info, "verify weights and print facts about them")
    info.add_argument("weights", nargs="?", default=DEFAULT_WEIGHTS, metavar="NAME|PATH", help="default %(default)s")


def _download(options: argparse.Namespace) -> int:
    from napari_i3d.backbones.download import download_weights

    source = find_source(options.name)
    print(f"{source.name}: {source.url}\nlicense: {source.license} (not for commercial use); source: {source.page}")
    print(f"please cite: {source.citation}", flush=True)
    with tqdm(unit="B", unit_scale=True, desc=source.file_name, file=sys.stderr) as bar:
        path = download_weights(options.name, bar)
    print_line(f"verified and kept at {path}")
    return DONE


def _convert(options: argparse.Namespace) -> int:
    from napari_i3d.backbones.weights import convert_weights

    facts = convert_weights(options.source, options.target)
    print_line(f"{options.target}: {facts.name}, license: {facts.license}, sha256 {facts.sha256}")
    return DONE


def _info(options: argparse.Namespace) -> int:
    from napari_i3d.backbones.weights import describe_weights

    facts = describe_weights(options.weights)
    for name, value in facts.items():
        print_line(f"{name:<12} {value}")
    if not facts["present"]:
        print("not downloaded: get them with `napari-i3d weights download`")
    return DONE if facts["present"] else FAILED
