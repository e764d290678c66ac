"""The command ``napari-i3d``: parses options, calls the core, shows progress, returns a status."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from napari_i3d import __version__
from napari_i3d.cli.bench import add_bench
from napari_i3d.cli.conversion.convert import add_convert
from napari_i3d.cli.demo import add_demo
from napari_i3d.cli.detect import add_detect
from napari_i3d.cli.extract import add_extract
from napari_i3d.cli.learning.dataset import add_dataset
from napari_i3d.cli.learning.learn import add_learn
from napari_i3d.cli.plot import add_plot
from napari_i3d.cli.render import add_render
from napari_i3d.cli.shared.common import FAILED, INTERRUPTED, WRONG_USAGE, command_wording, print_error
from napari_i3d.cli.view import add_check_and_view
from napari_i3d.cli.weights import add_weights
from napari_i3d.errors import NapariI3DError, SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 all done, 1 anything failed, 2 wrong usage, 130 interrupted."""
    logging.basicConfig(format="%(message)s")
    for stream in (sys.stdout, sys.stderr):
        # The encoding of a pipe on Windows lacks many characters, which must not end the program.
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
        print_error(error.message.in_words(command_wording))
        return WRONG_USAGE
    except NapariI3DError as error:
        print_error(error.message.in_words(command_wording))
        return FAILED
    except BrokenPipeError:
        # The reader of the output, like head, has closed it; flushing at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print_error("interrupted; finished results are kept. Run the same command again to resume")
        return INTERRUPTED
    return status


def _with_underscores(argument: str) -> str:
    """Return an argument with ``-`` in the name of an option replaced by ``_``: both spellings are accepted."""
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
    for add in (
        add_extract,
        add_check_and_view,
        add_convert,
        add_detect,
        add_learn,
        add_dataset,
        add_plot,
        add_render,
        add_weights,
        add_bench,
        add_demo,
    ):
        add(commands)
    return parser
