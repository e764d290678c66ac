"""Figures as files."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Save a figure as PNG, SVG or PDF, atomically.

    Raises
    ------
    OutputError
        The file cannot be written, or its ending is not that of a format.
    """
    path = Path(path)
    require_format(path)
    with atomic_writer(path) as file:
        figure.savefig(file, format=path.suffix.lower().lstrip("."), dpi=150)


def require_format(path: Path) -> None:
    """Check that figures can be saved under this name."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise OutputError(f"{path.name}: figures are saved as .png, .svg or .pdf, not as {path.suffix or 'nothing'}")
