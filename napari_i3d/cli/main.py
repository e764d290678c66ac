"""The command ``napari-i3d``: reads options, makes one call into the core, shows what happens, returns a status."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from napari_i3d import __version__
from napari_i3d.cli.bench import add_bench
from napari_i3d.cli.common import FAILED, INTERRUPTED, WRONG_USAGE, print_error
from napari_i3d.cli.demo import add_demo
from napari_i3d.cli.detect import add_detect
from napari_i3d.cli.extract import add_extract
from napari_i3d.cli.plot import add_plot
from napari_i3d.cli.view import add_check_and_view
from napari_i3d.cli.weights import add_weights
from napari_i3d.errors import NapariI3DError, SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 all done, 1 anything failed, 2 wrong usage, 130 interrupted."""
    logging.basicConfig(format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        # A pipe on Windows may know few characters; a name it cannot show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    if not given:
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    options = parser.parse_args([_with_underscores(argument) for argument in given])
    try:
        status: int = options.run(options)
    except SettingsError as error:
        print_error(str(error))
        return WRONG_USAGE
    except NapariI3DError as error:
        print_error(str(error))
        return FAILED
    except BrokenPipeError:
        # Whoever read the output, like head, has seen enough; nothing may be left to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print_error("interrupted; results that were finished are kept, the same command goes on after them")
        return INTERRUPTED
    return status


def _with_underscores(argument: str) -> str:
    """Return an argument with the ``-`` in the name of an option as ``_``: both spellings are accepted."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="napari-i3d",
        description="I3D (ResNet-50) features of tracked individuals in videos, frame by frame.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (add_extract, add_check_and_view, add_detect, add_plot, add_weights, add_bench, add_demo):
        add(commands)
    return parser
