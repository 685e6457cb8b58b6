"""The way to MLflow, checked before a search begins."""

import importlib.util
import logging
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tune_mnist.errors import UserError
from tune_mnist.tuning.options.mlflow_uri import check_database

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SECRET = re.compile(
    r"pass(?!file)|pwd|token|secret|credential|(api|access|private)[_-]?key", re.IGNORECASE
)
"""What a key of a URI's query has in it if its value had better not be written down."""

_SETTINGS = {
    # It would ask a server that is not there for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def open_client(uri: str, name: str) -> "MlflowClient":
    """Return a client of a tracking server that has answered.

    Args:
        uri: of the server (``http://...``), or of a database (``sqlite:///mlflow.db``).
        name: of the experiment that is to be there, or that can be made.

    Raises:
        UserError: MLflow is missing, or there is no server or database that can be used.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise UserError("--mlflow needs MLflow: pip install 'tune-mnist[mlflow]'")
    for key, value in _SETTINGS.items():
        os.environ.setdefault(key, value)
    from mlflow import MlflowClient

    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    try:
        _refuse_secrets(uri)
        check_database(uri)
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(name)
    except UserError:
        raise
    except Exception as error:  # MLflow's, requests', SQLAlchemy's: whatever is behind the URI
        raise UserError(
            f"--mlflow {uri}: cannot be used: {first_line(error)}: give another, or --mlflow ''"
            " to search without"
        ) from None
    if found is not None and found.lifecycle_stage != "active":
        raise UserError(
            f"--mlflow {uri}: its experiment '{name}' has been deleted: restore it, or give the"
            " search another --name"
        )
    return client


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its name."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _refuse_secrets(uri: str) -> None:
    parts = urlsplit(uri)
    # A server may take a token for a user; the user of a database is a name.
    named = parts.username is not None and parts.scheme in ("http", "https")
    if named or parts.password or any(map(_SECRET.search, parse_qs(parts.query))):
        raise UserError(
            "--mlflow: leave user, password and token out of the URI, which is written into the"
            " results: for a server set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"
            " MLFLOW_TRACKING_TOKEN; for a database leave the password to its own means, such as"
            " ~/.pgpass"
        )
