"""Copies of a study in memory, with other values of the trials.

Optuna's plots show only COMPLETE trials. After a search with early stopping, only a few good
trials are COMPLETE, so the plots could not show what makes a trial poor. The plots therefore use a
copy of the study in which each trial to draw is COMPLETE.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

Parameters = tuple[dict[str, Any], dict[str, BaseDistribution]]
"""Parameters of a trial and their distributions, keyed by name."""


def complete_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the COMPLETE trials of a study, which must not be changed."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def with_values(
    study: optuna.Study,
    values: Mapping[int, list[float]],
    changed: Mapping[int, Parameters] = MappingProxyType({}),
) -> optuna.Study:
    """Create a copy of a study in memory, with other values and parameters.

    Args:
        study: Study to copy. Trials keep their numbers.
        values: Values of the trials that become COMPLETE, keyed by number. All other trials become
            FAIL.
        changed: Parameters and distributions that replace those of a trial, keyed by number.
    """
    objectives = max(map(len, values.values()), default=1)
    copy = optuna.create_study(directions=study.directions[:objectives])
    for trial in study.get_trials(deepcopy=False):
        params, distributions = changed.get(trial.number, (trial.params, trial.distributions))
        drawn = trial.number in values
        copy.add_trial(
            create_trial(
                state=TrialState.COMPLETE if drawn else TrialState.FAIL,
                values=values.get(trial.number),
                params=params,
                distributions=distributions,
                intermediate_values=trial.intermediate_values if drawn else {},
            )
        )
    return copy
