"""The prompt for corrections of identities: the panel over the lower edge of the canvas."""

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QWidget

from napari_i3d.plugin.corrections.identity_panel import IdentityPanel
from napari_i3d.plugin.session.session import Session
from napari_i3d.tracking.editing.scopes import Command, IdentityChoice

_MARGIN_PX = 8
_WIDTH_PX = 620


class IdentityPrompt:
    """Opens the panel where the user looks, with the keyboard in it; the panel is made when it is first needed.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    panel
        The panel; None: not made yet.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.panel: IdentityPanel | None = None

    def open(self, command: Command) -> None:
        """Ask about the current individual, beginning with a command; repeated, offer the next other individual."""
        panel = self.panel
        if panel is not None and panel.isVisible() and panel.choice is not None and panel.choice.command is command:
            panel.setFocus(Qt.FocusReason.ShortcutFocusReason)
            panel.next_other()
            return
        tracked = self._session.active
        if tracked is None or tracked.tracking is None or tracked.current is None:
            self._session.viewer.status = "Select an individual first: click on its box, or on its row"
            return
        scope = IdentityPanel.default_scope(tracked)
        self.open_with(IdentityChoice(command, tracked.current, scope=scope))

    def open_with(self, choice: IdentityChoice) -> None:
        """Ask about the current individual, beginning with a choice; a video that plays stops at this frame."""
        self._session.playback.pause()
        if self.panel is None:
            canvas: Any = self._session.viewer.window._qt_viewer.canvas.native
            self.panel = IdentityPanel(self._session, canvas.parentWidget())
            _Below(self.panel, canvas)
        self.panel.ask(choice)


class _Below(QObject):
    """Keeps a panel at the lower edge of the canvas."""

    def __init__(self, panel: IdentityPanel, canvas: QWidget) -> None:
        super().__init__(panel)
        self._panel, self._canvas = panel, canvas
        canvas.installEventFilter(self)
        panel.refreshed.connect(self.place)
        panel.left.connect(self.leave)

    def leave(self) -> None:
        """Give the keyboard back."""
        self._canvas.setFocus()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Follow the canvas."""
        if event is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self.place()
        return bool(super().eventFilter(watched, event))

    def place(self) -> None:
        """Fit the panel to its text, and place it."""
        area = self._canvas.geometry()
        width = min(_WIDTH_PX, area.width() - 2 * _MARGIN_PX)
        layout = self._panel.layout()
        if layout is None:
            return
        layout.activate()
        height = max(layout.totalHeightForWidth(width), layout.totalMinimumSize().height())
        left, bottom = area.left() + (area.width() - width) // 2, area.bottom() - _MARGIN_PX
        self._panel.setGeometry(left, bottom - height, width, height)
