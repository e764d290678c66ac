"""What the canvas needs from us besides layers."""

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl


def finish_drawing() -> None:
    """Wait until all that was asked of OpenGL is drawn, in all windows.

    The software renderer of Mesa (llvmpipe, seen with Mesa 22.3: remote desktops, machines without a graphics card)
    ends the program in the first drawing after a layer was removed when work of the frame before is still queued.
    """
    for widget in QApplication.allWidgets():
        if isinstance(widget, QOpenGLWidget) and widget.context() is not None:
            widget.makeCurrent()
            gl.glFinish()
            widget.doneCurrent()
