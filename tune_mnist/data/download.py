"""Downloads that resume, are checked, and appear whole or not at all."""

import hashlib
import sys
from pathlib import Path

import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

CONNECT_SECONDS = 5
READ_SECONDS = 30
CHUNK = 1 << 16


class DownloadError(Exception):
    """A file could not be had from one place; the next may have it."""


def download(url: str, target: Path, md5: str) -> None:
    """Fetch a file, going on where an earlier attempt broke off.

    Args:
        url: where it lies.
        target: where it goes; exists afterwards only if complete and unharmed.
        md5: what it must hash to.

    Raises:
        DownloadError: unreachable, cut off, or other content than expected.
    """
    part = target.with_name(target.name + ".part")
    try:
        _fetch(url, part)
    except requests.ConnectionError:
        raise DownloadError(f"{url}: no connection") from None
    except requests.RequestException as error:
        raise DownloadError(f"{url}: {error}") from None
    found = md5_of(part)
    if found != md5:
        part.unlink()
        raise DownloadError(f"{url}: MD5 {found}, expected {md5}")
    part.replace(target)


def md5_of(path: Path) -> str:
    """Return the MD5 of a file's content, the checksum that data sets are published with."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch(url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is missing any more; the checksum tells whether it is right
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        total = int(response.headers.get("Content-Length", 0)) + have * resumed
        with part.open("ab" if resumed else "wb") as file, _bar() as progress:
            task = progress.add_task(
                part.name.removesuffix(".part"), total=total or None, completed=have * resumed
            )
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                progress.advance(task, len(chunk))


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
