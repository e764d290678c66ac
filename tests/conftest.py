"""The environment of all tests, the fixtures they share, and which of them run in one process."""

import gc
import os
import signal
import tempfile
from pathlib import Path

import pytest

from helpers import PLUGINS, screens

# Notebooks run in processes of their own, to which no fixture applies.
_home = tempfile.TemporaryDirectory(prefix="napari_i3d_home_")
os.environ["NAPARI_I3D_HOME"] = _home.name
# Before napari is imported: no test may change the settings of the person who runs it.
_settings = tempfile.TemporaryDirectory(prefix="napari_settings_")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name) / "settings.yaml")
# Two bindings are installed; PySide6 is for the process of one test.
os.environ["QT_API"] = "pyqt6"

# A shell that runs pytest in the background ignores this signal, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = PLUGINS

WINDOWS = ("tests/plugin/", "notebooks/4_")
"""How the ids of tests begin that open windows."""
if screens.CAN_START and "PYTEST_XDIST_WORKER" in os.environ:
    screens.start_screen()


@pytest.hookimpl(optionalhook=True)  # xdist may be missing
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Give each process neighboring tests, which share fixtures; keep all windows in one where there is one screen.

    Marks do not do the latter: what xdist 3.8 makes of ``xdist_group`` is not seen by pytest 9.2.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling, WorkStealingScheduling

    class OneScreenScheduling(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "windows" if nodeid.startswith(WINDOWS) else super()._split_scope(nodeid)

    return (WorkStealingScheduling if screens.CAN_START else OneScreenScheduling)(config, log)


def pytest_collection_finish() -> None:
    """Take everything imported so far out of the collector's sight: each viewer collects three times, 0.4 s each."""
    gc.collect()
    gc.freeze()
