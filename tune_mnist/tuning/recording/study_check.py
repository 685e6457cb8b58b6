"""Checks that a study was written by a search, and that it belongs to a given search."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter, ValidationError

from tune_mnist.errors import UserError
from tune_mnist.quoting import quoted
from tune_mnist.stored_values import Scalar
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.recording.trial_attributes import EXPLOITS
from tune_mnist.tuning.recording.trial_record import WARM_START_NAME
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import OBJECTIVES

_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
_RELATIVE = TypeAdapter(dict[str, Scalar])
_CHUNKED = ("tpe:relative_params:", "gp:relative_params:")
"""Key prefixes under which Optuna's samplers store parameters sampled together for a trial."""


def check_well_formed(study: optuna.Study, path: Path) -> None:
    """Check that a search can have written the objectives and values of a study.

    Args:
        study: Study that was read from a journal by :class:`JournalFile`.
        path: Path of the journal, for error messages.

    Raises:
        UserError: An objective or a value of a trial is invalid.
    """
    try:
        _check_directions(study)
        trials = study.get_trials(deepcopy=False)
        for trial in trials:
            _check_numbers(trial, len(study.directions), len(trials))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def check_belongs(
    study: optuna.Study,
    space: SearchSpace,
    directions: Mapping[str, str],
    max_epochs: int,
    path: Path,
) -> None:
    """Check that the trials of a study match the space, objectives and epochs of a search.

    Args:
        study: Study that has passed :func:`check_well_formed`.
        space: Search space.
        directions: ``max`` or ``min`` for each objective of the search, in order.
        max_epochs: Maximum epochs per trial.
        path: Path of the journal, for error messages.

    Raises:
        UserError: The study has other objectives, the parameters of a trial do not match the
            space, or a trial has more than ``max_epochs`` epochs.
    """
    try:
        wanted = [_DIRECTIONS[way] for way in directions.values()]
        if study.directions != wanted:
            raise UserError(
                f"the study optimizes {_directions(study)}, but the objectives of the search are"
                f" {','.join(directions)}"
            )
        for number, parameters in enumerate(study.user_attrs.get("queue", []), start=1):
            _check_fixed(parameters, space, f"queue[{number}]")
        distributions = {name: kind.distribution() for name, kind in space.parameters.items()}
        for trial in study.get_trials(deepcopy=False):
            _check_parameters(trial, space, distributions)
            _check_exploits(trial)
            _check_epochs(trial, max_epochs)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _check_directions(study: optuna.Study) -> None:
    names = study.metric_names
    if names is None:  # the driver was killed before they were written
        if study.directions[0] is not StudyDirection.MAXIMIZE:
            raise UserError(
                f"the study optimizes {_directions(study)}, but the first objective of a search"
                " is to maximize val_accuracy"
            )
        return
    wanted = [_DIRECTIONS.get(OBJECTIVES.get(name, "")) for name in names]
    if study.directions != wanted:
        raise UserError(
            f"the study optimizes {_directions(study)} ({quoted(', '.join(names))}), but a"
            " search can only optimize"
            f" {', '.join(f'{name} ({way})' for name, way in OBJECTIVES.items())}"
        )


def _directions(study: optuna.Study) -> str:
    return ",".join(direction.name.lower() for direction in study.directions)


def _check_numbers(trial: FrozenTrial, objectives: int, trials: int) -> None:
    place = f"trial {trial.number}"
    values = trial.values
    if trial.state is TrialState.COMPLETE and (values is None or len(values) != objectives):
        raise UserError(
            f"{place} is complete, so it must have {objectives} values, but has"
            f" {len(values or ())}"
        )
    for accuracy in (*trial.intermediate_values.values(), *(values or ())[:1]):
        if not 0 <= accuracy <= 1:
            raise UserError(
                f"{place}: a value must be an accuracy from 0 to 1, but is {accuracy:g}"
            )
    if any(step < 1 for step in trial.intermediate_values):
        raise UserError(f"{place} has a value at step 0, but epochs count from 1")
    progress = trial.user_attrs.get("progress")
    if progress and progress["best_epoch"] > progress["epochs"]:
        raise UserError(
            f"{place}: progress.best_epoch must be at most progress.epochs"
            f" ({progress['epochs']}), but is {progress['best_epoch']}"
        )
    for exploit in trial.user_attrs.get(EXPLOITS, []):
        if exploit["donor"] >= trials:
            raise UserError(
                f"{place}: an exploit takes its weights from trial {exploit['donor']}, but there"
                " is no such trial"
            )


def _check_parameters(trial: FrozenTrial, space: SearchSpace, distributions: Any) -> None:
    place = f"trial {trial.number}"
    for name, distribution in trial.distributions.items():
        if name not in distributions:
            raise UserError(f"{place}: parameter {quoted(name)} is not in the search space")
        if distribution != distributions[name]:
            raise UserError(
                f"{place}: {name} was drawn from another distribution than the"
                f" {space.parameters[name]} of the search space, so the journal belongs to"
                " another search"
            )
    _check_fixed(trial.system_attrs.get("fixed_params", {}), space, place)
    _check_fixed(_drawn_together(trial, place), space, place)
    begun = trial.state.is_finished() or "progress" in trial.user_attrs
    if not begun or WARM_START_NAME in trial.user_attrs:
        return
    for name in space.parameters:
        if space.exists(name, trial.params) != (name in trial.params):
            if name in trial.params:
                raise UserError(
                    f"{place} has the parameter {name}, although its condition does not hold"
                )
            raise UserError(f"{place} lacks the parameter {name}, which the search space requires")


def _check_fixed(parameters: Mapping[str, Any], space: SearchSpace, place: str) -> None:
    for name, value in parameters.items():
        if name in space.parameters and not space.parameters[name].contains(value):
            raise UserError(
                f"{place}: {quoted(name)} is {quoted(value)}, which is outside the search space"
            )


def _drawn_together(trial: FrozenTrial, place: str) -> dict[str, Any]:
    """Return the parameters that a sampler drew together at the start of a trial."""
    drawn: dict[str, Any] = {}
    for start in _CHUNKED:
        parts = [f"{start}{number}" for number in range(len(trial.system_attrs))]
        texts = [trial.system_attrs[part] for part in parts if part in trial.system_attrs]
        try:
            drawn |= _RELATIVE.validate_json("".join(texts)) if texts else {}
        except (ValidationError, TypeError):
            raise UserError(
                f"{place}: {start}0 must be a mapping of parameters to values"
            ) from None
    return drawn


def _check_exploits(trial: FrozenTrial) -> None:
    for number, exploit in enumerate(trial.user_attrs.get(EXPLOITS, []), start=1):
        try:
            TrainConfig.checked(**exploit["params"])
        except UserError as error:
            raise UserError(f"trial {trial.number}: takeovers[{number}].params: {error}") from None


def _check_epochs(trial: FrozenTrial, max_epochs: int) -> None:
    progress = trial.user_attrs.get("progress")
    if (
        trial.state is TrialState.COMPLETE
        and not progress
        and WARM_START_NAME not in trial.user_attrs
    ):
        raise UserError(f"trial {trial.number} is complete, but has no progress")
    seen = [*trial.intermediate_values, progress["epochs"] if progress else 0]
    seen += [exploit["epoch"] for exploit in trial.user_attrs.get(EXPLOITS, [])]
    # Trials imported from another search may have more epochs.
    if max(seen) > max_epochs and WARM_START_NAME not in trial.user_attrs:
        raise UserError(
            f"trial {trial.number}: the epochs must be at most max_epochs ({max_epochs}), but"
            f" reach {max(seen)}"
        )
