"""Record of the configurations that a search has tried, and of those that are left."""

from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property
from typing import Any

import optuna

from tune_mnist.tuning.recording.trial_attributes import REDUCED
from tune_mnist.tuning.spaces.configurations import (
    configuration_key,
    is_whole,
    list_configurations,
)
from tune_mnist.tuning.spaces.space import SearchSpace


class TriedConfigurations:
    """Configurations that have been tried in a study.

    Two configurations are equal if they have the same `configuration_key`. An imported trial is
    ignored if its configuration had a parameter that the space lacks, because its result depends
    on this parameter, too.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._known: set[int] = set()
        """Numbers of the trials whose configuration can no longer change."""
        self._settled = 0
        """Lowest trial number that is not known."""
        self._first: dict[tuple[Hashable, ...], int] = {}
        """Lowest number of the trials with a configuration, keyed by `configuration_key`."""

    def update(self, study: optuna.Study) -> None:
        """Add the trials that have been drawn in a study since the last call."""
        trials = study.get_trials(deepcopy=False)
        while self._settled in self._known:
            self._settled += 1
        for trial in trials[self._settled :]:
            if trial.number in self._known:
                continue
            if trial.user_attrs.get(REDUCED):
                self._known.add(trial.number)
                continue
            whole = bool(trial.params) and is_whole(self._space, trial.params)
            if whole:
                key = configuration_key(self._space, trial.params)
                self._first[key] = min(trial.number, self._first.get(key, trial.number))
            if whole or trial.state.is_finished():
                self._known.add(trial.number)

    def has(self, parameters: Mapping[str, Any], before: int) -> bool:
        """Return whether an earlier trial has the same configuration.

        Args:
            parameters: Configuration to look for: parameter values, keyed by parameter name.
            before: Number of the current trial. Only trials with lower numbers are considered.
        """
        return self._first.get(configuration_key(self._space, parameters), before) < before

    def count_untried(self) -> int | None:
        """Return the number of configurations without a trial. None if too many to list."""
        untried = 0
        for listed in self._all.values():
            if listed is None:
                return None
            untried += len(listed.keys() - self._first.keys())
        return untried

    def exhausted_models(self) -> frozenset[str]:
        """Return the architectures whose configurations have all been tried."""
        return frozenset(
            model
            for model, listed in self._all.items()
            if listed is not None and all(key in self._first for key in listed)
        )

    def untried(self, fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the untried configurations of the architectures with few enough to list.

        Args:
            fixed: Parameter values that the configurations must have, keyed by parameter name.
        """
        for listed in self._all.values():
            for key, parameters in (listed or {}).items():
                if key not in self._first and fixed.items() <= parameters.items():
                    yield parameters

    @cached_property
    def _all(self) -> dict[str, dict[tuple[Hashable, ...], dict[str, Any]] | None]:
        """All configurations, keyed by architecture and `configuration_key`.

        The value is None for an architecture with too many configurations to list.
        """
        return {model: self._listed(model) for model in self._space.models}

    def _listed(self, model: str) -> dict[tuple[Hashable, ...], dict[str, Any]] | None:
        listed = list_configurations(self._space, model)
        if listed is None:
            return None
        return {configuration_key(self._space, each): each for each in listed}
