from pathlib import Path

import pytest

from tune_mnist.errors import UserError
from tune_mnist.results import require_new, results_directory


@pytest.mark.parametrize("name", ["lenet-20260101-120000", "a", "2nd try", "über.1_b+c=d"])
def test_a_plain_name_lies_in_the_output_folder(tmp_path: Path, name: str) -> None:
    output = tmp_path / "not" / "there yet"
    assert results_directory(output, name) == output / name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/x", "-x", ".hidden", "a\nb", "a\0b", "x" * 101]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="--name"):
        results_directory(tmp_path, name)


@pytest.mark.parametrize("below", ["", "sub/folder"])
def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--output-dir .*{tmp_path}/file is a file"):
        results_directory(tmp_path / "file" / below, "one")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody can write to")
def test_an_output_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(UserError, match="--output-dir /proc/results: cannot write into /proc"):
        results_directory(Path("/proc/results"), "one")


@pytest.mark.parametrize("path", ["x" * 5000, "a/" * 5000])
def test_an_impossible_output_folder_is_refused(path: str) -> None:
    with pytest.raises(UserError, match="--output-dir"):
        results_directory(Path(path), "one")


def test_what_exists_is_refused_a_broken_link_too(tmp_path: Path) -> None:
    require_new(tmp_path / "new")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (tmp_path, tmp_path / "link"):
        with pytest.raises(UserError, match="exists already: choose another --name"):
            require_new(taken)
