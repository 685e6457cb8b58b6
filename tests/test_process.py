"""Settings of the process before libraries are imported, and their restoration after a run."""

import logging
import os
import pwd
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from tune_mnist import process
from tune_mnist.machine import Cgroups
from tune_mnist.process import process_restored, set_up_process


def test_a_user_without_a_home_gets_a_private_home(monkeypatch):
    def unknown_user(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown_user)
    set_up_process()
    assert Path.home().is_dir()
    assert Path.home().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("limit", "threads"), [("100000 100000", "1"), ("max 100000", None)])
def test_pytorch_uses_the_cores_of_a_containers_quota(tmp_path, monkeypatch, limit, threads):
    (tmp_path / "cpu.max").write_text(limit)
    (tmp_path / "membership").write_text("0::/")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(process, "Cgroups", lambda: Cgroups(tmp_path, tmp_path / "membership"))
    set_up_process()
    assert os.environ.get("OMP_NUM_THREADS") == threads
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_a_run_restores_the_settings_of_the_process(monkeypatch):
    monkeypatch.setenv("TUNE_TEST", "before")
    monkeypatch.delenv("TUNE_OTHER", raising=False)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    handler, level = signal.getsignal(signal.SIGTERM), logging.getLogger("ray").level
    filters, path = list(warnings.filters), list(sys.path)
    with suppress(KeyboardInterrupt), process_restored():
        os.environ |= {"TUNE_TEST": "within", "TUNE_OTHER": "within"}
        torch.set_num_threads(threads + 1)
        torch.manual_seed(7)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        warnings.simplefilter("ignore")
        sys.path.append("within")
        raise KeyboardInterrupt
    assert (os.environ["TUNE_TEST"], "TUNE_OTHER" in os.environ) == ("before", False)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert signal.getsignal(signal.SIGTERM) == handler
    assert logging.getLogger("ray").level == level
    assert (warnings.filters, sys.path) == (filters, path)


@pytest.mark.gpu
def test_a_run_leaves_the_random_state_of_a_gpu_as_it_was():
    torch.manual_seed(7)
    with process_restored():  # where CUDA has not been used, the seed decides
        torch.manual_seed(0)
        torch.rand(1, device="cuda")
    first = torch.rand(1, device="cuda")
    with process_restored():
        torch.manual_seed(0)
    second = torch.rand(1, device="cuda")
    torch.manual_seed(7)
    assert [first, second] == [torch.rand(1, device="cuda") for _ in range(2)]
