"""The trials of a search that have finished an epoch, as the plots compare them.

Optuna's plots show COMPLETE trials only. After a search with early stopping these are few, and
the best ones: what made a trial poor could not be seen. So the plots get a study in memory in
which each trial is COMPLETE with its best validation accuracy.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from tune_mnist.reporting.common_epoch import common_epoch, last_epoch
from tune_mnist.reporting.importances import Importance, estimate_importances
from tune_mnist.reporting.plots.plot import CannotDrawError
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.training import hyperparameter
from tune_mnist.tuning.recording.trial_record import TrialRecord, by_rank
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC

BEST_SHARE = 4
"""One in four trials is among the best, whose values are summarized."""

MIN_BEST = 3
MIN_FOR_IMPORTANCES = 50
"""Shares of the variance from fewer trials are mostly noise."""

_Parameters = tuple[dict[str, Any], dict[str, BaseDistribution]]


@dataclass(frozen=True)
class EvaluatedTrials:
    """The trials of a search that have finished an epoch.

    Attributes:
        results: The search.
        study: Study in memory. Those trials are COMPLETE with the accuracy that they are compared
            by. All others, and those taken over from another search, are FAIL.
        records: Records in the order of their numbers. ``config`` is the configuration of the
            best epoch.
        epoch: Epoch after which the accuracies were measured; None: the best epoch of each trial.
    """

    results: StoredSearch
    study: optuna.Study
    records: list[TrialRecord]
    epoch: int | None = None

    @classmethod
    def of(cls, results: StoredSearch) -> "EvaluatedTrials":
        """Select the trials of a search."""
        records = [
            replace(record, config=record.config_of(record.best_epoch))
            for record in results.records
            if record.best_epoch and math.isfinite(record.val_accuracy)
        ]
        study = _study(
            results.study,
            {record.number: [record.val_accuracy] for record in records},
            {
                record.number: _parameters(record.config, results.space)
                for record in records
                if record.exploits
            },
        )
        return cls(results=results, study=study, records=records)

    @cached_property
    def at_best_stage(self) -> "EvaluatedTrials":
        """The trials that reached the stage of the best one; without stages, all trials.

        Accuracies on small images cannot be compared with those on large ones.
        """
        stage = self.ranked[0].stage
        own = [record for record in self.results.records if record.stage == stage]
        return EvaluatedTrials.of(replace(self.results, records=own)) if stage else self

    def at_last_epoch(self) -> "EvaluatedTrials":
        """Select the trials that reached the last epoch, with their accuracy after it."""
        last = last_epoch(self.results)
        records = [
            replace(record, val_accuracy=last.values[record.number])
            for record in self.records
            if math.isfinite(last.values.get(record.number, math.nan))
        ]
        values = {record.number: [record.val_accuracy] for record in records}
        study = _study(self.results.study, values)
        return EvaluatedTrials(self.results, study, records, last.epoch)

    @cached_property
    def ranked(self) -> list[TrialRecord]:
        """The records, best first."""
        return by_rank(self.records)

    @property
    def best_quarter(self) -> list[TrialRecord]:
        """The best quarter of the records, but at least three if there are as many."""
        return self.ranked[: max(MIN_BEST, len(self.records) // BEST_SHARE)]

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Distributions of the parameters that vary between the trials."""
        found: dict[str, BaseDistribution] = {}
        for trial in _complete(self.study):
            for name, distribution in trial.distributions.items():
                found.setdefault(name, distribution)
        return {
            name: found[name]
            for name in self.results.space.parameter_names
            if name in found and len(set(self.values(name))) > 1
        }

    @property
    def shared(self) -> list[str]:
        """The parameters that vary and that every trial has, whatever its other values."""
        return [
            name
            for name in self.distributions
            if all(name in record.config for record in self.records)
        ]

    @cached_property
    def importances(self) -> list[Importance]:
        """Importances of the shared parameters after the common epoch, the largest first.

        Parameters that act over a whole training are left out before the last epoch.

        Raises:
            CannotDrawError: There are too few trials, or too few parameters vary.
        """
        compared = common_epoch(self.results)
        values = {} if compared is None else compared.values
        trials = [
            trial
            for trial in self.results.study.get_trials(deepcopy=False)
            if math.isfinite(values.get(trial.number, math.nan))
        ]
        if compared is None or len(trials) < MIN_FOR_IMPORTANCES:
            raise CannotDrawError(
                f"shares of the variance from fewer than {MIN_FOR_IMPORTANCES} trials are mostly"
                f" noise, and {len(trials)} can be compared at one epoch"
            )
        if len({values[trial.number] for trial in trials}) == 1:
            raise CannotDrawError(
                f"after epoch {compared.epoch} all trials have the same {METRIC}"
            )
        names = [
            name
            for name in self.results.space.parameter_names
            if all(name in trial.params for trial in trials)
            and len({trial.params[name] for trial in trials}) > 1
            and (compared.epoch == self.max_epochs or not hyperparameter(name).whole_training)
        ]
        if len(names) < 2:
            raise CannotDrawError("fewer than 2 parameters vary that every trial has")
        return estimate_importances(trials, [values[trial.number] for trial in trials], names)

    @property
    def max_epochs(self) -> int:
        """Last epoch of a trial that is not stopped early."""
        return self.results.options.max_epochs

    def values(self, name: str) -> list[Any]:
        """Return the values of a parameter, of the trials that have it."""
        return [record.config[name] for record in self.records if name in record.config]

    def require(self, least: int, parameters: int = 0) -> None:
        """Check that there is something to compare.

        Args:
            least: Number of trials needed.
            parameters: Number of parameters needed that vary and that every trial has.

        Raises:
            CannotDrawError: There are fewer.
        """
        if not self.records:
            raise CannotDrawError("no trial has finished an epoch")
        if len(self.records) < least:
            raise CannotDrawError(
                f"it takes {least} trials with a finished epoch, and there are {len(self.records)}"
            )
        if len(self.shared) < parameters:
            what = " and ".join(self.shared) if self.shared else "none"
            raise CannotDrawError(
                f"it takes {parameters} parameters that every trial has and that vary, and there"
                f" is {what}"
            )

    def require_differences(self) -> None:
        """Check that not all trials are equally good.

        Raises:
            CannotDrawError: All have the same accuracy.
        """
        if len({record.val_accuracy for record in self.records}) == 1:
            raise CannotDrawError(f"all trials have the same {METRIC}")

    def with_objectives(self) -> optuna.Study:
        """Return a study of the search's own complete trials, with all its objectives."""
        own = {record.number for record in self.results.records}
        return _study(
            self.results.study,
            {t.number: t.values for t in _complete(self.results.study) if t.number in own},
        )


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Suppress Optuna's messages about studies in memory and trials without a value."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def is_categorical(distribution: BaseDistribution) -> bool:
    """Return whether a parameter is categorical; its choices may be numbers."""
    return isinstance(distribution, CategoricalDistribution)


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _study(
    study: optuna.Study,
    values: dict[int, list[float]],
    changed: Mapping[int, _Parameters] = MappingProxyType({}),
) -> optuna.Study:
    """Copy a study into memory.

    Args:
        study: Study to copy.
        values: Values of the trials that become COMPLETE, by number. All others become FAIL.
        changed: Parameters and distributions that replace those of a trial, by number.
    """
    objectives = max(map(len, values.values()), default=1)
    evaluated = optuna.create_study(directions=study.directions[:objectives])
    evaluated.add_trials(
        _with_values(
            trial,
            values.get(trial.number),
            changed.get(trial.number, (trial.params, trial.distributions)),
        )
        for trial in study.get_trials(deepcopy=False)
    )
    return evaluated


def _with_values(
    trial: FrozenTrial, values: list[float] | None, parameters: _Parameters
) -> FrozenTrial:
    params, distributions = parameters
    return create_trial(
        state=TrialState.FAIL if values is None else TrialState.COMPLETE,
        values=values,
        params=params,
        distributions=distributions,
        intermediate_values={} if values is None else trial.intermediate_values,
    )


def _parameters(config: dict[str, Any], space: SearchSpace) -> _Parameters:
    params = {name: config[name] for name in space.parameters if name in config}
    return params, {name: space.parameters[name].distribution() for name in params}
