"""Trials of a search that have finished an epoch, prepared for the plots."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution

from tune_mnist.reporting.common_epoch import CommonEpoch, common_epoch, last_epoch
from tune_mnist.reporting.importances import Importance, estimate_importances
from tune_mnist.reporting.plots.plot import CannotDrawError
from tune_mnist.reporting.plots.study_copy import Parameters, complete_trials, with_values
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.training import hyperparameter
from tune_mnist.tuning.recording.trial_record import TrialRecord, by_rank
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC

BEST_SHARE = 4
"""The best trials, whose hyperparameters the sentences summarize, are one in this many."""

MIN_BEST = 3
MIN_FOR_IMPORTANCES = 50
"""Minimum number of trials for importances; from fewer trials, they are mostly noise."""


@dataclass(frozen=True)
class EvaluatedTrials:
    """Trials of a search that have finished an epoch, with the accuracies to compare them by.

    Attributes:
        results: Search that the trials belong to.
        study: Copy of the study in memory, with the same trial numbers. The evaluated trials are
            COMPLETE with the accuracy to compare. All other trials, including those imported from
            another search, are FAIL.
        records: Records of the trials, ordered by number. ``val_accuracy`` is the accuracy to
            compare, and ``config`` the configuration at the epoch of this accuracy.
        epoch: Epoch after which the accuracies were measured. None if each trial is represented by
            its best epoch.
        diverged: Records of the diverged trials, which count as the worst in a comparison after
            one epoch. Their ``val_accuracy`` is minus infinity. Empty if ``epoch`` is None.
    """

    results: StoredSearch
    study: optuna.Study
    records: list[TrialRecord]
    epoch: int | None = None
    diverged: list[TrialRecord] = field(default_factory=list)

    @classmethod
    def of(cls, results: StoredSearch) -> "EvaluatedTrials":
        """Select the trials of a search that have finished an epoch."""
        records = [
            replace(record, config=record.config_of(record.best_epoch))
            for record in results.records
            if record.best_epoch and math.isfinite(record.val_accuracy)
        ]
        values = {record.number: [record.val_accuracy] for record in records}
        changed = {
            record.number: _parameters(record.config, results.space)
            for record in records
            if record.exploits
        }
        return cls(results, with_values(results.study, values, changed), records)

    @cached_property
    def at_best_stage(self) -> "EvaluatedTrials":
        """Trials that reached the stage of the best trial, or all trials if there are no stages.

        Accuracies measured on small images are not comparable with those measured on large images.
        """
        stage = self.ranked[0].stage
        own = [record for record in self.results.records if record.stage == stage]
        return EvaluatedTrials.of(replace(self.results, records=own)) if stage else self

    def at_last_epoch(self) -> "EvaluatedTrials":
        """Return only the trials that reached the last epoch, with their accuracy after it."""
        return self._after(last_epoch(self.results))

    @cached_property
    def at_common_epoch(self) -> "EvaluatedTrials":
        """Trials with their accuracy after the last epoch that all of them reached.

        Comparing each trial by its own best epoch would favour the hyperparameters of the trials
        that the scheduler trained for longer. With several objectives, no trial is stopped early,
        and the study has no accuracies of single epochs: each trial keeps its best epoch.

        Raises:
            CannotDrawError: All trials with a finished epoch have diverged.
        """
        if len(self.results.options.directions) > 1:
            return self
        compared = common_epoch(self.results)
        if compared is None:
            raise CannotDrawError("no trial has finished an epoch without diverging")
        return self._after(compared)

    def _after(self, compared: CommonEpoch) -> "EvaluatedTrials":
        """Return the trials that reached an epoch, with their accuracy and settings in it."""
        records = [
            replace(
                record,
                config=record.config_of(compared.epoch),
                val_accuracy=compared.values[record.number],
            )
            for record in self.results.records
            if record.number in compared.values
        ]
        reached = [record for record in records if math.isfinite(record.val_accuracy)]
        diverged = [record for record in records if not math.isfinite(record.val_accuracy)]
        values = {record.number: [record.val_accuracy] for record in reached}
        study = with_values(self.results.study, values)
        return EvaluatedTrials(self.results, study, reached, compared.epoch, diverged)

    @property
    def when(self) -> str:
        """The epochs by which the trials are compared as text, such as ``after epoch 3``."""
        return f"after epoch {self.epoch}" if self.epoch else "at their best epochs"

    @cached_property
    def ranked(self) -> list[TrialRecord]:
        """The records of the trials, best first."""
        return by_rank(self.records)

    @property
    def best_quarter(self) -> list[TrialRecord]:
        """Records of the best quarter of the trials, or of three trials if a quarter is fewer."""
        return self.ranked[: max(MIN_BEST, len(self.records) // BEST_SHARE)]

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Distributions of the parameters that vary between the trials, keyed by name."""
        found: dict[str, BaseDistribution] = {}
        for trial in complete_trials(self.study):
            found = trial.distributions | found
        return {
            name: found[name]
            for name in self.results.space.parameter_names
            if name in found and len(set(self.values(name))) > 1
        }

    def is_categorical(self, name: str) -> bool:
        """Return whether a parameter is categorical, even if its choices are numbers."""
        return isinstance(self.distributions[name], CategoricalDistribution)

    @property
    def shared(self) -> list[str]:
        """Names of the parameters that every trial has and that vary between the trials."""
        return [
            name
            for name in self.distributions
            if all(name in record.config for record in self.records)
        ]

    @cached_property
    def importances(self) -> list[Importance]:
        """Importance of each parameter for the accuracy, the most important parameter first.

        Only parameters that every trial has are included, and accuracies are compared after the
        same epoch. If this is not the last epoch, parameters that take effect over a whole
        training, such as a learning rate schedule, are left out.

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
                f" noise, and only {len(trials)} can be compared at the same epoch"
            )
        if len({values[trial.number] for trial in trials}) == 1:
            raise CannotDrawError(
                f"after epoch {compared.epoch} all trials have the same {METRIC}"
            )
        at_end = compared.epoch == self.results.options.max_epochs
        names = [
            name
            for name in self.results.space.parameter_names
            if all(name in trial.params for trial in trials)
            and len({trial.params[name] for trial in trials}) > 1
            and (at_end or not hyperparameter(name).whole_training)
        ]
        if len(names) < 2:
            raise CannotDrawError("fewer than 2 parameters vary and exist in every trial")
        return estimate_importances(trials, [values[trial.number] for trial in trials], names)

    def values(self, name: str) -> list[Any]:
        """Return the values of a parameter in all trials that have the parameter."""
        return [record.config[name] for record in self.records if name in record.config]

    def require(self, least: int, parameters: int = 0) -> None:
        """Check that there are enough trials and parameters to draw a plot.

        Args:
            least: Minimum number of trials.
            parameters: Minimum number of parameters that every trial has and that vary.

        Raises:
            CannotDrawError: There are too few trials or parameters.
        """
        if not self.records:
            raise CannotDrawError("no trial has finished an epoch")
        if len(self.records) < least:
            which = f"that reached epoch {self.epoch}" if self.epoch else "with a finished epoch"
            raise CannotDrawError(
                f"at least {least} trials {which} are needed, but there are only"
                f" {len(self.records)}"
            )
        if len(self.shared) < parameters:
            what = f"only {' and '.join(self.shared)}" if self.shared else "none"
            raise CannotDrawError(
                f"at least {parameters} parameters that vary and that every trial has are needed,"
                f" but there is {what}"
            )

    def require_differences(self) -> None:
        """Check that not all trials have the same accuracy.

        Raises:
            CannotDrawError: All trials have the same accuracy.
        """
        if len({record.val_accuracy for record in self.records}) == 1:
            raise CannotDrawError(f"all trials have the same {METRIC}")

    def with_objectives(self) -> optuna.Study:
        """Return a copy of the study with all objectives, without trials from other searches."""
        own = {record.number for record in self.results.records}
        complete = complete_trials(self.results.study)
        return with_values(
            self.results.study,
            {trial.number: trial.values for trial in complete if trial.number in own},
        )


def _parameters(config: dict[str, Any], space: SearchSpace) -> Parameters:
    params = {name: config[name] for name in space.parameters if name in config}
    return params, {name: space.parameters[name].distribution() for name in params}
