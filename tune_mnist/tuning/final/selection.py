"""Selection of the final runs, and of the existing ones that are still valid."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.final.runs import FinalRun, read_final_runs, remove_final_runs
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.trial_record import BROKEN, TrialRecord, best_record
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints, CheckpointStore
from tune_mnist.tuning.trials.trainable import TrialSettings

_SEEDS = 2**32
_CHECKPOINTS = "final-"


@dataclass(frozen=True)
class PlannedRun:
    """Planned final run of a configuration with one seed.

    Attributes:
        trial: Number of the trial that the configuration comes from.
        config: Configuration of the run, including its seed and epochs.
        train_images: Number of training images.
    """

    trial: int
    config: TrainConfig
    train_images: int

    @property
    def model(self) -> str:
        """The architecture."""
        return self.config.model

    @property
    def name(self) -> str:
        """Name of the run in messages."""
        return f"{self.model} seed {self.config.seed}"

    def checkpoints(self, store: CheckpointStore) -> Checkpoints:
        """Return the checkpoints of the run, in a folder that is unique to its configuration."""
        return store.of(self.folder_name)

    @property
    def folder_name(self) -> str:
        """Name of the run's checkpoint folder."""
        made_of = [self.trial, self.train_images, self.config.flat()]
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        return f"{_CHECKPOINTS}{self.model}-{self.config.seed}-{digest[:8]}"

    def seeded(self, count: int) -> list["PlannedRun"]:
        """Return runs of the same configuration with consecutive seeds, this run's seed first.

        Args:
            count: Number of runs.
        """
        seed = self.config.seed
        return [
            replace(self, config=self.config.model_copy(update={"seed": (seed + index) % _SEEDS}))
            for index in range(count)
        ]

    def is_like(self, run: FinalRun) -> bool:
        """Return whether a finished run is the same as this one except for the seed."""
        try:
            config = TrainConfig.checked(**run.config)
        except UserError:  # written by a version with other fields
            return False
        return (run.trial, run.train_images) == (self.trial, self.train_images) and (
            config == self.config.model_copy(update={"seed": config.seed})
        )


def choose(
    records: list[TrialRecord], options: SearchOptions, settings: TrialSettings, train_images: int
) -> list[PlannedRun]:
    """Return the first final run of each architecture, with its best configuration.

    The first run has the seed of the search; the seeds of the other runs count up from it. With
    ``--seed 5 --final-seeds 3`` the seeds are 5, 6 and 7. Trials that diverged or failed are never
    selected.

    Args:
        records: Records of all trials.
        options: Options of the search.
        settings: Settings that all trials have in common.
        train_images: Number of training images of a run.
    """
    best = finalist_records([record for record in records if record.state not in BROKEN])
    long = replace(settings, max_epochs=options.final_run_epochs)
    return [
        PlannedRun(
            record.number, long.train_config(record.config_of(record.best_epoch)), train_images
        )
        for record in best
    ]


def finalist_records(records: list[TrialRecord]) -> list[TrialRecord]:
    """Return the best record of each architecture, ordered by the architecture's name."""
    models = sorted({record.config["model"] for record in records})
    best = (
        best_record([record for record in records if record.config["model"] == model])
        for model in models
    )
    return [record for record in best if record is not None]


def drop_outdated(directory: Path, chosen: list[PlannedRun]) -> list[FinalRun]:
    """Remove finished runs whose configuration, epochs or images are no longer the chosen ones.

    Args:
        directory: Results folder.
        chosen: One planned run for each architecture, with any seed.

    Returns:
        The remaining runs, including those with seeds that the options no longer ask for.
    """
    made = read_final_runs(directory)
    outdated = {run.model for run in made if not any(other.is_like(run) for other in chosen)}
    for model in outdated:
        remove_final_runs(directory, model)
    return [run for run in made if run.model not in outdated]


def drop_checkpoints(store: CheckpointStore, unfinished: list[PlannedRun]) -> None:
    """Remove the checkpoints of all final runs except those of unfinished runs.

    Args:
        store: Storage of the checkpoints.
        unfinished: Runs that keep their checkpoints.
    """
    needed = {run.folder_name for run in unfinished}
    for name in store.names():
        if name.startswith(_CHECKPOINTS) and name not in needed:
            store.of(name).remove()


def describe_plan(options: SearchOptions, train_images: int, test_images: int) -> str:
    """Return a description of the final evaluation for the facts of a search.

    Args:
        options: Options of the search.
        train_images: Number of training images of a run.
        test_images: Number of test images.
    """
    if not options.final_seeds:
        return "none"
    last = (options.seed + options.final_seeds - 1) % _SEEDS
    seeds = f"seeds {options.seed} to {last}" if options.final_seeds > 1 else f"seed {last}"
    return (
        f"the best configuration of each architecture, trained from scratch with {seeds} on"
        f" {train_images:,} training and validation images for {options.final_run_epochs} epochs,"
        f" then tested once on {test_images:,} test images"
    )


def to_config(run: PlannedRun, settings: TrialSettings, test_accuracy: float) -> dict[str, Any]:
    """Return the content of ``config.json`` for a run's weights, as in ``best/<model>``."""
    return {
        **settings.noted(run.config),
        "trial": run.trial,
        "epoch": run.config.max_epochs,
        "train_images": run.train_images,
        "test_accuracy": test_accuracy,
    }
