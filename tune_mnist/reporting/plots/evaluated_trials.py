"""The trials that can be compared: those that have finished an epoch, however they ended.

Optuna's plots look at COMPLETE trials only. After a search that stops the poor ones early these
are few, and the best of them: what made a trial poor could not be seen. So the plots get a study
in memory in which each trial counts by its best validation accuracy.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

from tune_mnist.reporting.plots.plot import CannotDrawError
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.recording.trial_record import TrialRecord, by_rank
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC

BEST_SHARE = 4
"""The best quarter is what is looked at for what good trials have in common."""

MIN_BEST = 3
_FOREST_SEED = 0
_Parameters = tuple[dict[str, Any], dict[str, BaseDistribution]]


@dataclass(frozen=True)
class EvaluatedTrials:
    """The trials of a search that have finished an epoch.

    Attributes:
        results: of the search.
        study: the same numbers; those trials as COMPLETE, with their best validation accuracy as
            value, all others, and those taken over from another search, as FAIL.
        records: in the order of their numbers; ``config`` is what the best epoch was trained with.
    """

    results: StoredSearch
    study: optuna.Study
    records: list[TrialRecord]

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

    def at_best_stage(self) -> "EvaluatedTrials":
        """Select the trials that came as far as the best: without stages, all of them.

        Accuracies on small images do not compare with those on large ones.
        """
        stage = self.ranked[0].stage
        own = [record for record in self.results.records if record.stage == stage]
        return EvaluatedTrials.of(replace(self.results, records=own)) if stage else self

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
        """What each parameter was drawn from, of those that differ between two of the trials."""
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
        """The parameters that vary and that every trial has: no condition decides over them."""
        return [
            name
            for name in self.distributions
            if all(name in record.config for record in self.records)
        ]

    @cached_property
    def importances(self) -> dict[str, float]:
        """How much of the variance each shared parameter explains (fANOVA), the most first."""
        return optuna.importance.get_param_importances(
            self.on_log_scale(), evaluator=fanova(), params=self.shared, target=value_of
        )

    def values(self, name: str) -> list[Any]:
        """Return the values of a parameter in the trials that have it."""
        return [record.config[name] for record in self.records if name in record.config]

    def require(self, least: int, parameters: int = 0) -> None:
        """See that there is something to compare.

        Args:
            least: how many trials there must be.
            parameters: how many parameters that all trials have must vary.

        Raises:
            CannotDrawError: there is not; says why.
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
        """See that not all trials are equally good.

        Raises:
            CannotDrawError: they are.
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

    def on_log_scale(self) -> optuna.Study:
        """Return the study with the parameters that are searched by their logarithm as such.

        Optuna's fANOVA weighs the values of a parameter evenly, not as they were searched: of a
        learning rate from 1e-5 to 1e-1 it would see the last decade only.
        """
        study = optuna.create_study(direction="maximize")
        for trial in _complete(self.study):
            params, distributions = {}, {}
            for name, value in trial.params.items():
                params[name], distributions[name] = _log10(value, trial.distributions[name])
            study.add_trial(
                create_trial(value=trial.value, params=params, distributions=distributions)
            )
        return study


def fanova() -> FanovaImportanceEvaluator:
    """Return the judge of the parameters' importance, whose forest is the same every time."""
    return FanovaImportanceEvaluator(seed=_FOREST_SEED)


def value_of(trial: FrozenTrial) -> float:
    """Return what a trial of a study in memory counts by."""
    assert trial.value is not None  # noqa: S101 - only trials with a value are asked
    return trial.value


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from reporting each study in memory, and each trial without a value."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def is_categorical(distribution: BaseDistribution) -> bool:
    """Tell whether a parameter is a choice, be it among numbers."""
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
        study: what to copy.
        values: of the trials that become COMPLETE, by number; all others become FAIL.
        changed: parameters that a trial has come to, in the place of those it began with.
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


def _log10(value: Any, distribution: BaseDistribution) -> tuple[Any, BaseDistribution]:
    if not isinstance(distribution, FloatDistribution | IntDistribution) or not distribution.log:
        return value, distribution
    low, high = math.log10(distribution.low), math.log10(distribution.high)
    return min(max(math.log10(value), low), high), FloatDistribution(low, high)
