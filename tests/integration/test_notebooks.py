"""Notebooks as they lie in the repository; nbmake runs them (``--nbmake``, in the normal test run too)."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

import napari_i3d

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))

all_notebooks = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


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
    assert [path.name[:2] for path in PATHS] == ["1_", "2_", "3_", "4_"]


@all_notebooks
def test_nothing_was_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for number, cell in enumerate(notebook.cells):
        assert cell.id == str(number), "run nbstripout"
        if cell.cell_type == "code":
            assert not cell.outputs, "run nbstripout"
            assert cell.execution_count is None, "run nbstripout"
    assert notebook.metadata.kernelspec.name == "python3"


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
def test_no_weights_are_downloaded_and_the_text_says_so(path: Path) -> None:
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
def test_readme_names_it(path: Path) -> None:
    assert f"(notebooks/{path.name})" in (ROOT / "README.md").read_text(encoding="utf-8")
