"""A head that goes, and one that stays."""

import socket
import threading

from tests.waiting import PATIENCE
from tune_mnist.tuning.cluster import head_watch
from tune_mnist.tuning.cluster.head_watch import head_watched


def test_a_head_that_goes_is_told_of_once_patience_is_at_its_end(monkeypatch):
    monkeypatch.setattr(head_watch, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(head_watch, "PATIENCE_SECONDS", 0.1)
    told = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    with head_watched(f"127.0.0.1:{server.getsockname()[1]}", told.set):
        for _ in range(5):
            server.accept()[0].close()
        assert not told.is_set()
        server.close()
        assert told.wait(timeout=PATIENCE)


def test_without_a_head_nobody_watches():
    before = set(threading.enumerate())

    def watching():
        return [thread for thread in set(threading.enumerate()) - before if "watch" in thread.name]

    with head_watched(None, lambda: None):
        assert watching() == []
    with head_watched("127.0.0.1:1", lambda: None):
        assert len(watching()) == 1
