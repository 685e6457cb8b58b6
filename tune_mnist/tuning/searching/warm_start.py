"""Preparation of a new study: import of earlier trials, and the queue of the first trials."""

from collections.abc import Container, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tune_mnist.errors import UserError
from tune_mnist.tuning.recording.trial_attributes import EXPLOITS, PORTFOLIO, REDUCED
from tune_mnist.tuning.recording.trial_record import WARM_START_NAME
from tune_mnist.tuning.recording.trial_store import own_trials
from tune_mnist.tuning.searching.portfolio import Portfolio
from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.spaces.configurations import configuration_key, is_whole
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import STAGE
from tune_mnist.tuning.trials.reports import METRIC

MAX_TRIED_FIRST = 3
PREPARED = "prepared"
QUEUE = "queue"
"""Study attribute that contains the queued configurations."""

FIRST_OF_PORTFOLIO = "first_of_portfolio"
"""Study attribute that contains the queue index of the portfolio's first configuration."""

STAGES = "stages"
"""Study attribute that contains the cheaper stages of the trials."""


@dataclass(frozen=True)
class WarmStart:
    """Trials and configurations that a new search reuses from an earlier search.

    Attributes:
        name: Name of the earlier search.
        trials: Ended trials to import into the new study, reduced to the parameters that exist in
            the new space.
        configurations: Configurations to try first, the best one first.
    """

    name: str
    trials: tuple[FrozenTrial, ...]
    configurations: tuple[dict[str, Any], ...]

    def describe(self) -> str:
        """Describe in one line how a search uses the earlier search."""
        if self.trials:
            return f"{len(self.trials)} trials of {self.name} are imported and not run again"
        return (
            f"the best configurations of {self.name} are tried first; its accuracies are not"
            " imported, since they were measured with other options, data or networks"
        )


def select_trials(
    earlier: optuna.Study,
    directory: Path,
    space: SearchSpace,
    model: str | None,
    comparable: Container[str],
) -> WarmStart:
    """Select the trials and configurations that a new search reuses from an earlier search.

    A trial is imported with its results if its accuracy is comparable with those of the new
    search. Of all other trials, only the configurations are used, and the new search tries the
    best of them again. Trials of architectures outside the space are used only if there are no
    others, and then only as configurations.

    Args:
        earlier: Study of the earlier search.
        directory: Results folder of the earlier search.
        space: Search space of the new search.
        model: Architecture of the earlier search, or None if it was a parameter.
        comparable: Architectures whose accuracies were measured in the same way in both searches.
            Stages may differ, as this function compares them.

    Raises:
        UserError: No trial of the earlier search has a parameter value within the space.
    """
    fixed = {} if model is None else {MODEL: model}
    ended = [
        (trial, fixed | trial.params)
        for trial in earlier.get_trials(
            deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)
        )
        # The initial parameters of a trial with exploits do not explain its result.
        if EXPLOITS not in trial.user_attrs
    ]
    usable = [
        (trial, config) for trial, config in ended if _common(config, space).keys() - {MODEL}
    ]
    if not usable:
        raise UserError(
            f"--warm-start {directory}: no trial of this search has a parameter value that lies in"
            f" space {space.name}; use a search of a similar space"
        )
    of_space = [pair for pair in usable if pair[1].get(MODEL) in space.models]
    same_stages = earlier.user_attrs.get(STAGES) == _stages(space)
    taken = [
        (trial, config)
        for trial, config in of_space
        if same_stages and config[MODEL] in comparable
    ]
    whole = {trial.number for trial, config in taken if _is_whole(config, space)}
    best = of_space or usable
    best = [pair for pair in best if pair[0].state is TrialState.COMPLETE] or best
    best.sort(key=lambda pair: _value(pair[0]), reverse=True)
    wanted = [config for trial, config in best if trial.number not in whole]
    return WarmStart(
        directory.name,
        tuple(_copied(trial, config, space, directory.name) for trial, config in taken),
        tuple(_common(config, space) for config in wanted[:MAX_TRIED_FIRST]),
    )


def prepare_study(
    study: optuna.Study,
    space: SearchSpace,
    num_samples: int,
    warm_start: WarmStart | None,
    portfolio: Portfolio | None = None,
) -> None:
    """Import earlier trials into a new study, and queue the configurations to try first.

    The queue contains the best earlier configurations, then the baselines of the space, then the
    portfolio. A configuration is not queued if its trial was imported. If the driver was killed
    during this function, the next call completes the preparation.

    Args:
        study: Study without trials, or one whose preparation was interrupted.
        space: Search space.
        num_samples: Number of trials of the search, which is the maximum length of the queue.
        warm_start: Trials and configurations of an earlier search, or None if there is no warm
            start.
        portfolio: Portfolio of the space, or None if there is no portfolio.
    """
    if space.fidelity:
        study.set_user_attr(STAGES, _stages(space))
    queue = study.user_attrs.get(QUEUE)
    if queue is None:
        best = [] if warm_start is None else _import(study, warm_start)
        own = _distinct(best + _untried(space.baselines, study), space)
        found = portfolio.configurations if portfolio else ()
        queue = _distinct(own + _untried(found, study), space)[:num_samples]
        study.set_user_attr(FIRST_OF_PORTFOLIO, len(own))
        # A resumed search completes this queue, although the earlier search may have changed.
        study.set_user_attr(QUEUE, queue)
    first = study.user_attrs.get(FIRST_OF_PORTFOLIO, len(queue))
    for number in range(len(own_trials(study)), len(queue)):
        marks = {PORTFOLIO: True} if number >= first else None
        study.enqueue_trial(queue[number], user_attrs=marks)
    study.set_user_attr(PREPARED, True)


def is_prepared(study: optuna.Study) -> bool:
    """Return whether :func:`prepare_study` has been completed for a study."""
    return bool(study.user_attrs.get(PREPARED))


def _untried(
    configurations: Iterable[dict[str, Any]], study: optuna.Study
) -> list[dict[str, Any]]:
    """Return the configurations that no imported trial has tried."""
    tried = [
        trial.params
        for trial in study.get_trials(deepcopy=False)
        if not trial.user_attrs.get(REDUCED)
    ]
    return [
        configuration
        for configuration in configurations
        if not any(configuration.items() <= parameters.items() for parameters in tried)
    ]


def _distinct(queue: list[dict[str, Any]], space: SearchSpace) -> list[dict[str, Any]]:
    """Return the configurations without duplicates of complete configurations."""
    kept: dict[Hashable, dict[str, Any]] = {}
    for index, parameters in enumerate(queue):
        whole = is_whole(space, parameters)
        kept.setdefault(configuration_key(space, parameters) if whole else index, parameters)
    return list(kept.values())


def _import(study: optuna.Study, warm_start: WarmStart) -> list[dict[str, Any]]:
    """Add the earlier trials to the study, and return the configurations to queue."""
    # A killed driver may have imported some of the trials.
    known = {trial.user_attrs.get(WARM_START_NAME) for trial in study.get_trials(deepcopy=False)}
    for trial in warm_start.trials:
        if trial.user_attrs[WARM_START_NAME] not in known:
            study.add_trial(trial)
    return list(warm_start.configurations)


def _stages(space: SearchSpace) -> list[dict[str, Any]] | None:
    """Return the stages of a space in the form in which a study stores them."""
    return [stage.model_dump() for stage in space.fidelity] or None


def _copied(
    trial: FrozenTrial, config: dict[str, Any], space: SearchSpace, name: str
) -> FrozenTrial:
    parameters = _common(config, space)
    marks = {} if _is_whole(config, space) else {REDUCED: True}
    return optuna.trial.create_trial(
        state=trial.state,
        values=trial.values,
        params=parameters,
        distributions={key: space.parameters[key].distribution() for key in parameters},
        intermediate_values=trial.intermediate_values,
        user_attrs={WARM_START_NAME: f"{name} #{trial.number}"} | marks,
    )


def _common(config: dict[str, Any], space: SearchSpace) -> dict[str, Any]:
    return {
        name: value
        for name, value in config.items()
        if name in space.parameters and space.parameters[name].contains(value)
    }


def _is_whole(config: dict[str, Any], space: SearchSpace) -> bool:
    """Return whether the space contains all parameter values of a configuration.

    A parameter whose condition does not hold in the space would not be trained with its value.
    """
    common = _common(config, space)
    return all(name in common and space.exists(name, common) for name in config.keys() - {MODEL})


def _value(trial: FrozenTrial) -> tuple[int, float]:
    progress = trial.user_attrs.get("progress", {})
    if trial.values:
        best = float(trial.values[0])
    else:
        best = max(trial.intermediate_values.values(), default=0.0)
    return progress.get(STAGE, 0), progress.get(METRIC, best)
