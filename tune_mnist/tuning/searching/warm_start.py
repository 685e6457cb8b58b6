"""Preparation of a new study: trials of an earlier search, and the queue of first trials."""

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
"""User attribute of a study: the queued configurations."""

FIRST_OF_PORTFOLIO = "first_of_portfolio"
"""User attribute of a study: index of the portfolio's first configuration in the queue."""

STAGES = "stages"
"""User attribute of a study: the cheaper stages of its trials."""


@dataclass(frozen=True)
class WarmStart:
    """Trials and configurations that a new search reuses from an earlier one.

    Attributes:
        name: Name of the earlier search.
        trials: Ended trials to import, with the parameters that exist in the new space.
        configurations: Configurations to queue, best first.
    """

    name: str
    trials: tuple[FrozenTrial, ...]
    configurations: tuple[dict[str, Any], ...]


def select_trials(
    earlier: optuna.Study,
    directory: Path,
    space: SearchSpace,
    model: str | None,
    comparable: Container[str],
) -> WarmStart:
    """Select the trials and configurations that a new search reuses from an earlier one.

    Trials of architectures outside the space are used only if there are no others, and then only
    as configurations to queue.

    Args:
        earlier: Study of the earlier search.
        directory: Results folder of the earlier search.
        space: Search space of the new search.
        model: Architecture of the earlier search, if its space fixed one.
        comparable: Architectures whose earlier accuracies were measured in the same way as those
            of the new search, apart from stages, which are compared here.

    Raises:
        UserError: No trial of the earlier search has a parameter of the space.
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
            f"--warm-start {directory}: none of its trials has a parameter, with its value, in"
            f" common with the space {space.name}"
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
    """Fill a new study with imported trials and the queue.

    The queue holds the best earlier configurations, then the baselines of the space, then the
    portfolio. A configuration whose trial was imported is not queued. If the driver was killed in
    this function, the next run completes the preparation.

    Args:
        study: Study without trials, or with a part of the imported ones.
        space: Search space.
        num_samples: Maximum length of the queue, the number of trials of the search.
        warm_start: Trials and configurations of an earlier search, or None.
        portfolio: Portfolio of the space, or None.
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
    """Return whether :func:`prepare_study` has completed in this study."""
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
    """Return the configurations without duplicates; incomplete ones are never duplicates."""
    kept: dict[Hashable, dict[str, Any]] = {}
    for index, parameters in enumerate(queue):
        whole = is_whole(space, parameters)
        kept.setdefault(configuration_key(space, parameters) if whole else index, parameters)
    return list(kept.values())


def _import(study: optuna.Study, warm_start: WarmStart) -> list[dict[str, Any]]:
    """Add the earlier trials to the study; return the configurations to queue."""
    # A killed driver may have imported some of them.
    known = {trial.user_attrs.get(WARM_START_NAME) for trial in study.get_trials(deepcopy=False)}
    for trial in warm_start.trials:
        if trial.user_attrs[WARM_START_NAME] not in known:
            study.add_trial(trial)
    return list(warm_start.configurations)


def _stages(space: SearchSpace) -> list[dict[str, Any]] | None:
    """Return the stages of a space as a study stores them; None: it has none."""
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
    """Return whether the space has all parameters of a configuration of one of its models.

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
