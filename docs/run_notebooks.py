"""Run the notebooks and store their outputs in them, small and the same on every machine.

    python docs/run_notebooks.py [NOTEBOOK ...]

The last notebook opens a window: on a machine without a screen, use ``xvfb-run -s "-screen 0 1920x1200x24" python
docs/run_notebooks.py``. ``--check`` lists the notebooks whose outputs are out of date, without running them.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image
from small_png import small_png

import napari_i3d

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
COMMAND = "python docs/run_notebooks.py"
MOST_BYTES_OF_IMAGE = 150_000
GOOD_BYTES_OF_IMAGE = 50_000  # a notebook has up to six
MOST_BYTES_OF_NOTEBOOK = 500_000  # what pre-commit allows
WIDTH_PX = 1100
TIMEOUT_S = 600

_KEY = "napari_i3d"
"""Key of the metadata for the version and code that made the outputs."""
_MACHINE = re.compile(r"/(?:work|tmp|home|root|Users|private|var|opt|usr)/|[A-Za-z]:\\\\|at 0x[0-9a-f]{6}")
_NOISE = re.compile(r"\b\w*Warning\b|Traceback|\d+%\||it/s\b|chunk/s\b")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or check the selected notebooks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all")
    parser.add_argument("--check", action="store_true", help="only list the notebooks whose outputs are out of date")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(FOLDER.glob("*.ipynb"))
    if not options.check:
        for path in paths:
            run(path)
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")
    problems = [problem for path in paths for problem in find_problems(path)]
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def run(path: Path) -> None:
    """Run a notebook and store its outputs in it.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell fails; the file stays as it was.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    metadata = {name: notebook.metadata[name] for name in ("kernelspec",)} | {"language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.clear()
    with tempfile.TemporaryDirectory(prefix="napari_i3d_notebooks_") as scratch:
        # Default settings, not the user's.
        environment = os.environ | {"NAPARI_I3D_HOME": scratch, "NAPARI_CONFIG": str(Path(scratch) / "napari.yaml")}
        resources = {"metadata": {"path": str(path.parent)}}
        client = NotebookClient(
            notebook, timeout=TIMEOUT_S, kernel_name="python3", resources=resources, record_timing=False
        )
        client.execute(env=environment)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _join_text([_shrink(output) for output in cell.outputs if not _is_bar(output)])
    notebook.metadata.clear()
    notebook.metadata.update(metadata | {_KEY: _made_by(notebook)})
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def find_problems(path: Path) -> list[str]:
    """Return the problems of the stored outputs of a notebook, one line each."""
    notebook = nbformat.read(path, as_version=4)
    again = f"{path.name}: {{}}; run: {COMMAND}"
    made_by = notebook.metadata.get(_KEY, {})
    now = _made_by(notebook)
    found = [
        again.format(f"the {name} of its outputs is {made_by.get(name)}, that of now {now[name]}")
        for name in now
        if made_by.get(name) != now[name]
    ]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append(again.format("not all cells were run, from first to last"))
    if not any(cell.outputs for cell in code):
        found.append(again.format("it has no outputs"))
    for cell in code:
        for output in cell.outputs:
            found += [f"{path.name}, cell {cell.id}: {what}" for what in _faults(output)]
    if path.stat().st_size > MOST_BYTES_OF_NOTEBOOK:
        found.append(f"{path.name}: expected at most {MOST_BYTES_OF_NOTEBOOK:,} bytes, found {path.stat().st_size:,}")
    return found


def _made_by(notebook: Any) -> dict[str, str]:
    """Return the version of the program and the checksum of the code, on which outputs depend."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return {"version": napari_i3d.__version__, "code": hashlib.sha256(json.dumps(code).encode()).hexdigest()}


def _is_bar(output: Any) -> bool:
    """Return whether an output is a progress bar: a widget that a static notebook cannot show."""
    return "application/vnd.jupyter.widget-view+json" in output.get("data", {})


def _join_text(outputs: Sequence[Any]) -> list[Any]:
    """Join successive printed text, which the kernel splits at random."""
    joined: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _shrink(output: Any) -> Any:
    """Shrink the image of an output, if any, and remove memory addresses from its text."""
    if "text/plain" in output.get("data", {}):
        output.data["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", output.data["text/plain"])
    if "image/png" in output.get("data", {}):
        if "data:image/png" in output.data.get("text/html", ""):
            del output.data["text/html"]  # napari's screenshots contain the image twice
        with Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))) as image:
            if image.width > WIDTH_PX:
                size = WIDTH_PX, round(image.height * WIDTH_PX / image.width)
                image = image.resize(size, Image.Resampling.LANCZOS)
            try:
                file = small_png(image, GOOD_BYTES_OF_IMAGE)
            except ValueError:
                file = small_png(image, MOST_BYTES_OF_IMAGE)
            output.data["image/png"] = base64.b64encode(file).decode()
    return output


def _faults(output: Any) -> list[str]:
    """Return what an output must not contain: errors, warnings, bars, folders or addresses of this machine."""
    if output.output_type == "error":
        return [f"an error: {output.ename}"]
    if output.output_type == "stream":
        found = [f"text on stderr: {output.text.strip()}"] if output.name == "stderr" else []
        texts = [output.text]
    else:
        found = [] if not _is_bar(output) else ["a progress bar"]
        texts = [str(value) for kind, value in output.data.items() if kind.startswith("text/")]
    for text in texts:
        for pattern in (_MACHINE, _NOISE):
            if hit := pattern.search(text):
                found.append(f"{hit[0]!r}, which differs by machine or time")
    return found


if __name__ == "__main__":
    sys.exit(main())
