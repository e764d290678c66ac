"""The settings of an extraction as magicgui widgets."""

from pathlib import Path
from typing import Any

from magicgui.types import FileDialogMode
from magicgui.widgets import CheckBox, FileEdit, LineEdit, SpinBox
from psygnal import Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QSizePolicy, QWidget

from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, UNTRAINED
from napari_i3d.errors import SettingsError
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.extraction.settings import ExtractionSettings, Normalization, Precision, SampleMode
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import STORE_ABOVE_GB, StoreDtype
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.tracking.gaps import Gaps

FROM_FILE = "file"

_WEIGHTS = [("Kinetics-400 (published)", DEFAULT_WEIGHTS), ("untrained (to try things out)", UNTRAINED)]
_GAPS = [("refuse", Gaps.ERROR), ("split into pieces", Gaps.SPLIT), ("interpolate boxes", Gaps.INTERPOLATE)]
_LAYOUTS = [
    ("Python, numpy", Layout.DICT),
    ("Python, larger than memory", Layout.STORE),
    ("DLC2Action", Layout.DLC2ACTION),
    ("DLC2Action, with poses", Layout.DLC2ACTION_POSE),
    ("MS-TCN, ASFormer", Layout.MS_TCN),
    ("ActionFormer, OpenTAD", Layout.ACTIONFORMER),
]
_NUMBERS = [("float32", StoreDtype.FLOAT32), ("float16, half the disk", StoreDtype.FLOAT16)]
_MODES = [
    ("box made square", SampleMode.EXPAND_BBOXES),
    ("center of the box", SampleMode.CENTER_CROP),
    ("ten views, averaged", SampleMode.OVERSAMPLE),
]
_NORMALIZATIONS = [
    ("symmetric (-1 to 1)", Normalization.SYMMETRIC),
    ("as in training", Normalization.KINETICS),
]
_DEVICES = ["auto", "cpu", "cuda", "cuda:1", "cuda:2", "cuda:3", "mps"]
_LARGEST = 100_000
_SHORTEST_BOX = 12


class ExtractForm:
    """The widgets of all settings, the everyday ones and the others.

    Attributes
    ----------
    everyday, more
        Widgets that hold them.
    changed
        Signal, without arguments: the user changed a setting.
    """

    changed = Signal()

    def __init__(self) -> None:
        default = ExtractionSettings()
        self.weights = _combo(
            [*_WEIGHTS, ("from a file...", FROM_FILE)],
            "Weights",
            "What the network has learned. The published weights were trained on Kinetics-400;\n"
            "untrained ones are random: everything runs, but the features mean nothing.",
        )
        self.weights_file = FileEdit(
            label="Weights file",
            mode=FileDialogMode.EXISTING_FILE,
            filter="Weights (*.pkl *.pth *.safetensors)",
            tooltip="The published Caffe2 pickle (.pkl), the predecessor's .pth, or .safetensors.",
        )
        self.pad = CheckBox(
            text="a row for every frame",
            tooltip="One row of features for every frame of an individual, its first and last frames included\n"
            "(the first and last chunk are repeated). Off: one row for every 8-frame chunk.",
        )
        self.frequency = _spin(
            default.frequency,
            "Every n-th frame",
            "Frames between the starts of neighboring chunks. 1: all; 4: a quarter of the work and of the rows.",
        )
        self.gaps = _combo(
            _GAPS,
            "Gaps",
            "Frames missing between the first and last of an individual:\n"
            "refuse to extract; cut into pieces id_part1, id_part2, ...; or fill in boxes.",
        )
        self.layout = _combo(
            _LAYOUTS,
            "Made for",
            "The program that reads the features. Python: one file with a dictionary of individuals;\n"
            f"a folder if it is more than {STORE_ABOVE_GB:g} GB.\n"
            "Python, larger than memory: a folder with a file for each individual, opened without reading it.\n"
            "DLC2Action: the same, with what it needs (a row for every frame).\n"
            "DLC2Action, with poses: to be used beside a pose file of the same video; a row for every frame\n"
            "of the video, zeros where the individual is not tracked.\n"
            "MS-TCN, ActionFormer: one file for each individual.",
        )
        self.store_dtype = _combo(
            _NUMBERS, "Numbers", "float16 rounds to 11 significant bits, by at most 0.05 % of a value."
        )
        self.sample_mode = _combo(
            _MODES,
            "Image",
            "What the network sees of a box. Made square: the box, grown to a square, at 224x224.\n"
            "Center: the box at 340x256, of it the central 224x224.\n"
            "Ten views: four corners, the center, all mirrored too; ten times the work.",
        )
        self.min_frames = _spin(
            default.min_frames, "Shortest", "Leave out individuals of fewer frames than this (never fewer than 8)."
        )
        self.normalization = _combo(
            _NORMALIZATIONS,
            "Pixel values",
            "Symmetric: x * 2 / 255 - 1, as in data sets that exist.\n"
            "As in training: (x - 114.75) / 57.375, what the network was trained with.",
        )
        self.subtract_background = CheckBox(
            text="blank what does not move",
            tooltip="Pixels within 15 gray levels of the video's median become gray.",
        )
        self.width = _spin(0, "Resize to width", "Of the video, in pixels, before cropping; 0: as it is.\n", least=0)
        self.height = _spin(0, "and height", "Boxes are in pixels of the resized video. Set both, or neither.", least=0)
        self.device = _combo(
            [(name, name) for name in _DEVICES],
            "Computed on",
            "auto: a graphics card if there is one, else the processor (cpu). cuda: NVIDIA. mps: Apple.",
        )
        self.precision = _combo(
            [(str(name), name) for name in Precision],
            "Precision",
            "bfloat16 is quicker on new hardware, and changes features by up to 1 % of the largest value.\n"
            "tf32: on NVIDIA cards only, between the two.",
        )
        self.batch_size = _spin(
            default.batch_size,
            "Chunks at once",
            "Memory grows with it; features do not change. On a processor at most 4 are used.",
        )
        self.decoders = _spin(
            0, "Decoders", "Parts of the video decoded at the same time; 0: as many as pay off.", least=0
        )
        self.ending = LineEdit(
            label="File ending",
            value=".npy",
            tooltip="What follows the video's name: .npy, _i3d.npy, .npz or .pickle. It chooses the format.",
        )
        self.save_metadata = CheckBox(
            text="first and last frame in the file",
            tooltip="Adds min_frames and max_frames to the features file. (DLC2Action's always has them.)",
        )
        self.output = FileEdit(
            mode=FileDialogMode.OPTIONAL_FILE,
            label="Save to",
            tooltip="The features file; a .json beside it records how it was made. If each individual has a file of\n"
            "its own, its id is added to this name.",
        )
        self._labels: dict[str, QLabel] = {}
        self.everyday = self._rows(
            self.weights,
            self.weights_file,
            self.pad,
            self.frequency,
            self.gaps,
            self.layout,
            self.store_dtype,
            self.output,
        )
        self.more = self._rows(
            self.sample_mode,
            self.min_frames,
            self.normalization,
            self.subtract_background,
            self.width,
            self.height,
            self.device,
            self.precision,
            self.batch_size,
            self.decoders,
            self.ending,
            self.save_metadata,
        )
        self._show_what_applies()

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Width and height, in pixels, to which the video is resized; each None if it is not set."""
        return self.width.value or None, self.height.value or None

    def options(self) -> ExtractionOptions:
        """Return the options chosen.

        Raises
        ------
        SettingsError
            Choices that do not go together.
        """
        settings = ExtractionSettings.with_video_sides(
            *self.size,
            frequency=self.frequency.value,
            batch_size=self.batch_size.value,
            sample_mode=self.sample_mode.value,
            min_frames=self.min_frames.value,
            pad=self.pad.value,
            normalization=self.normalization.value,
            subtract_background=self.subtract_background.value,
            device=self.device.value,
            precision=self.precision.value,
            decoders=self.decoders.value or None,
        )
        return ExtractionOptions(
            settings=settings,
            weights=self._chosen_weights(),
            gaps=self.gaps.value,
            layout=self.layout.value,
            i3d_suffix=self.ending.value.strip() if self.ending.enabled else ".npy",
            save_metadata=self.save_metadata.enabled and self.save_metadata.value,
            store_dtype=self.store_dtype.value if self._is_store else StoreDtype.FLOAT32,
        )

    def _chosen_weights(self) -> str:
        if self.weights.value != FROM_FILE:
            return str(self.weights.value)
        path = Path(str(self.weights_file.value))
        if not path.is_file():
            raise SettingsError("expected a file of weights, found none", hint="choose a .pkl, .pth or .safetensors")
        return str(path)

    def show(self, options: ExtractionOptions) -> None:
        """Show options, all but the size of the video."""
        settings, weights = options.settings, str(options.weights)
        known = [value for _, value in _WEIGHTS]
        with self.changed.blocked():
            self.weights.value = weights if weights in known else FROM_FILE
            if weights not in known:
                self.weights_file.value = Path(weights)
            if settings.device in _DEVICES:
                self.device.value = settings.device
            for name in ("pad", "frequency", "sample_mode", "min_frames", "normalization", "subtract_background"):
                getattr(self, name).value = getattr(settings, name)
            for name in ("precision", "batch_size"):
                getattr(self, name).value = getattr(settings, name)
            self.decoders.value = settings.decoders or 0
            self.ending.value = options.i3d_suffix
            for name in ("gaps", "layout", "save_metadata", "store_dtype"):
                getattr(self, name).value = getattr(options, name)
        self._on_changed()

    def show_size(self, size: tuple[int, int] | None) -> None:
        """Show the width and height to which the video is resized."""
        with self.changed.blocked():
            self.width.value, self.height.value = size or (0, 0)

    def _rows(self, *settings: Any) -> QWidget:
        """Return the widgets of settings in two columns; magicgui's own containers do not line up their labels."""
        rows = QWidget()
        layout = QFormLayout(rows)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for setting in settings:
            if isinstance(setting, ChoiceBox):
                setting.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            label = QLabel("" if isinstance(setting, CheckBox) else setting.label)
            label.setToolTip(setting.tooltip)
            layout.addRow(label, setting.native)
            self._labels[setting.label] = label
            setting.changed.connect(self._on_changed)
        return rows

    def _on_changed(self) -> None:
        self._show_what_applies()
        self.changed.emit()

    @property
    def _is_store(self) -> bool:
        return Layout(self.layout.value) is Layout.STORE

    def _show_what_applies(self) -> None:
        layout = Layout(self.layout.value)
        self.ending.enabled = layout.one_file and not self._is_store
        self.save_metadata.enabled = layout in (Layout.DICT, Layout.DLC2ACTION)
        self._set_visible(self.store_dtype, self._is_store)
        self._set_visible(self.weights_file, self.weights.value == FROM_FILE)

    def _set_visible(self, setting: Any, visible: bool) -> None:
        setting.native.setVisible(visible)
        self._labels[setting.label].setVisible(visible)


def _combo(choices: list[Any], label: str, tooltip: str) -> ChoiceBox:
    return ChoiceBox(choices, least_characters=_SHORTEST_BOX, label=label, tooltip=tooltip)


def _spin(value: int, label: str, tooltip: str, least: int = 1) -> SpinBox:
    return SpinBox(value=value, min=least, max=_LARGEST, label=label, tooltip=tooltip)
