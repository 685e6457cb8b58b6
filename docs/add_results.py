"""Store a finished or interrupted search in ``results/``: ``make results ADD=FOLDER``.

Copies the files from which the tables are made: the set-up, the study and the final runs, but not
the weights, the checkpoints and the report page. The copy can be reported and used for a warm
start.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import optuna
from optuna.storages import JournalStorage

from docs.generate_results import RESULTS, TRIALS
from docs.public_commands import public_commands, public_options
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.reporting.search_report import SUMMARY_FILE
from tune_mnist.reporting.stored_search import read_search
from tune_mnist.reporting.summary import search_page, search_tables
from tune_mnist.tuning.recording.journal_file import JournalFile
from tune_mnist.tuning.recording.study import JOURNAL, STUDY_NAME
from tune_mnist.tuning.results_folder.experiment_file import EXPERIMENT_FILE

COPIED = ("best/*/config.json", "ensemble/ensemble.json", "final/*/*.json")


def add_results(source: Path, directory: Path = RESULTS) -> Path:
    """Store a search, and return the folder of the copy.

    Args:
        source: Results folder of the search.
        directory: Directory with the stored searches.

    Raises:
        UserError: The source is not a results folder, no trial has finished an epoch, or the
            directory already contains a folder with the same name.
    """
    results = read_search(source)
    target = directory / results.name
    if target.exists():
        raise UserError(
            f"{target}: the folder already exists: remove the folder, or move the search out of"
            " results/"
        )
    if results.trials["val_accuracy"].isna().all():
        raise UserError(f"{source}: no trial has finished an epoch: there is nothing to store")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        copy = Path(temporary) / results.name
        _copy_search(source, copy)
        stored = read_search(copy)
        write_text(copy / TRIALS, stored.trials.to_csv(index=False))
        write_text(copy / SUMMARY_FILE, search_page(stored, search_tables(stored)))
        copy.rename(target)
    return target


def _copy_search(source: Path, copy: Path) -> None:
    copy.mkdir()
    for path in (path for pattern in COPIED for path in source.glob(pattern)):
        (copy / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy / path.relative_to(source))
    experiment = json.loads((source / EXPERIMENT_FILE).read_text("utf-8"))
    experiment["commands"] = public_commands(experiment["commands"], source.name)
    experiment["options"] = public_options(experiment["options"])
    experiment["checkpoints"] = None
    experiment["signature"] = None  # a signature is valid on one machine only
    write_text(copy / EXPERIMENT_FILE, json.dumps(experiment, indent=2) + "\n")
    # The copied journal is short: it lacks the history of the changes to each trial.
    optuna.copy_study(
        from_study_name=STUDY_NAME,
        from_storage=JournalStorage(JournalFile(source / JOURNAL)),
        to_storage=JournalStorage(JournalFile(copy / JOURNAL)),
    )


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        print(f"stored in {add_results(Path(sys.argv[1]))}")
    except UserError as error:
        sys.exit(f"error: {error}")
