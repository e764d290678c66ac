"""A combo box whose values do not pass through Qt."""

from collections.abc import Iterable
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QComboBox

_LEAST_CHARACTERS = 7


class ChoiceBox(ComboBox):
    """A combo box that returns the same objects as it was given.

    Qt keeps plain values only: with PySide6 a member of a `StrEnum` comes back as text, so ``is`` fails.

    Parameters
    ----------
    choices
        Texts that differ, each with its value.
    least_characters
        The box can be narrower than its longest text; this many characters are always shown.
    others
        Arguments of magicgui's ComboBox.
    """

    def __init__(
        self, choices: Iterable[tuple[str, Any]], *, least_characters: int = _LEAST_CHARACTERS, **others: Any
    ) -> None:
        self._values: dict[str, Any] = {}
        self._about = others.get("tooltip", "")
        super().__init__(choices=list(choices), **others)
        self.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.native.setMinimumContentsLength(least_characters)
        self.native.currentTextChanged.connect(self._show_text)
        self._show_text(self.current_choice)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values, in their order."""
        return tuple(self._values.values())

    @choices.setter
    def choices(self, choices: Any) -> None:
        self._values = dict(choices)
        self._widget._mgui_set_choices(list(self._values.items()))

    def get_value(self) -> Any:
        """Return the value that is chosen; None if there is none."""
        return self._values.get(self.current_choice)

    def _on_value_change(self, value: Any = None) -> None:  # noqa: ARG002
        # Qt's value may be a converted copy.
        super()._on_value_change(self.get_value())

    def _show_text(self, text: str) -> None:
        """Show the text in the tooltip too: the box may be narrower."""
        self.native.setToolTip(f"{text}\n\n{self._about}" if text else self._about)
