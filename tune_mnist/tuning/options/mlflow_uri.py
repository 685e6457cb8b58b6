"""``--mlflow``: the URI of a server or store, and whether its database can be there."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tune_mnist.errors import UserError
from tune_mnist.files import absolute

_SQLITE = re.compile(r"(sqlite(?:\+\w+)?://)(.*)", re.DOTALL)


def absolute_uri(uri: str) -> str:
    """Return a URI that means the same to a later call from another folder.

    Args:
        uri: URI of a server or database, ``file:`` URI, or path of a folder.

    Raises:
        UserError: The URI of an SQLite database names no file.
    """
    if sqlite := _SQLITE.fullmatch(uri):
        start, place = sqlite.groups()
        name, mark, query = place.removeprefix("/").partition("?")
        if not place.startswith("/") or name in ("", ":memory:"):
            raise UserError(
                f"--mlflow {uri}: names no file, so that nothing would be kept: give its path, as"
                " in sqlite:///mlflow.db"
            )
        return f"{start}/{absolute(Path(name))}{mark}{query}"
    if uri.startswith("file:") and not uri.startswith(("file:/", "file://")):
        return f"file:{absolute(Path(uri.removeprefix('file:')))}"
    named = ":" in uri or uri in ("", "databricks", "uc")
    return uri if named else str(absolute(Path(uri)))


def check_database(uri: str) -> None:
    """Open the SQLite database of a URI, if it is one; MLflow would try for a minute.

    Raises:
        UserError: There can be no such database.
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
            f"--mlflow {uri}: {path} cannot be used: {error}: give another file, in a folder that"
            " exists and can be written"
        ) from None
