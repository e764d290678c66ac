"""Settings of the Plot dock: individual, content, order and scale."""

import contextlib
from collections.abc import Sequence
from typing import Any

from psygnal import Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_i3d.explore.heat_map_data import Content, HeatMapOptions, Order, Scale
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin import preferences
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.plugin.widgets.layouts import fill

_SECTION = "plot"
_COMPONENTS = 20
_FEW = 4
_WIDEST_PX = 220
_LONGEST_NAME = 70
_CONTENTS = [("most variable", Content.FEATURES), ("components", Content.COMPONENTS)]
_ORDERS = [
    ("by similarity", Order.SIMILARITY),
    ("by variability", Order.VARIABILITY),
    ("file order", Order.FILE),
]
_SCALES = [("standardized", Scale.STANDARDIZED), ("raw values", Scale.RAW)]


class PlotOptions(QWidget):
    """The choices of the Plot dock; remembered between sessions.

    Attributes
    ----------
    changed
        Signal, without arguments: another content, order or scale.
    individual_changed
        Signal, with the id that the user chose.
    """

    changed = Signal()
    individual_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.individual = ChoiceBox([], least_characters=_FEW, tooltip="Whose features are shown.")
        self.content = ChoiceBox(
            _CONTENTS,
            least_characters=_FEW,
            tooltip="What the lines of the image are: the 200 features that vary most,\n"
            "or the scores on the first 20 principal components.",
        )
        self.order = ChoiceBox(_ORDERS, least_characters=_FEW, tooltip="How features are ordered, from the top.")
        self.scale = ChoiceBox(
            _SCALES,
            least_characters=_FEW,
            tooltip="Standardized: each line has mean 0 and standard deviation 1 over time.",
        )
        self.individual.native.setMaximumWidth(_WIDEST_PX)
        # Without labels, for which there is no room at 1280 pixels.
        fill(QHBoxLayout(self), *(box.native for box in (self.individual, self.content, self.order, self.scale)))
        self._recall()
        for widget in (self.content, self.order, self.scale):
            widget.changed.connect(self._on_changed)
        self.individual.changed.connect(self._on_individual)

    @property
    def options(self) -> HeatMapOptions:
        """The options chosen."""
        components = self.content.value is Content.COMPONENTS
        shown: dict[str, Any] = {"count": _COMPONENTS} if components else {}
        return HeatMapOptions(content=self.content.value, order=self.order.value, scale=self.scale.value, **shown)

    def show_individuals(self, individuals: Sequence[Id], chosen: Id | None) -> None:
        """List individuals, and select one."""
        with self.individual_changed.blocked():
            self.individual.choices = list(zip(names_of(individuals), individuals, strict=True))
            if chosen is not None:
                self.individual.value = chosen
        self.individual.enabled = len(individuals) > 1

    def _recall(self) -> None:
        known = preferences.recall(_SECTION)
        for name, kind in (("content", Content), ("order", Order), ("scale", Scale)):
            box = getattr(self, name)
            with contextlib.suppress(ValueError):
                box.value = kind(known.get(name, box.value))
        self.order.enabled = self.content.value is Content.FEATURES

    def _on_changed(self) -> None:
        self.order.enabled = self.content.value is Content.FEATURES  # components have an order of their own
        preferences.remember(_SECTION, {n: str(getattr(self.options, n)) for n in ("content", "order", "scale")})
        self.changed.emit()

    def _on_individual(self, individual: Id | None) -> None:
        if individual is not None:
            self.individual_changed.emit(individual)


def names_of(individuals: Sequence[Id]) -> list[str]:
    """Return unique names of individuals for a box: magicgui would merge equal ones."""
    plain = [format_id(individual) for individual in individuals]
    names: list[str] = []
    for individual, name in zip(individuals, plain, strict=True):
        text = name if plain.count(name) == 1 else repr(individual)[:_LONGEST_NAME]  # the text '1' beside the number 1
        names.append(text if text not in names else f"{text} ({len(names) + 1})")
    return names
