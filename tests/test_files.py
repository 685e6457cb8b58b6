import errno
import os
import shutil
from pathlib import Path

import pytest

from tune_mnist.files import means_no_room, new_file, new_folder, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_text_replaces_a_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.md", "old")
    write_text(tmp_path / "a.md", "new: é\n")
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "new: é\n"
    assert names(tmp_path) == ["a.md"]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.md", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.md", "new \ud800")  # half a character
    assert (tmp_path / "a.md").read_text() == "old"
    assert names(tmp_path) == ["a.md"]


def test_a_new_folder_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "results" / "one"
    with new_folder(target) as folder:
        (folder / "summary.md").write_text("x")
        assert not target.exists()
    assert names(target) == ["summary.md"]
    assert names(tmp_path / "results") == ["one"]


@pytest.mark.parametrize("fault", [OSError("No space left on device"), KeyboardInterrupt()])
def test_an_incomplete_new_folder_is_removed(tmp_path: Path, fault: BaseException) -> None:
    def fill() -> None:
        with new_folder(tmp_path / "one") as folder:
            (folder / "half").write_text("x")
            raise fault

    with pytest.raises(type(fault)):
        fill()
    assert names(tmp_path) == []


def test_a_new_folder_never_replaces_one_with_files(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "mine").write_text("x")

    def fill() -> None:
        with new_folder(tmp_path / "one") as folder:
            (folder / "other").write_text("y")

    with pytest.raises(OSError, match="one"):
        fill()
    assert names(tmp_path) == ["one"]
    assert names(tmp_path / "one") == ["mine"]


def test_a_full_disk_is_recognized_in_an_error_of_several_copies():
    assert means_no_room(shutil.Error([("a", "b", f"[Errno 28] {os.strerror(errno.ENOSPC)}")]))
    assert not means_no_room(shutil.Error([("a", "b", "[Errno 13] Permission denied")]))


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_write_error_names_the_file(tmp_path: Path) -> None:
    for writing in (new_file, new_folder):
        with (
            pytest.raises(OSError, match=f"{os.strerror(errno.ENOSPC)}.*{tmp_path}/one"),
            writing(tmp_path / "one"),
        ):
            full_disk()
    assert names(tmp_path) == []


def test_a_full_disk_error_names_the_file(small_disk: Path) -> None:
    with pytest.raises(OSError, match=r"page\.html") as caught:
        write_text(small_disk / "page.html", "x" * (25 << 20))
    assert means_no_room(caught.value)
    assert names(small_disk) == []
