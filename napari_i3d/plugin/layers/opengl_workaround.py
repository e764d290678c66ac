"""Workaround for a crash of software OpenGL when layers are removed."""

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl


def finish_drawing() -> None:
    """Wait until OpenGL has finished drawing, in all windows.

    The software renderer of Mesa (llvmpipe, seen with Mesa 22.3: remote desktops, machines without a graphics card)
    crashes in the first draw after a layer was removed, if work of the previous frame is still queued.
    """
    for widget in QApplication.allWidgets():
        if isinstance(widget, QOpenGLWidget) and widget.context() is not None:
            widget.makeCurrent()
            gl.glFinish()
            widget.doneCurrent()
