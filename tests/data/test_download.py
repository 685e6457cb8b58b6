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


def test_fetches_the_file_and_nothing_else(site: Site, target: Path) -> None:
    download(site.url + "file", target, MD5)
    assert target.read_bytes() == CONTENT
    assert left_behind(target) == ["file"]


def test_goes_on_where_it_broke_off(site: Site, target: Path) -> None:
    site.cut_at = 100_000
    with pytest.raises(DownloadError, match="broke off"):
        download(site.url + "file", target, MD5)
    assert left_behind(target) == ["file.part"]
    site.cut_at = None
    download(site.url + "file", target, MD5)
    assert site.requests == [("/file", None), ("/file", "bytes=100000-")]
    assert target.read_bytes() == CONTENT
    assert left_behind(target) == ["file"]


def test_starts_over_where_the_server_knows_no_ranges(site: Site, target: Path) -> None:
    site.ranges = False
    target.with_name("file.part").write_bytes(CONTENT[:10])
    download(site.url + "file", target, MD5)
    assert target.read_bytes() == CONTENT


def test_finishes_when_only_the_renaming_was_missing(site: Site, target: Path) -> None:
    target.with_name("file.part").write_bytes(CONTENT)
    download(site.url + "file", target, MD5)
    assert left_behind(target) == ["file"]


@pytest.mark.parametrize("stale", [b"something else", bytes(len(CONTENT) + 5)])
def test_a_wrong_beginning_is_thrown_away(site: Site, target: Path, stale: bytes) -> None:
    target.with_name("file.part").write_bytes(stale)
    download(site.url + "file", target, MD5)
    assert target.read_bytes() == CONTENT


def test_refuses_other_content(site: Site, target: Path) -> None:
    site.files["/file"] = b"a login page"
    with pytest.raises(DownloadError, match=f"expected {MD5}"):
        download(site.url + "file", target, MD5)
    assert left_behind(target) == []


def test_a_gz_file_called_encoded_stays_as_it_is(site: Site, target: Path) -> None:
    packed = gzip.compress(CONTENT)
    site.files["/file"] = packed
    site.headers["Content-Encoding"] = "gzip"
    download(site.url + "file", target, hashlib.md5(packed, usedforsecurity=False).hexdigest())
    assert target.read_bytes() == packed


def test_absent_file_tells_the_status(site: Site, target: Path) -> None:
    with pytest.raises(DownloadError, match="HTTP status 404"):
        download(site.url + "absent", target, MD5)
    assert left_behind(target) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_connection_leaves_no_file(target: Path, scheme: str) -> None:
    with pytest.raises(DownloadError, match="no connection"):
        download(f"{scheme}://127.0.0.1:9/file", target, MD5)
    assert left_behind(target) == []


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("begun", [0, 100_000], ids=["new", "begun"])
def test_a_file_that_does_not_end_is_given_up(
    site: Site, target: Path, ranges: bool, begun: int
) -> None:
    site.ranges = ranges
    if begun:
        target.with_name("file.part").write_bytes(CONTENT[:begun])
    with pytest.raises(DownloadError, match="larger than 200,000 bytes"):
        download(site.url + "file", target, MD5, max_bytes=200_000)
    assert left_behind(target) == []
