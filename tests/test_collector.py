"""Suspension of the garbage collector."""

import gc
import threading

import pytest

from tune_mnist.collector import collector_suspended


def test_the_collector_resumes_when_the_last_context_ends():
    with collector_suspended():
        with collector_suspended():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_context_of_another_thread_counts_too():
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with collector_suspended():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    with collector_suspended():
        pass
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_a_collector_that_was_disabled_stays_disabled():
    gc.disable()
    try:
        with collector_suspended():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_error_resumes_the_collector():
    with pytest.raises(ImportError), collector_suspended():
        raise ImportError
    assert gc.isenabled()
