"""New studies of searches, whose journals are in results folders."""

from pathlib import Path
from typing import Any

import optuna

from tune_mnist.tuning.recording.study import STUDY_NAME, open_storage


def study_in(directory: Path, **given: Any) -> optuna.Study:
    """Create the empty study of a search, and its results folder if it does not exist."""
    directory.mkdir(exist_ok=True)
    storage = open_storage(directory)
    return optuna.create_study(
        storage=storage, study_name=STUDY_NAME, direction="maximize", **given
    )
