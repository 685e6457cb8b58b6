import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.messages import assert_refused
from tune_mnist.errors import UserError
from tune_mnist.results import new_results, require_new, results_directory


@pytest.mark.parametrize("name", ["lenet-20260101-120000", "a", "2nd try", "über.1_b+c=d"])
def test_a_results_folder_is_in_the_output_folder(tmp_path: Path, name: str) -> None:
    output = tmp_path / "not" / "there yet"
    assert results_directory(output, name) == output / name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/x", "-x", ".hidden", "a\nb", "a\0b", "x" * 101, "世" * 100],
)
def test_a_name_that_leads_out_of_the_output_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert_refused("--name", results_directory, tmp_path, name)


@pytest.mark.parametrize("below", ["", "sub/folder"])
def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    facts = ["--output-dir", str(tmp_path / "file")]
    assert_refused(facts, results_directory, tmp_path / "file" / below, "one")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody can write to")
def test_an_output_folder_without_write_permission_is_refused() -> None:
    facts = ["--output-dir /proc/results", "/proc"]
    assert_refused(facts, results_directory, Path("/proc/results"), "one")


@pytest.mark.parametrize("path", ["x" * 5000, "a/" * 5000])
def test_an_output_folder_with_a_path_that_is_too_long_is_refused(path: str) -> None:
    assert_refused("--output-dir", results_directory, Path(path), "one")


def test_an_existing_folder_or_broken_link_is_refused(tmp_path: Path) -> None:
    require_new(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    require_new(tmp_path / "empty")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (tmp_path, tmp_path / "link"):
        assert_refused([str(taken), "--name"], require_new, taken)


def test_a_run_creates_its_folder_at_the_start_and_removes_it_if_empty(tmp_path):
    output = tmp_path / "not" / "there yet"
    with new_results(output, "one", "lenet") as directory:
        assert directory == output / "one"
        assert directory.is_dir()
    assert list(tmp_path.iterdir()) == []
    with new_results(output, "one", "lenet") as directory:
        (directory / "summary.md").touch()
    assert list(output.iterdir()) == [directory]


def test_only_one_of_two_runs_gets_a_given_name(tmp_path):
    with new_results(tmp_path, "same", "lenet") as first:
        with (
            pytest.raises(UserError, match=str(first)),
            new_results(tmp_path, "same", "lenet"),
        ):
            pass
        assert first.is_dir()


def test_an_empty_folder_of_a_killed_run_does_not_take_its_name(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from tune_mnist.results import new_results
with new_results(Path({str(tmp_path)!r}), "same", "lenet") as directory:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert (tmp_path / "same").is_dir()
    with new_results(tmp_path, "same", "lenet") as directory:
        assert directory == tmp_path / "same"
        with pytest.raises(UserError, match="same"), new_results(tmp_path, "same", "lenet"):
            pass
        (directory / "summary.md").touch()
    with pytest.raises(UserError, match="same"), new_results(tmp_path, "same", "lenet"):
        pass


def test_runs_started_in_the_same_second_get_different_names(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _: "20260101-120000")
    with ExitStack() as stack:
        made = [stack.enter_context(new_results(tmp_path, None, "lenet")) for _ in range(3)]
    name = "lenet-20260101-120000"
    assert [directory.name for directory in made] == [name, f"{name}-2", f"{name}-3"]


def test_a_relative_output_folder_is_resolved_at_the_call(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert results_directory(Path("results"), "one") == tmp_path / "below" / "results" / "one"
    assert results_directory(Path("../results"), "one") == tmp_path / "results" / "one"
