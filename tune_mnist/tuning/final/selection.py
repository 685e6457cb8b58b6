"""Selection of the final runs to make, and of the finished runs that are still valid."""

import hashlib
import json
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.final.runs import (
    SEEDS,
    FinalRun,
    read_final_runs,
    remove_final_run,
    remove_final_runs,
)
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.trial_record import BROKEN, TrialRecord, by_rank
from tune_mnist.tuning.spaces.configurations import rounded
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints, CheckpointStore
from tune_mnist.tuning.trials.trainable import TrialSettings

_CHECKPOINTS = "final-"


@dataclass(frozen=True)
class PlannedRun:
    """Final run that has been planned: a configuration and a seed.

    Attributes:
        trial: Number of the trial that provided the configuration.
        config: Configuration of the run, including its seed and epochs.
        train_images: Number of training images.
        best: Whether the configuration is the best of its architecture by validation accuracy.
    """

    trial: int
    config: TrainConfig
    train_images: int
    best: bool = True

    @property
    def model(self) -> str:
        """Name of the architecture."""
        return self.config.model

    @property
    def name(self) -> str:
        """Name of the run in messages."""
        trial = "" if self.best else f" trial {self.trial}"
        return f"{self.model}{trial} seed {self.config.seed}"

    def checkpoints(self, store: CheckpointStore) -> Checkpoints:
        """Return the checkpoints of the run; their folder is unique to the configuration."""
        return store.of(self.folder_name)

    @property
    def folder_name(self) -> str:
        """Name of the run's checkpoint folder."""
        made_of = [self.trial, self.train_images, self.config.flat()]
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        return f"{_CHECKPOINTS}{self.model}-{self.config.seed}-{digest[:8]}"

    def seeded(self, count: int) -> list["PlannedRun"]:
        """Return runs of the same configuration with consecutive seeds, starting with this run."""
        seed = self.config.seed
        return [
            replace(self, config=self.config.model_copy(update={"seed": (seed + index) % SEEDS}))
            for index in range(count)
        ]

    def is_like(self, run: FinalRun) -> bool:
        """Return whether a finished run differs from this planned run at most in the seed."""
        try:
            config = TrainConfig.checked(**run.config)
        except UserError:  # written by a version with other fields
            return False
        made_of = (run.trial, run.train_images, run.best)
        return made_of == (self.trial, self.train_images, self.best) and (
            config == self.config.model_copy(update={"seed": config.seed})
        )


def choose(
    records: list[TrialRecord], options: SearchOptions, settings: TrialSettings, train_images: int
) -> list[PlannedRun]:
    """Return the first final run of each finalist, by architecture and then by rank.

    The first run has the seed of the search, and further runs have the seeds that follow it. For
    example, ``--seed 5 --final-seeds 3`` gives each finalist the seeds 5, 6 and 7.

    Args:
        records: Records of all trials.
        options: Options of the search.
        settings: Settings shared by all trials.
        train_images: Number of training images of a run.
    """
    long = replace(settings, max_epochs=options.final_run_epochs)
    return [
        PlannedRun(
            record.number,
            long.train_config(record.config_of(record.best_epoch)),
            train_images,
            best=rank == 0,
        )
        for finalists in finalist_records(records, options.finalists)
        for rank, record in enumerate(finalists)
    ]


def finalist_records(records: list[TrialRecord], count: int) -> list[list[TrialRecord]]:
    """Return the finalists of each architecture, by name of the architecture and then by rank.

    A trial that diverged or failed is never a finalist. If several trials had equal configurations
    in their best epochs, only the best of these trials is a finalist, because a final run uses the
    configuration of the best epoch.

    Args:
        records: Records of all trials.
        count: Maximum number of finalists per architecture, at least 1.
    """
    finalists: dict[str, list[TrialRecord]] = {}
    for record in by_rank([record for record in records if record.state not in BROKEN]):
        chosen = finalists.setdefault(record.config["model"], [])
        if len(chosen) < count and all(_trained(record) != _trained(other) for other in chosen):
            chosen.append(record)
    return [chosen for _, chosen in sorted(finalists.items())]


def _trained(record: TrialRecord) -> dict[str, Hashable]:
    """Return the configuration that final runs train, rounded for comparison."""
    config = record.config_of(record.best_epoch)
    return {name: rounded(value) for name, value in config.items()}


def without_outdated(made: list[FinalRun], chosen: list[PlannedRun]) -> list[FinalRun]:
    """Return the finished runs that belong to the present plan.

    A run is outdated if its configuration, epochs or training images are no longer chosen. If the
    best configuration of an architecture has changed, all runs of the architecture are outdated,
    because the kept weights belong to the previous best configuration.

    Args:
        made: Finished runs.
        chosen: One planned run for each finalist, with any seed.

    Returns:
        Remaining runs. They include runs with seeds that the options no longer require.
    """
    outdated = [run for run in made if not any(other.is_like(run) for other in chosen)]
    models = {run.model for run in outdated if run.best}
    return [run for run in made if run not in outdated and run.model not in models]


def drop_outdated(directory: Path, chosen: list[PlannedRun]) -> list[FinalRun]:
    """Remove the outdated finished runs, and return the others.

    Args:
        directory: Results folder.
        chosen: One planned run for each finalist, with any seed.
    """
    made = read_final_runs(directory)
    kept = without_outdated(made, chosen)
    models = {run.model for run in made} - {run.model for run in kept}
    for model in models:
        remove_final_runs(directory, model)
    for run in made:
        if run not in kept and run.model not in models:
            remove_final_run(directory, run)
    return kept


def drop_checkpoints(store: CheckpointStore, unfinished: list[PlannedRun]) -> None:
    """Remove the checkpoints of all final runs, except those of unfinished runs.

    Args:
        store: Checkpoint store of the search.
        unfinished: Planned runs whose checkpoints are kept.
    """
    needed = {run.folder_name for run in unfinished}
    for name in store.names():
        if name.startswith(_CHECKPOINTS) and name not in needed:
            store.of(name).remove()


def describe_plan(options: SearchOptions, train_images: int, test_images: int) -> str:
    """Describe the planned final evaluation in words, for the settings that a search prints.

    Args:
        options: Options of the search.
        train_images: Number of training images of a run.
        test_images: Number of test images.
    """
    if not options.final_seeds:
        return "none"
    last = (options.seed + options.final_seeds - 1) % SEEDS
    seeds = f"seeds {options.seed} to {last}" if options.final_seeds > 1 else f"seed {last}"
    epochs = options.final_run_epochs
    count = "" if options.finalists == 1 else f"{options.finalists} "
    return (
        f"the {count}best configuration{'s' * (options.finalists > 1)} of each architecture,"
        f" trained from scratch with {seeds} on"
        f" {train_images:,} training and validation images for {epochs} epoch{'s' * (epochs > 1)},"
        f" then tested once on {test_images:,} test images"
    )


def to_config(run: PlannedRun, settings: TrialSettings, test_accuracy: float) -> dict[str, Any]:
    """Return the content of ``config.json``, which is stored beside the weights of a final run.

    The keys are the same as in ``best/<model>/config.json`` of a search.

    Args:
        run: Planned run that was trained.
        settings: Settings shared by all trials.
        test_accuracy: Accuracy on the test images, from 0 to 1.
    """
    return {
        **settings.noted(run.config),
        "trial": run.trial,
        "epoch": run.config.max_epochs,
        "train_images": run.train_images,
        "test_accuracy": test_accuracy,
    }
