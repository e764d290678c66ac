"""Formats to save features in, as a file dialog offers them."""

from dataclasses import dataclass
from pathlib import Path

from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import FACTS_NAME, STORE_SUFFIX, StoreDtype


@dataclass(frozen=True)
class SaveFormat:
    """A program that reads features, and the kind of file that it reads.

    Attributes
    ----------
    label
        For the file dialog.
    ending
        Suffix of the file.
    layout
        Arrangement of its contents.
    metadata
        Whether the first and last frame of each individual are in it.
    store_dtype
        Numbers of a store.
    """

    label: str
    ending: str
    layout: Layout
    metadata: bool = False
    store_dtype: StoreDtype = StoreDtype.FLOAT32

    @property
    def filter(self) -> str:
        """Filter for Qt's file dialog."""
        return f"{self.label} (*{self.ending})"

    def path(self, chosen: str) -> Path:
        """Return the file chosen, with the ending that it needs."""
        path = Path(chosen)
        if path.suffix.lower() == self.ending or (self.ending == ".pickle" and path.suffix.lower() == ".pkl"):
            return path
        return path.with_name(path.name + self.ending)


SAVE_FORMATS = (
    SaveFormat("Python, numpy", ".npy", Layout.DICT),
    SaveFormat("Python, numpy, with first and last frames", ".npy", Layout.DICT, metadata=True),
    SaveFormat("Python, pickle", ".pickle", Layout.DICT),
    SaveFormat("numpy archive, nothing pickled", ".npz", Layout.DICT),
    SaveFormat("Python, larger than memory: a folder", STORE_SUFFIX, Layout.STORE),
    SaveFormat("Python, half of that: float16", STORE_SUFFIX, Layout.STORE, store_dtype=StoreDtype.FLOAT16),
    SaveFormat("DLC2Action", ".npy", Layout.DLC2ACTION),
    SaveFormat("DLC2Action, pickle", ".pickle", Layout.DLC2ACTION),
    SaveFormat("DLC2Action, with poses", ".npy", Layout.DLC2ACTION_POSE),
    SaveFormat("MS-TCN, ASFormer: a file for each individual", ".npy", Layout.MS_TCN),
    SaveFormat("ActionFormer, OpenTAD: a file for each individual", ".npy", Layout.ACTIONFORMER),
)
"""All formats, the usual one first."""

OPEN_FILTER = f"Features (*.npy *.npz *.pickle *.pkl {FACTS_NAME})"


def format_of(chosen_filter: str) -> SaveFormat:
    """Return the format of a filter of the file dialog."""
    return next((form for form in SAVE_FORMATS if form.filter == chosen_filter), SAVE_FORMATS[0])
