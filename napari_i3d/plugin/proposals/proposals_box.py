"""The check box that shows and hides the lanes of proposals."""

from qtpy.QtWidgets import QCheckBox

from napari_i3d.plugin.session.session import Session


class ProposalsBox(QCheckBox):
    """Shows and hides the proposals of the active video; there only if it has any.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setText("Proposals")
        self.clicked.connect(self._on_clicked)
        self.refresh()

    def refresh(self) -> None:
        """Adapt to the active video."""
        tracked = self._session.active
        predictions = None if tracked is None else tracked.predictions
        self.setVisible(predictions is not None and predictions.annotation is not None)
        if predictions is not None and predictions.annotation is not None:
            self.setChecked(predictions.shown)
            keys = self._session.keys
            lines = [
                f"Show what {predictions.source} proposes, below the labels",
                f"Accept: {keys.called('accept_bout')}, reject: {keys.called('reject_proposal')}, "
                f"next: {keys.called('next_proposal')}",
            ]
            self.setToolTip("\n".join(lines))

    def _on_clicked(self) -> None:
        if self._session.active is not None:
            self._session.active.predictions.shown = self.isChecked()
