"""Validation of the MLflow tracking URI (``--mlflow``)."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tune_mnist.errors import UserError
from tune_mnist.files import absolute

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?://)(.*)", re.DOTALL)


def absolute_uri(uri: str) -> str:
    """Return an MLflow tracking URI that does not depend on the working directory.

    Args:
        uri: URI of a server or database, ``file:`` URI, or path of a folder.

    Returns:
        The URI with an absolute path, or unchanged if it contains no path.

    Raises:
        UserError: The URI of an SQLite database has no file name.
    """
    if sqlite := _SQLITE.fullmatch(uri):
        start, place = sqlite.groups()
        name, mark, query = place.removeprefix("/").partition("?")
        if not place.startswith("/") or name in ("", ":memory:"):
            raise UserError(
                f"--mlflow {uri}: the URI contains no file name, so nothing would be stored; add a"
                " path, as in sqlite:///mlflow.db"
            )
        return f"{start}/{absolute(Path(name))}{mark}{query}"
    if uri.startswith("file:") and not uri.startswith(("file:/", "file://")):
        return f"file:{absolute(Path(uri.removeprefix('file:')))}"
    named = ":" in uri or uri in ("", "databricks", "uc")
    return uri if named else str(absolute(Path(uri)))


def check_database(uri: str) -> None:
    """Check that the SQLite database of a tracking URI can be opened.

    Without this check, MLflow would retry for a minute before it fails. URIs of other kinds are
    ignored.

    Args:
        uri: Tracking URI, as returned by ``absolute_uri``.

    Raises:
        UserError: The database cannot be opened or created.
    """
    sqlite = _SQLITE.fullmatch(uri)
    if sqlite is None:
        return
    path = sqlite[2].removeprefix("/").partition("?")[0]
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise UserError(
            f"--mlflow {uri}: the database {path} cannot be opened ({error}); use a database file"
            " in a writable folder"
        ) from None
