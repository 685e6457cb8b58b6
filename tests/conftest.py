"""Fixtures that all tests share: data, the user's state and a small disk."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import idx2numpy
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import center_of_mass

from tests.networks import forget_networks
from tune_mnist.command import run
from tune_mnist.data import Dataset, DataSplit, load_dataset, split_dataset
from tune_mnist.data.idx_folder import STEMS
from tune_mnist.training import Compute, TrainConfig, Trainer
from tune_mnist.tuning.cluster.connection import connected

# The networks of the tests are too small for a second thread, and on a busy machine two threads
# that wait for each other are many times slower than one.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run what takes many minutes, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="no CUDA GPU here"))
    # The files that use small_ray come last, as all other tests need a process without a Ray.
    files = {item.path for item in items if "small_ray" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path in files)


@pytest.fixture(scope="session", autouse=True)
def state_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a temporary folder for the key that proves the ownership of results folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def workers_of_normal_priority() -> Iterator[None]:
    """Give Ray's workers the priority of other processes, so that tests end on a busy machine.

    By default, their niceness is 15: beside a process that uses a core all the time, a worker gets
    some four per cent of this core.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_early_ray() -> Iterator[None]:
    """Let commands in this process start Ray late, as this process outlives a refused command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tune_mnist.tuning.early_start.start_ray_early", lambda _: None)
        yield


@pytest.fixture(scope="session")
def small_ray() -> Iterator[None]:
    """Ray of this process, which no test may end.

    A search in this process takes a third of the CPU time of one that starts its own Ray.
    """
    with connected(None):
        yield


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def digits_split(digits: Dataset) -> DataSplit:
    return split_dataset(digits)


@pytest.fixture(scope="session")
def placed_digits(digits: Dataset) -> Dataset:
    """Digits of 28x28 pixels, centred as MNIST's digits are."""

    def placed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        field = np.zeros((28, 28), dtype=np.uint8)
        field[4:24, 4:24] = Image.fromarray(image).resize((20, 20), Image.Resampling.BILINEAR)
        return np.roll(field, [round(14 - mean) for mean in center_of_mass(field)], axis=(0, 1))

    return replace(
        digits,
        train_images=np.stack([placed(image) for image in digits.train_images]),
        test_images=np.stack([placed(image) for image in digits.test_images]),
    )


@pytest.fixture(scope="session")
def digits_lenet(placed_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a LeNet that is trained on the digits, in the form of ``best/``."""
    config = TrainConfig(model="lenet", lr=0.005, batch_size=32, max_epochs=16)
    trainer = Trainer(
        config, split_dataset(placed_digits), Compute(torch.device("cpu"), bf16=False)
    )
    for _ in range(config.max_epochs):
        trainer.run_epoch()
    folder = tmp_path_factory.mktemp("best") / "lenet"
    trainer.save(folder)
    noted = config.flat() | {"trial": 3, "epoch": 16, "val_accuracy": 0.9}
    (folder / "config.json").write_text(json.dumps(noted))
    return folder


@pytest.fixture
def run_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    """Function that runs a command in this process, and returns exit status, stdout and stderr."""

    def ran(command: click.Command, *arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["command", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            run(command)
        return caught.value.code, *capsys.readouterr()

    return ran


@pytest.fixture
def networks_forgotten() -> Iterator[None]:
    """Unregister the networks that the test has registered."""
    yield
    forget_networks()


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """Folder of IDX files with 60 training and 20 test images of 3 classes."""
    folder = tmp_path / "idx"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for stem, count in zip(STEMS, (60, 60, 20, 20), strict=True):
        if "images" in stem:
            array = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        else:
            array = (np.arange(count) % 3).astype(np.uint8)
        idx2numpy.convert_to_file(str(folder / stem), array)
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Disk of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)
