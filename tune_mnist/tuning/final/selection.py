"""Which runs the final evaluation is made of, and which of them are there already."""

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
    """A configuration to be trained anew with one seed, and tested.

    Attributes:
        trial: number of the trial that the configuration comes from.
        config: all of it, the seed and the epochs of this run among it.
        train_images: how many images it is trained on.
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
        """What the run is called in lines of text."""
        return f"{self.model} seed {self.config.seed}"

    def checkpoints(self, store: CheckpointStore) -> Checkpoints:
        """Return where the run keeps its checkpoints, which no other configuration ever finds."""
        return store.of(self.folder_name)

    @property
    def folder_name(self) -> str:
        """Name of the folder of its checkpoints."""
        made_of = [self.trial, self.train_images, self.config.flat()]
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        return f"{_CHECKPOINTS}{self.model}-{self.config.seed}-{digest[:8]}"

    def seeded(self, count: int) -> list["PlannedRun"]:
        """Return that many runs of the same configuration, with seeds from this one's upward."""
        seed = self.config.seed
        return [
            replace(self, config=self.config.model_copy(update={"seed": (seed + index) % _SEEDS}))
            for index in range(count)
        ]

    def is_like(self, run: FinalRun) -> bool:
        """Tell whether a run that was made differs from this one in the seed at most."""
        try:
            config = TrainConfig.checked(**run.config)
        except UserError:  # a version of this program wrote it that knew other fields
            return False
        return (run.trial, run.train_images) == (self.trial, self.train_images) and (
            config == self.config.model_copy(update={"seed": config.seed})
        )


def choose(
    records: list[TrialRecord], options: SearchOptions, settings: TrialSettings, train_images: int
) -> list[PlannedRun]:
    """Return the first run of the best configuration of each architecture.

    It has the seed of the search, and those of the runs to follow count up from it: with
    ``--seed 5 --final-seeds 3`` they are 5, 6 and 7. A trial that diverged or failed is never the
    best.

    Args:
        records: of all trials.
        options: of the search.
        settings: what all its trials have in common.
        train_images: how many images a run is trained on.
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
    """Return the best record of each architecture, by the architectures' names."""
    models = sorted({record.config["model"] for record in records})
    best = (
        best_record([record for record in records if record.config["model"] == model])
        for model in models
    )
    return [record for record in best if record is not None]


def drop_outdated(directory: Path, chosen: list[PlannedRun]) -> list[FinalRun]:
    """Remove the runs of configurations that are no longer the best, or are to run otherwise now.

    Args:
        directory: of the search.
        chosen: a run of each architecture, with any seed.

    Returns:
        The runs that count, whether or not their seeds are still asked for.
    """
    made = read_final_runs(directory)
    outdated = {run.model for run in made if not any(other.is_like(run) for other in chosen)}
    for model in outdated:
        remove_final_runs(directory, model)
    return [run for run in made if run.model not in outdated]


def drop_checkpoints(store: CheckpointStore, unfinished: list[PlannedRun]) -> None:
    """Remove the checkpoints of all runs but those that are still to be made."""
    needed = {run.folder_name for run in unfinished}
    for name in store.names():
        if name.startswith(_CHECKPOINTS) and name not in needed:
            store.of(name).remove()


def describe_plan(options: SearchOptions, train_images: int, test_images: int) -> str:
    """Say what the final evaluation does, for the facts of a search."""
    if not options.final_seeds:
        return "none"
    last = (options.seed + options.final_seeds - 1) % _SEEDS
    seeds = f"seeds {options.seed} to {last}" if options.final_seeds > 1 else f"seed {last}"
    return (
        f"the best configuration of each architecture anew with {seeds}, {train_images:,} training"
        f" and validation images, {options.final_run_epochs} epochs, then once the {test_images:,}"
        " test images"
    )


def to_config(run: PlannedRun, settings: TrialSettings, test_accuracy: float) -> dict[str, Any]:
    """Return what is to be known of a run's weights, in the form of ``best/<model>``."""
    return {
        **settings.noted(run.config),
        "trial": run.trial,
        "epoch": run.config.max_epochs,
        "train_images": run.train_images,
        "test_accuracy": test_accuracy,
    }
