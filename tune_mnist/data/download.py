"""Downloads that resume, are checked, and appear whole or not at all."""

import hashlib
import sys
from pathlib import Path

import requests
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError

from tune_mnist.console import report_console

CONNECT_SECONDS = 5
READ_SECONDS = 30
CHUNK = 1 << 16
# The largest file of a known data set has 26 MB: whatever a server sends, no disk is filled.
MAX_BYTES = 256 << 20


class DownloadError(Exception):
    """A file could not be had from one place; the next may have it."""


def download(url: str, target: Path, md5: str, max_bytes: int = MAX_BYTES) -> None:
    """Fetch a file, going on where an earlier attempt broke off.

    What has arrived waits beside the target, in a file ending in ``.part``.

    Args:
        url: where it lies; an https address is never left for plain http.
        target: where it goes; written only if complete and unharmed.
        md5: what it must hash to.
        max_bytes: Size of the largest file that is accepted.

    Raises:
        DownloadError: unreachable, cut off, too large, or other content than expected.
    """
    part = target.with_name(target.name + ".part")
    resumed = _fetch(url, part, max_bytes)
    if resumed and md5_of(part) != md5:
        # The earlier attempt may be to blame, so this place gets a fair try of its own.
        part.unlink()
        _fetch(url, part, max_bytes)
    found = md5_of(part)
    if found != md5:
        part.unlink()
        raise DownloadError(f"{url}: MD5 {found}, expected {md5}")
    part.replace(target)


def md5_of(path: Path) -> str:
    """Return the MD5 of a file's content, the checksum that data sets are published with."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch(url: str, part: Path, max_bytes: int) -> bool:
    """Bring ``part`` to the file's full length; return whether it had a beginning already."""
    try:
        with requests.Session() as session:
            if url.startswith("https:"):
                # Without a way to speak it, a redirect to plain http fails.
                session.adapters.pop("http://")
            return _continue(session, url, part, max_bytes)
    except requests.HTTPError as error:
        raise DownloadError(f"{url}: HTTP status {error.response.status_code}") from None
    except requests.ConnectionError:
        raise DownloadError(f"{url}: no connection") from None
    except (requests.RequestException, HTTPError) as error:
        raise DownloadError(f"{url}: broke off: {error}") from None


def _continue(session: requests.Session, url: str, part: Path, max_bytes: int) -> bool:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if have and response.status_code == requests.codes.requested_range_not_satisfiable:
            return True  # nothing is missing any more; the checksum tells whether it is right
        response.raise_for_status()
        resumed: bool = response.status_code == requests.codes.partial_content
        start = have if resumed else 0
        total = int(response.headers.get("Content-Length", 0)) + start
        with part.open("ab" if resumed else "wb") as file, _bar() as progress:
            name = part.name.removesuffix(".part")
            task = progress.add_task(name, total=total or None, completed=start)
            # Read raw: a server may call a .gz file "encoded", and requests would unpack it.
            size = start
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                size += len(chunk)
                if size > max_bytes:
                    part.unlink()
                    raise DownloadError(f"{url}: larger than {max_bytes:,} bytes")
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
