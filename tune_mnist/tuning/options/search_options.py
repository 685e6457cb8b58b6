"""Validation of search options."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator

from tune_mnist.data import default_fraction
from tune_mnist.errors import validation_error
from tune_mnist.files import absolute
from tune_mnist.training import Fidelity
from tune_mnist.tuning.options.combinations import check_combination
from tune_mnist.tuning.options.mlflow_uri import absolute_uri
from tune_mnist.tuning.options.option_fields import OptionFields
from tune_mnist.tuning.options.option_presentation import FALLBACKS
from tune_mnist.tuning.schedulers.options import OWN_OPTIONS, SchedulerOptions
from tune_mnist.tuning.schedulers.registry import (
    DEFAULT_FOR_SEVERAL_OBJECTIVES,
    DEFAULT_SCHEDULER,
    canonical_name,
    scheduler_class,
)
from tune_mnist.tuning.searching.registry import searcher_class
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import stages_of
from tune_mnist.tuning.storage.storage_path import checked_storage_path
from tune_mnist.tuning.trials.reports import OBJECTIVES
from tune_mnist.typed_options import as_typed


def without_replaced_limit(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Remove a stored time limit if the user sets the other kind of time limit.

    Args:
        values: Stored or default option values, keyed by option name.
        changes: Values that the user sets, keyed by option name.

    Returns:
        Values with ``time_budget`` set to None if the changes include only ``budget``, or with
        ``budget`` set to None if they include only ``time_budget``.
    """
    limits = {"budget", "time_budget"}
    replaced = limits - changes.keys() if limits & changes.keys() else set()
    return values | dict.fromkeys(replaced)


class SearchOptions(OptionFields):
    """Validated options of a search, as built by ``for_space`` or ``checked``."""

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

    @classmethod
    def for_space(cls, space: SearchSpace, /, **given: Any) -> "SearchOptions":
        """Build options from user input and from the defaults of a search space.

        Args:
            space: Search space.
            **given: Option values, keyed by option name. A value of None means that the option is
                not given.

        Raises:
            UserError: A value is invalid, or two options are incompatible.
        """
        changes = {key: value for key, value in given.items() if value is not None}
        defaults = FALLBACKS | space.defaults.model_dump(exclude_none=True)
        values = without_replaced_limit(defaults, changes) | changes
        values["fraction_given"] = given.get("fraction") is not None
        if "scheduler" in values:
            searcher = scheduler_class(values["scheduler"]).default_searcher
            values = {"searcher": searcher} | values
        options = cls._validated(values)
        if "grace_period" not in changes:
            options = options._with_fitting_grace_period()
        return options._combined(space)

    @classmethod
    def checked(cls, space: SearchSpace, /, **values: Any) -> "SearchOptions":
        """Build options from complete but untrusted values, such as stored options of a search.

        Args:
            space: Search space.
            **values: Option values, keyed by option name.

        Raises:
            UserError: A value is invalid, or two options are incompatible.
        """
        return cls._validated(values)._combined(space)

    @classmethod
    def _validated(cls, values: dict[str, Any]) -> "SearchOptions":
        try:
            return cls(**values)
        except ValidationError as error:
            raise validation_error(error, cls, name=as_typed) from None

    def _with_fitting_grace_period(self) -> "SearchOptions":
        """Return the options with a grace period that suits the scheduler and the epochs."""
        fitting = FALLBACKS["grace_period"]
        if "grace_period" in scheduler_class(self.scheduling.name).accepts:
            fitting = min(self.grace_period, self.max_epochs)
        return self.model_copy(update={"grace_period": fitting})

    def _combined(self, space: SearchSpace) -> "SearchOptions":
        """Check the combination of the options, and complete them."""
        check_combination(self, space)
        most = searcher_class(self.searcher).count(space) or self.num_samples
        given = {
            "scheduler": self.scheduling.name,
            "num_samples": min(self.num_samples, most),
        }
        return self.model_copy(update=given)

    def for_images(self, images: int) -> "SearchOptions":
        """Return the options, adapted to the number of images in the data set.

        If the user has not set the fraction, a larger fraction is used for a small data set.

        Args:
            images: Number of images in the training and validation splits together.
        """
        if self.fraction_given:
            return self
        return self.model_copy(update={"fraction": default_fraction(self.fraction, images)})

    @property
    def resumable(self) -> bool:
        """Whether the scheduler supports resuming the search."""
        return scheduler_class(self.scheduling.name).resumable

    @property
    def final_run_epochs(self) -> int:
        """Number of epochs per final run."""
        return self.final_epochs or self.max_epochs

    @property
    def final_run_fraction(self) -> float:
        """Fraction of the training and validation images that a final run is trained on."""
        return self.final_fraction or self.fraction

    @property
    def directions(self) -> dict[str, str]:
        """Direction of optimization, ``max`` or ``min``, keyed by objective."""
        return {name: OBJECTIVES[name] for name in self.objective.split(",")}

    @property
    def scheduling(self) -> SchedulerOptions:
        """Options of the scheduler, without the rungs that the stages of a space define."""
        several = len(self.directions) > 1
        fallback = DEFAULT_FOR_SEVERAL_OBJECTIVES if several else DEFAULT_SCHEDULER
        return SchedulerOptions(
            name=canonical_name(self.scheduler or fallback),
            max_epochs=self.max_epochs,
            seed=self.seed,
            num_samples=self.num_samples,
            **{option: getattr(self, option) for option in OWN_OPTIONS},
        )

    def fidelity(self, space: SearchSpace) -> Fidelity | None:
        """Return the stages of each trial, or None if the space declares none.

        Raises:
            UserError: A stage contradicts the epochs, image size or fraction of the search.
        """
        return stages_of(space, self.max_epochs, self.image_size, self.fraction)

    def scheduling_for(self, space: SearchSpace) -> SchedulerOptions:
        """Return the options of the scheduler that result from a search space.

        Args:
            space: Search space. If it has stages, their ends are the rungs.
        """
        fidelity = self.fidelity(space)
        return replace(
            self.scheduling,
            rungs=tuple(stage.epochs for stage in fidelity.stages[:-1]) if fidelity else None,
            # Enumerating searchers do not balance architectures, so one may get all trials.
            architectures=1 if searcher_class(self.searcher).enumerates else len(space.models),
        )
