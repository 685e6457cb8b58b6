"""What a search is asked to do: the command's options, checked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tune_mnist.data import DATASETS, default_fraction
from tune_mnist.errors import UserError, unknown, validation_error
from tune_mnist.files import absolute
from tune_mnist.models import DERIVED, INITS
from tune_mnist.training import DEVICES, PRECISIONS, Fidelity
from tune_mnist.tuning.combinations import check_combination
from tune_mnist.tuning.mlflow_uri import absolute_uri
from tune_mnist.tuning.schedulers.options import OWN_OPTIONS, SchedulerOptions
from tune_mnist.tuning.schedulers.registry import (
    DEFAULT,
    DEFAULT_FOR_SEVERAL_OBJECTIVES,
    canonical_name,
    scheduler_class,
    scheduler_names,
)
from tune_mnist.tuning.searching.registry import searcher_class, searcher_names
from tune_mnist.tuning.spaces.limits import Epochs, ImageSize, Samples, Seconds, Share
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import rung_epochs, stages_of
from tune_mnist.tuning.storage.storage_path import checked_storage_path
from tune_mnist.tuning.trials.reports import METRIC

OBJECTIVES = {METRIC: "max", "parameters": "min", "train_seconds": "min"}

# Each trial is a process with PyTorch in it: more than ten to a core would only take memory.
LEAST_CPUS = 0.1
MAX_COUNT = 100_000
"""Of cores, epochs and the like in one search."""
LEAST_GPUS = 0.01
# What a space file may leave unsaid.
FALLBACKS: dict[str, Any] = {
    "num_samples": 16,
    "max_epochs": 9,
    "fraction": 0.1,
    "image_size": 64,
    "time_budget": None,
}


class SearchOptions(BaseModel):
    """The options of one search; those left out take the space's defaults.

    Attributes:
        num_samples: how many trials.
        max_epochs: epochs of a trial that is never stopped.
        fraction: share of the training part that a trial trains on.
        fraction_given: whether the user named it; else small data get a larger share.
        val_fraction: share of the validation part it is judged by (None: as ``fraction``, but at
            least 2,000 images).
        image_size: side of the images in pixels (LeNet always takes 32).
        dataset: mnist, fashion-mnist, kmnist or digits.
        data_dir: folder with the four IDX files; None: cache or download.
        time_budget: seconds after which the search ends with what it has; None: no limit.
        cpus_per_trial: CPU cores of a trial, fractions allowed.
        gpus_per_trial: GPUs of a trial, fractions allowed; None: one if there are any.
        max_concurrent: most trials at a time; None: as many as the resources allow.
        seed: decides the sampler's proposals and every trial's weights and batches.
        address: Ray cluster to connect to; None: start Ray on this machine.
        storage_path: folder that all nodes share, or s3:// or gs:// URI, for the checkpoints;
            None: the results folder.
        init: How weights are drawn: derived or torch.
        precision: auto, fp32 or bf16.
        device: auto, cpu or cuda.
        searcher: tpe, random, gp, cmaes, qmc or grid; pbt takes random unless told otherwise.
        scheduler: asha, asha-stopping, asha-promotion, hyperband, median, pbt or none; None: asha,
            or none where there are several objectives.
        grace_period: epochs that every trial gets.
        reduction_factor: ASHA and HyperBand let the best of that many go on.
        brackets: of ASHA.
        perturbation_interval: epochs after which pbt compares its trials, again and again.
        target_accuracy: val_accuracy of a trial at which the search ends; None: none.
        patience: Trials that may end in a row without an improvement beyond noise before the
            search ends; None: any number.
        max_failures: how often a trial whose worker died is tried again.
        objective: val_accuracy, or val_accuracy and parameters or train_seconds, by commas.
        warm_start: results folder of an earlier search to learn from.
        final_seeds: with how many seeds the best configuration of each architecture is trained
            anew and tested once the trials have ended; 0: with none.
        final_epochs: of these runs; None: as ``max_epochs``.
        final_fraction: share of the training and validation parts, joined, that these runs train
            on; None: as ``fraction``.
        tensorboard: keep TensorBoard's files of the trials.
        mlflow: URI of an MLflow tracking server or store that is told of the trials; None, or
            empty: none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_samples: Samples
    max_epochs: Epochs
    fraction: Share
    fraction_given: bool = Field(default=True, exclude=True)
    val_fraction: Share | None = None
    image_size: ImageSize
    dataset: str = "mnist"
    data_dir: Path | None = None
    time_budget: Seconds | None = None
    cpus_per_trial: float = Field(default=1, ge=LEAST_CPUS, le=MAX_COUNT, allow_inf_nan=False)
    gpus_per_trial: float | None = Field(default=None, ge=0, le=MAX_COUNT, allow_inf_nan=False)
    max_concurrent: int | None = Field(default=None, ge=1, le=MAX_COUNT)
    seed: int = Field(default=0, ge=0, lt=2**32)
    address: str | None = None
    storage_path: str | None = None
    init: str = DERIVED
    precision: str = "auto"
    device: str = "auto"
    searcher: str = "tpe"
    scheduler: str | None = None
    grace_period: int = Field(default=1, ge=1, le=MAX_COUNT)
    reduction_factor: int = Field(default=3, ge=2, le=MAX_COUNT)
    brackets: int = Field(default=1, ge=1, le=100)
    perturbation_interval: int = Field(default=1, ge=1, le=MAX_COUNT)
    target_accuracy: Share | None = None
    patience: int | None = Field(default=None, ge=1, le=MAX_COUNT)
    max_failures: int = Field(default=2, ge=0, le=MAX_COUNT)
    objective: str = METRIC
    warm_start: Path | None = None
    final_seeds: int = Field(default=3, ge=0, le=1000)
    final_epochs: Epochs | None = None
    final_fraction: Share | None = None
    tensorboard: bool = False
    mlflow: str | None = None

    @field_validator("searcher")
    @classmethod
    def _known_searcher(cls, name: str) -> str:
        return _one_of("searcher", name, searcher_names())

    @field_validator("scheduler")
    @classmethod
    def _known_scheduler(cls, name: str | None) -> str | None:
        return name if name is None else _one_of("scheduler", name, scheduler_names())

    @field_validator("objective")
    @classmethod
    def _known_objectives(cls, text: str) -> str:
        names = text.split(",")
        for name in names:
            _one_of("objective", name, tuple(OBJECTIVES))
        if names[0] != METRIC or len(set(names)) < len(names):
            raise UserError(
                f"objective = '{text}': must begin with {METRIC} and name nothing twice:"
                f" {METRIC},parameters"
            )
        return text

    @field_validator("storage_path")
    @classmethod
    def _known_storage(cls, path: str | None) -> str | None:
        return None if path is None else checked_storage_path(path)

    @field_validator("mlflow")
    @classmethod
    def _mlflow_or_none(cls, uri: str | None) -> str | None:
        return absolute_uri(uri) if uri else None

    @field_validator("data_dir", "warm_start")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else absolute(path)

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, name: str) -> str:
        return _one_of("dataset", name, DATASETS)

    @field_validator("init")
    @classmethod
    def _known_init(cls, name: str) -> str:
        return _one_of("init", name, INITS)

    @field_validator("precision")
    @classmethod
    def _known_precision(cls, name: str) -> str:
        return _one_of("precision", name, PRECISIONS)

    @field_validator("device")
    @classmethod
    def _known_device(cls, name: str) -> str:
        return _one_of("device", name, DEVICES)

    @field_validator("gpus_per_trial")
    @classmethod
    def _whole_gpus(cls, gpus: float | None) -> float | None:
        if gpus is not None and 0 < gpus < LEAST_GPUS:
            raise UserError(f"gpus_per_trial = {gpus:g}: must be 0 or at least {LEAST_GPUS}")
        if gpus is not None and gpus > 1 and not gpus.is_integer():
            raise UserError(
                f"gpus_per_trial = {gpus:g}: must be a share of one GPU, or a whole number"
            )
        return gpus

    @classmethod
    def for_space(cls, space: SearchSpace, /, **given: Any) -> "SearchOptions":
        """Complete the given options (None: not given) by the space's defaults.

        Raises:
            UserError: a value of the wrong type or out of its range.
        """
        values = FALLBACKS | space.defaults.model_dump(exclude_none=True)
        values |= {key: value for key, value in given.items() if value is not None}
        values["fraction_given"] = given.get("fraction") is not None
        if "scheduler" in values:
            searcher = scheduler_class(values["scheduler"]).default_searcher
            values = {"searcher": searcher} | values
        return cls.checked(space, **values)

    @classmethod
    def checked(cls, space: SearchSpace, /, **values: Any) -> "SearchOptions":
        """Build options from untrusted values, and see that they go together.

        Raises:
            UserError: a value of the wrong type or out of its range, or a senseless combination.
        """
        try:
            options = cls(**values)
        except ValidationError as error:
            raise validation_error(error, cls) from None
        check_combination(options, space)
        most = searcher_class(options.searcher).count(space) or options.num_samples
        given = {
            "scheduler": options.scheduling.name,
            "num_samples": min(options.num_samples, most),
        }
        return options.model_copy(update=given)

    def for_images(self, images: int) -> "SearchOptions":
        """Return the options for a data set: a default fraction leaves enough of it.

        Args:
            images: Images of the training and validation part together.
        """
        if self.fraction_given:
            return self
        return self.model_copy(update={"fraction": default_fraction(self.fraction, images)})

    @property
    def directions(self) -> dict[str, str]:
        """By objective, ``max`` or ``min``."""
        return {name: OBJECTIVES[name] for name in self.objective.split(",")}

    @property
    def scheduling(self) -> SchedulerOptions:
        """How trials are stopped early."""
        several = len(self.directions) > 1
        fallback = DEFAULT_FOR_SEVERAL_OBJECTIVES if several else DEFAULT
        return SchedulerOptions(
            name=canonical_name(self.scheduler or fallback),
            max_epochs=self.max_epochs,
            seed=self.seed,
            num_samples=self.num_samples,
            **{option: getattr(self, option) for option in OWN_OPTIONS},
        )

    def fidelity(self, space: SearchSpace) -> Fidelity | None:
        """Return the stages that each trial goes through; None: the space has none.

        Raises:
            UserError: they do not fit the epochs, image size or fraction.
        """
        return stages_of(space, self.max_epochs, self.image_size, self.fraction)

    def scheduling_for(self, space: SearchSpace) -> SchedulerOptions:
        """Return how trials of a space are stopped early: at the ends of its stages, if any."""
        fidelity = self.fidelity(space)
        return replace(
            self.scheduling,
            rungs=rung_epochs(fidelity) if fidelity else None,
            # Without turns, one architecture may get more than its share.
            architectures=1 if searcher_class(self.searcher).enumerates else len(space.models),
        )


def _one_of(what: str, name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise unknown(what, name, known)
    return name
