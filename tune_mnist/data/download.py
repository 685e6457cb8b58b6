"""Resumable, verified and atomic downloads."""

import hashlib
import sys
from pathlib import Path

import requests
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError

from tune_mnist.console import report_console

DOWNLOAD_CONNECT_SECONDS = 5
READ_SECONDS = 30
DOWNLOAD_CHUNK = 1 << 16
MAX_DOWNLOAD_BYTES = 256 << 20
"""Maximum size of a download. The largest file of a shipped data set has 26 MB."""


class DownloadError(Exception):
    """Raised if a download fails. Another source may still provide the file."""


def download(url: str, target: Path, md5: str, max_bytes: int = MAX_DOWNLOAD_BYTES) -> None:
    """Download a file, continuing an earlier download that was interrupted.

    If the download fails, the data received so far is kept beside the target in a file with the
    suffix ``.part``.

    Args:
        url: Address of the file. Redirects from https to http are refused.
        target: Path to write the file to. It is written only if the checksum is correct.
        md5: Expected MD5 checksum.
        max_bytes: Maximum size of the file in bytes.

    Raises:
        DownloadError: The server is unreachable, the connection broke, or the file is too large or
            has the wrong checksum.
    """
    part = target.with_name(target.name + ".part")
    resumed = _fetch(url, part, max_bytes)
    if resumed and md5_of(part) != md5:
        # The earlier attempt may have been damaged: download the whole file once more.
        part.unlink()
        _fetch(url, part, max_bytes)
    found = md5_of(part)
    if found != md5:
        part.unlink()
        raise DownloadError(f"{url}: the MD5 checksum must be {md5}, but is {found}")
    part.replace(target)


def md5_of(path: Path) -> str:
    """Return the MD5 checksum of a file, the kind that data sets are published with."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch(url: str, part: Path, max_bytes: int) -> bool:
    """Download the missing bytes of ``part``; return whether an earlier download was continued."""
    try:
        with requests.Session() as session:
            if url.startswith("https:"):
                # Without an adapter for http, a redirect to http fails.
                session.adapters.pop("http://")
            return _continue(session, url, part, max_bytes)
    except requests.HTTPError as error:
        raise DownloadError(
            f"{url}: the server responded with HTTP status {error.response.status_code}"
        ) from None
    except requests.ConnectionError:
        raise DownloadError(f"{url}: the server cannot be reached") from None
    except (requests.RequestException, HTTPError) as error:
        raise DownloadError(f"{url}: the download was interrupted: {error}") from None


def _continue(session: requests.Session, url: str, part: Path, max_bytes: int) -> bool:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    timeout = (DOWNLOAD_CONNECT_SECONDS, READ_SECONDS)
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return True  # the file is complete; the caller verifies its checksum
        response.raise_for_status()
        resumed: bool = response.status_code == requests.codes.partial_content
        start = have if resumed else 0
        total = int(response.headers.get("Content-Length", 0)) + start
        with part.open("ab" if resumed else "wb") as file, _bar() as progress:
            name = part.name.removesuffix(".part")
            task = progress.add_task(name, total=total or None, completed=start)
            # Read raw: requests would decompress a .gz file sent with a Content-Encoding header.
            size = start
            for chunk in response.raw.stream(DOWNLOAD_CHUNK, decode_content=False):
                size += len(chunk)
                if size > max_bytes:
                    part.unlink()
                    raise DownloadError(f"{url}: the file is larger than {max_bytes:,} bytes")
                file.write(chunk)
                progress.advance(task, len(chunk))
    return resumed


def _bar() -> Progress:
    console = report_console(sys.stderr)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        disable=not console.is_interactive,
        transient=True,
    )
