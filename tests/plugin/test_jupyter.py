"""What is done for notebooks whose kernel shows a window; a notebook that is run tells whether it is enough."""

from types import SimpleNamespace

import pytest

from napari_i3d.plugin import jupyter
from napari_i3d.plugin.jupyter import keep_kernel_awake


@pytest.fixture
def timers(qapp, monkeypatch: pytest.MonkeyPatch):
    """The timers made, stopped after the test."""
    made: list = []
    monkeypatch.setattr(jupyter, "_timers", made)
    yield made
    for timer in made:
        timer.stop()
        timer.deleteLater()


def with_shell(monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    monkeypatch.setitem(jupyter.sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def test_loop_of_kernel_is_left_again_and_again(timers, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    fake = SimpleNamespace(app=None)
    with_shell(monkeypatch, SimpleNamespace(kernel=fake))
    keep_kernel_awake()
    keep_kernel_awake()
    assert len(timers) == 1
    qtbot.wait(120)  # the kernel has no loop yet
    fake.app = SimpleNamespace(qt_event_loop=SimpleNamespace(quit=lambda: left.append(1)))
    qtbot.waitUntil(lambda: len(left) >= 2, timeout=5000)


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["no shell", "a terminal"])
def test_without_a_kernel_nothing_is_done(timers, monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    with_shell(monkeypatch, shell)
    keep_kernel_awake()
    monkeypatch.delitem(jupyter.sys.modules, "IPython")
    keep_kernel_awake()
    assert not timers
