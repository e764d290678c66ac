"""Notebooks as they lie in the repository; nbmake runs them (``--nbmake``, in the normal test run too)."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

import napari_i3d

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))

all_notebooks = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


@pytest.fixture
def run_notebooks(monkeypatch: pytest.MonkeyPatch):
    """The script that runs them and stores their outputs."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("run_notebooks")


def cells(path: Path, kind: str) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def code_of(path: Path) -> ast.Module:
    return ast.parse("\n".join(cells(path, "code")))


def names_used(tree: ast.Module) -> Iterator[tuple[object, str]]:
    """Yield each name of this package that a notebook uses: the module it is looked up in, and the name."""
    modules: dict[str, object] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "napari_i3d":
                    assert alias.name == "napari_i3d", f"{alias.name}: not a public name"
                    modules[alias.asname or alias.name] = napari_i3d
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "napari_i3d":
            assert node.module == "napari_i3d", f"{node.module}: not a public name"
            for alias in node.names:
                yield napari_i3d, alias.name
                if inspect.ismodule(value := getattr(napari_i3d, alias.name)):
                    modules[alias.asname or alias.name] = value
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def test_all_notebooks_are_here() -> None:
    assert [path.name[:2] for path in PATHS] == ["1_", "2_", "3_", "4_", "5_"]


@all_notebooks
def test_outputs_are_of_this_code_and_version(path: Path, run_notebooks) -> None:
    nbformat.validate(nbformat.read(path, as_version=4))
    assert run_notebooks.find_problems(path) == []


@all_notebooks
def test_it_is_ready_for_any_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == [str(number) for number in range(len(notebook.cells))]
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info == {"name": "python"}


def changed(path: Path, change: Callable[[nbformat.NotebookNode, nbformat.NotebookNode], None]) -> None:
    """Change a notebook, and its first cell that shows something."""
    notebook = nbformat.read(PATHS[0], as_version=4)
    change(notebook, next(cell for cell in notebook.cells if cell.get("outputs")))
    nbformat.write(notebook, path)


def printed(text: str, name: str = "stdout") -> nbformat.NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda _, cell: cell.update(source=cell.source + "\n1"), "the code of its outputs"),
        (lambda notebook, _: notebook.metadata.napari_i3d.update(version="0.0.1"), "version of its outputs is 0.0.1"),
        (lambda notebook, _: notebook.metadata.pop("napari_i3d"), "the code of its outputs is None"),
        (lambda _, cell: cell.update(execution_count=7), "not all cells were run"),
        (lambda notebook, _: [cell.update(outputs=[]) for cell in notebook.cells if "outputs" in cell], "no outputs"),
        (lambda _, cell: cell.outputs.append(printed("saved /tmp/x/animals.npy")), "'/tmp/'"),
        (lambda _, cell: cell.outputs.append(printed(r"saved C:\\Users\\me")), "which differs by machine or time"),
        (lambda _, cell: cell.outputs.append(printed("<Thing at 0x7f0123456789>")), "at 0x7f0123"),
        (lambda _, cell: cell.outputs.append(printed("TqdmWarning: IProgress not found")), "'TqdmWarning'"),
        (lambda _, cell: cell.outputs.append(printed("16/68 [00:07<00:24, 2.10chunk/s]")), "'chunk/s'"),
        (lambda _, cell: cell.outputs.append(printed("careful", "stderr")), "text on stderr: careful"),
        (lambda _, cell: cell.outputs.append(nbformat.v4.new_output("error", ename="KeyError")), "an error: KeyError"),
        (lambda _, cell: cell.outputs.append(printed("x" * 500_000)), "at most 500,000 bytes"),
    ],
)  # fmt: skip
def test_outputs_that_are_wrong_are_named(change, complaint: str, run_notebooks, tmp_path: Path) -> None:
    path = tmp_path / PATHS[0].name
    changed(path, lambda *_: None)
    assert run_notebooks.find_problems(path) == []
    changed(path, change)
    found = run_notebooks.find_problems(path)
    assert any(complaint in line and path.name in line for line in found), found
    if "of its outputs" in complaint:
        assert all(line.endswith("run: python docs/run_notebooks.py") for line in found)


def test_run_stores_clean_outputs(run_notebooks, tmp_path: Path) -> None:
    """A cell that shows a bar, a large image, an address, and text in two pieces."""
    cells = [
        "from tqdm.notebook import tqdm\nfor _ in tqdm(range(3)):\n    pass",
        "import matplotlib.pyplot as plt\nimport numpy as np\n"
        "plt.imsave('noise.png', np.random.default_rng(8).random((700, 1400)))\n"
        "from IPython.display import Image\nImage('noise.png')",
        "object()",
        "import sys, time\nprint(1)\nsys.stdout.flush()\ntime.sleep(0.5)\nprint(2)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "noisy.ipynb"
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="at most 150,000 bytes"):
        run_notebooks.run(path)
    assert not any(cell.outputs for cell in nbformat.read(path, as_version=4).cells)  # as it was
    notebook.cells[1].source = cells[1].replace("(700, 1400)", "(7, 14)").replace("noise", "small")
    nbformat.write(notebook, path)
    run_notebooks.run(path)
    assert run_notebooks.find_problems(path) == []
    bar, image, thing, pieces = (cell.outputs for cell in nbformat.read(path, as_version=4).cells)
    assert bar == []
    assert "image/png" in image[0].data
    assert thing[0].data["text/plain"] == "<object>"
    assert [output.text for output in pieces] == ["1\n2\n"]


@all_notebooks
def test_only_public_names_are_used(path: Path) -> None:
    tree = code_of(path)
    used = list(names_used(tree))
    assert used
    for module, name in used:
        assert name in module.__all__, f"{module.__name__}.{name}: not a public name"
    private = [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr.startswith("_")]
    assert not private


@all_notebooks
def test_no_weights_are_downloaded_and_text_says_so(path: Path) -> None:
    calls = [node for node in ast.walk(code_of(path)) if isinstance(node, ast.Call)]
    extractions = [call for call in calls if ast.unparse(call.func).endswith("extract_features")]
    assert extractions
    for call in extractions:
        assert {word.arg: ast.unparse(word.value) for word in call.keywords}["weights"] == "'untrained'"
    assert "untrained" in "\n".join(cells(path, "markdown"))


@all_notebooks
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", "\n".join(cells(path, "markdown"))):
        if not target.startswith("http"):
            assert (path.parent / target).is_file(), target


@all_notebooks
def test_python_page_links_it(path: Path) -> None:
    assert f"(../notebooks/{path.name})" in (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
