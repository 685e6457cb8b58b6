"""Connection to an MLflow tracking server or database."""

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
"""Pattern for query keys of a URI whose values are secret."""

_SETTINGS = {
    # MLflow would retry an unreachable server for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def open_client(uri: str, name: str) -> "MlflowClient":
    """Return an MLflow client after checking that the server or database can be used.

    Args:
        uri: URI of a server (``http://...``) or database (``sqlite:///mlflow.db``).
        name: Name of the experiment, which need not exist.

    Raises:
        UserError: MLflow is not installed, the server or database cannot be used, or the
            experiment was deleted.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise UserError(
            "--mlflow requires MLflow: install it with pip install 'tune-mnist[mlflow]'"
        )
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
    except Exception as error:  # the type depends on the store: MLflow, requests, SQLAlchemy
        raise UserError(
            f"--mlflow {uri}: the server or database cannot be used: {first_line(error)}: use"
            " another URI, or --mlflow '' to search without MLflow"
        ) from None
    if found is not None and found.lifecycle_stage != "active":
        raise UserError(
            f"--mlflow {uri}: the experiment '{name}' was deleted: restore the experiment, or"
            " choose another --name for the search"
        )
    return client


def first_line(error: BaseException) -> str:
    """Return the first line of an error message, or the error type if the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _refuse_secrets(uri: str) -> None:
    parts = urlsplit(uri)
    # The user of an HTTP URI may be a token; the user of a database is just a name.
    named = parts.username is not None and parts.scheme in ("http", "https")
    if named or parts.password or any(map(_SECRET.search, parse_qs(parts.query))):
        raise UserError(
            "--mlflow: the URI must not contain a user, password or token, because it is stored in"
            " the results: for a server set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD,"
            " or MLFLOW_TRACKING_TOKEN; for a database use its own password file, such as"
            " ~/.pgpass"
        )
