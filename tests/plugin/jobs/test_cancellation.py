"""Stopping what waits."""

import threading

import pytest

from napari_i3d.plugin.jobs.cancellation import StoppedError, StopRequest


def test_stop_interrupts_what_is_waited_for_once():
    stop, called = StopRequest(), []
    stop.check()
    with stop.interrupting(lambda: called.append("first")):
        thread = threading.Thread(target=stop.request)
        thread.start()
        thread.join()
        with pytest.raises(StoppedError):
            stop.check()
    stop.request()
    assert called == ["first"]
    with pytest.raises(StoppedError), stop.interrupting(lambda: called.append("late")):
        raise AssertionError("not reached")
    assert called == ["first"]
