"""The layer in which boxes are edited, kept between edits."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.box_editing.box_shapes import BoxShapes
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session

if TYPE_CHECKING:
    from napari.layers import Layer


class KeptShapes:
    """Makes the layer when boxes are first edited, and hides it when they are not; the last video takes it along.

    Making and removing a layer takes napari some hundred milliseconds.

    Parameters
    ----------
    session
        The viewer's session.
    on_press, on_release
        As for `BoxShapes`.
    on_eye
        Called when the user shows or hides the layer.
    on_removed
        Called when the layer was removed.
    """

    def __init__(
        self,
        session: Session,
        on_press: Callable[[], None],
        on_release: Callable[[], None],
        on_eye: Callable[[], None],
        on_removed: Callable[[], None],
    ) -> None:
        self._session = session
        self._on_press, self._on_release = on_press, on_release
        self._on_eye, self._on_gone = on_eye, on_removed
        self._shapes: BoxShapes | None = None
        self._image: Layer | None = None
        self._links = Connections()
        session.videos_changed.connect(self._on_videos)
        session.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def is_visible(self) -> bool:
        """Whether there is a layer, and it is shown."""
        return self._shapes is not None and bool(self._shapes.layer.visible)

    def take(self) -> BoxShapes:
        """Return the shapes, in a layer on top of the others that may be hidden."""
        if self._shapes is None:
            self._shapes = BoxShapes(self._on_press, self._on_release)
            self._session.viewer.layers.append(self._shapes.layer)
            self._shapes.layer.events.visible.connect(self._on_visible)
        self.raise_()
        return self._shapes

    def hide(self) -> None:
        """Hide the layer."""
        if self._shapes is not None:
            self._shapes.layer.visible = False

    def raise_(self) -> None:
        """Put the layer on top: an image that was opened later would hide it."""
        if self._shapes is not None:
            layers, layer = self._session.viewer.layers, self._shapes.layer
            if layers[-1] is not layer:
                layers.move(layers.index(layer), len(layers))

    def raise_later(self) -> None:
        """Put the layer on top when napari is done with what it is doing."""
        QTimer.singleShot(0, self.raise_)

    def follow(self, image: "Layer | None") -> None:
        """Put the layer where an image is, and move and scale it with the image."""
        self._links.close()
        self._image = image
        if image is not None:
            self._links.connect(image.events.scale, self._place)
            self._links.connect(image.events.translate, self._place)
        self._place()

    def release(self) -> None:
        """Leave the layer where it is."""
        self._links.close()
        self._image = None

    def _place(self) -> None:
        if self._shapes is None:
            return
        layer, image = self._shapes.layer, self._image
        scale = image.scale[-2:] if image is not None else np.ones(2)
        translate = image.translate[-2:] if image is not None else np.zeros(2)
        # napari draws the layer again for each that is set, even if it is the same.
        if not np.array_equal(layer.scale, scale):
            layer.scale = scale
        if not np.array_equal(layer.translate, translate):
            layer.translate = translate

    def _on_removed(self, event: Any) -> None:
        if self._shapes is not None and event.value is self._shapes.layer:
            self._shapes.layer.events.visible.disconnect(self._on_visible)
            self._shapes = None
            self._on_gone()

    def _on_videos(self) -> None:
        if not self._session.videos:
            QTimer.singleShot(0, self._remove)  # napari may be in the middle of removing layers

    def _remove(self) -> None:
        """Remove the layer if no video is left whose boxes could be edited."""
        if self._shapes is not None and not self._session.videos:
            with contextlib.suppress(NapariI3DError):  # the viewer was closed
                self._session.viewer.layers.remove(self._shapes.layer)

    def _on_visible(self) -> None:
        QTimer.singleShot(0, self._on_eye)
