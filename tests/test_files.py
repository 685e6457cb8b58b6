import errno
import os
import shutil
from pathlib import Path

import pytest

from tune_mnist.files import means_no_room, new_file, new_folder, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_replaces_the_old_one(tmp_path: Path) -> None:
    write_text(tmp_path / "a.md", "old")
    write_text(tmp_path / "a.md", "new: é\n")
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "new: é\n"
    assert names(tmp_path) == ["a.md"]


def test_a_text_that_cannot_be_written_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    write_text(tmp_path / "a.md", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.md", "new \ud800")  # half a character
    assert (tmp_path / "a.md").read_text() == "old"
    assert names(tmp_path) == ["a.md"]


def test_a_folder_gets_its_name_when_it_is_full(tmp_path: Path) -> None:
    target = tmp_path / "results" / "one"
    with new_folder(target) as folder:
        (folder / "summary.md").write_text("x")
        assert not target.exists()
    assert names(target) == ["summary.md"]
    assert names(tmp_path / "results") == ["one"]


@pytest.mark.parametrize("fault", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_folder_that_was_not_filled_does_not_stay(tmp_path: Path, fault: BaseException) -> None:
    def fill() -> None:
        with new_folder(tmp_path / "one") as folder:
            (folder / "half").write_text("x")
            raise fault

    with pytest.raises(type(fault)):
        fill()
    assert names(tmp_path) == []


def test_a_folder_never_takes_the_place_of_a_full_one(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "mine").write_text("x")

    def fill() -> None:
        with new_folder(tmp_path / "one") as folder:
            (folder / "other").write_text("y")

    with pytest.raises(OSError, match="one"):
        fill()
    assert names(tmp_path) == ["one"]
    assert names(tmp_path / "one") == ["mine"]


def test_a_full_disk_is_known_also_where_many_copies_failed():
    assert means_no_room(shutil.Error([("a", "b", f"[Errno 28] {os.strerror(errno.ENOSPC)}")]))
    assert not means_no_room(shutil.Error([("a", "b", "[Errno 13] Permission denied")]))


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_error_of_writing_names_what_was_written(tmp_path: Path) -> None:
    for writing in (new_file, new_folder):
        with (
            pytest.raises(OSError, match=f"No space left .*{tmp_path}/one"),
            writing(tmp_path / "one"),
        ):
            full_disk()
    assert names(tmp_path) == []


def test_a_full_disk_is_named_by_the_text_that_did_not_fit(small_disk: Path) -> None:
    with pytest.raises(OSError, match=r"page\.html") as caught:
        write_text(small_disk / "page.html", "x" * (25 << 20))
    assert means_no_room(caught.value)
    assert names(small_disk) == []
