import gzip
import hashlib
from pathlib import Path

import pytest

from tests.data.conftest import Site
from tune_mnist.data.download import DownloadError, download

CONTENT = bytes(range(256)) * 1_000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def target(tmp_path: Path, site: Site) -> Path:
    site.files["/file"] = CONTENT
    (tmp_path / "into").mkdir()
    return tmp_path / "into" / "file"


def left_behind(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_download_leaves_only_the_file(site: Site, target: Path) -> None:
    download(site.url + "file", target, MD5)
    assert target.read_bytes() == CONTENT
    assert left_behind(target) == ["file"]


def test_an_interrupted_download_is_resumed(site: Site, target: Path) -> None:
    site.cut_at = 100_000
    with pytest.raises(DownloadError):
        download(site.url + "file", target, MD5)
    assert left_behind(target) == ["file.part"]
    site.cut_at = None
    download(site.url + "file", target, MD5)
    assert site.requests == [("/file", None), ("/file", "bytes=100000-")]
    assert target.read_bytes() == CONTENT
    assert left_behind(target) == ["file"]


def test_a_download_starts_again_if_the_server_lacks_ranges(site: Site, target: Path) -> None:
    site.ranges = False
    target.with_name("file.part").write_bytes(CONTENT[:10])
    download(site.url + "file", target, MD5)
    assert target.read_bytes() == CONTENT


def test_a_complete_partial_file_is_only_renamed(site: Site, target: Path) -> None:
    target.with_name("file.part").write_bytes(CONTENT)
    download(site.url + "file", target, MD5)
    assert left_behind(target) == ["file"]


@pytest.mark.parametrize("stale", [b"something else", bytes(len(CONTENT) + 5)])
def test_a_partial_file_with_other_content_is_discarded(
    site: Site, target: Path, stale: bytes
) -> None:
    target.with_name("file.part").write_bytes(stale)
    download(site.url + "file", target, MD5)
    assert target.read_bytes() == CONTENT


def test_a_file_with_another_checksum_is_refused(site: Site, target: Path) -> None:
    site.files["/file"] = b"a login page"
    with pytest.raises(DownloadError, match=MD5):
        download(site.url + "file", target, MD5)
    assert left_behind(target) == []


def test_a_gz_file_with_a_content_encoding_is_not_unpacked(site: Site, target: Path) -> None:
    packed = gzip.compress(CONTENT)
    site.files["/file"] = packed
    site.headers["Content-Encoding"] = "gzip"
    download(site.url + "file", target, hashlib.md5(packed, usedforsecurity=False).hexdigest())
    assert target.read_bytes() == packed


def test_the_error_for_a_missing_file_has_the_http_status(site: Site, target: Path) -> None:
    with pytest.raises(DownloadError, match="404"):
        download(site.url + "absent", target, MD5)
    assert left_behind(target) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_leaves_no_file(target: Path, scheme: str) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9"):
        download(f"{scheme}://127.0.0.1:9/file", target, MD5)
    assert left_behind(target) == []


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("begun", [0, 100_000], ids=["new", "begun"])
def test_a_file_that_never_ends_is_refused(
    site: Site, target: Path, ranges: bool, begun: int
) -> None:
    site.ranges = ranges
    if begun:
        target.with_name("file.part").write_bytes(CONTENT[:begun])
    with pytest.raises(DownloadError, match="200,000"):
        download(site.url + "file", target, MD5, max_bytes=200_000)
    assert left_behind(target) == []
