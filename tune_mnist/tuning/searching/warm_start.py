"""What goes into a fresh study: the trials of an earlier search, and what to try first."""

from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tune_mnist.errors import UserError
from tune_mnist.tuning.recording.study import load_study
from tune_mnist.tuning.recording.trial_attributes import EXPLOITS
from tune_mnist.tuning.recording.trial_record import WARM_START_NAME
from tune_mnist.tuning.recording.trial_store import own_trials
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import STAGE
from tune_mnist.tuning.trials.reports import METRIC

BEST = 3
PREPARED = "prepared"
QUEUE = "queue"
"""User attribute of a study: the configurations that are to be tried first."""

STAGES = "stages"
"""User attribute of a study whose trials go through cheaper stages: which."""


def prepare_study(
    study: optuna.Study,
    space: SearchSpace,
    num_samples: int,
    earlier: Path | None,
    *,
    values_compare: bool = True,
) -> None:
    """Fill a fresh study: earlier trials to learn from, then what is to be tried first.

    First come the best of the earlier trials, then the space's baselines. An earlier trial whose
    value was imported is not run again. If the driver was killed during the import, the next run
    completes it.

    Args:
        study: Study without trials, or with a part of the imported ones.
        space: Search space.
        num_samples: Number of trials of the search; no more are put into the queue.
        earlier: Results folder of another search, or None.
        values_compare: Whether the accuracies of the other search were measured as this one's
            will be; if not, only its best configurations are tried.

    Raises:
        UserError: the folder holds no study, or one that has no parameter in common.
    """
    if space.fidelity:
        study.set_user_attr(STAGES, [stage.model_dump() for stage in space.fidelity])
    queue = study.user_attrs.get(QUEUE)
    if queue is None:
        best = [] if earlier is None else _import(study, space, earlier, values_compare)
        queue = (best + _untried(space, study))[:num_samples]
        # A killed driver's part is completed by it, though the earlier search may have gone on.
        study.set_user_attr(QUEUE, queue)
    for parameters in queue[len(own_trials(study)) :]:
        study.enqueue_trial(parameters)
    study.set_user_attr(PREPARED, True)


def _untried(space: SearchSpace, study: optuna.Study) -> list[dict[str, Any]]:
    """Return the space's baselines that no trial taken over has tried."""
    tried = [trial.params for trial in study.get_trials(deepcopy=False)]
    return [
        baseline
        for baseline in space.baselines
        if not any(baseline.items() <= parameters.items() for parameters in tried)
    ]


def is_prepared(study: optuna.Study) -> bool:
    """Return whether :meth:`prepare` has come to its end in this study."""
    return bool(study.user_attrs.get(PREPARED))


def find_usable(space: SearchSpace, earlier: Path) -> list[FrozenTrial]:
    """Return the ended trials of an earlier search that have a parameter of this space.

    Raises:
        UserError: the folder holds no study, or one that has no parameter in common.
    """
    ended = load_study(earlier).get_trials(
        deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)
    )
    # A trial with exploits did not get its result with the parameters that it began with.
    usable = [
        trial for trial in ended if EXPLOITS not in trial.user_attrs and _common(trial, space)
    ]
    if not usable:
        raise UserError(
            f"--warm-start {earlier}: none of its trials has a parameter, with its value, in"
            f" common with the space {space.name}"
        )
    return usable


def _import(
    study: optuna.Study, space: SearchSpace, earlier: Path, values_compare: bool
) -> list[dict[str, Any]]:
    """Copy the ended trials, as far as their parameters exist here; return the best to try."""
    usable = find_usable(space, earlier)
    # Numbers of another objective, of other stages, or measured in another way would mislead; the
    # parameters of its best trials do not.
    before = load_study(earlier)
    same_objectives = (before.metric_names, before.directions) == (
        study.metric_names,
        study.directions,
    )
    same_stages = before.user_attrs.get(STAGES) == study.user_attrs.get(STAGES)
    alike = values_compare and same_objectives and same_stages
    if alike:
        # The part that a killed driver has left is told by its marks.
        known = {
            trial.user_attrs.get(WARM_START_NAME) for trial in study.get_trials(deepcopy=False)
        }
        for trial in usable:
            if _mark(trial, earlier) not in known:
                study.add_trial(_copied(trial, space, earlier))
    best = [trial for trial in usable if trial.state is TrialState.COMPLETE] or usable
    best.sort(key=_value, reverse=True)
    wanted = [trial for trial in best if not alike or _common(trial, space) != trial.params]
    return [_common(trial, space) for trial in wanted[:BEST]]


def _copied(trial: FrozenTrial, space: SearchSpace, earlier: Path) -> FrozenTrial:
    parameters = _common(trial, space)
    return optuna.trial.create_trial(
        state=trial.state,
        values=trial.values,
        params=parameters,
        distributions={name: space.parameters[name].distribution() for name in parameters},
        intermediate_values=trial.intermediate_values,
        user_attrs={WARM_START_NAME: _mark(trial, earlier)},
    )


def _mark(trial: FrozenTrial, earlier: Path) -> str:
    return f"{earlier.name} #{trial.number}"


def _common(trial: FrozenTrial, space: SearchSpace) -> dict[str, Any]:
    return {
        name: value
        for name, value in trial.params.items()
        if name in space.parameters and space.parameters[name].contains(value)
    }


def _value(trial: FrozenTrial) -> tuple[int, float]:
    progress = trial.user_attrs.get("progress", {})
    if trial.values:
        best = float(trial.values[0])
    else:
        best = max(trial.intermediate_values.values(), default=0.0)
    return progress.get(STAGE, 0), progress.get(METRIC, best)
