"""A sampler that draws each trial from a state of its own, and no configuration twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from tune_mnist.tuning.recording.trial_store import own_trials
from tune_mnist.tuning.searching.draft import Draft
from tune_mnist.tuning.searching.history import BoundedHistory
from tune_mnist.tuning.searching.nearby import NearbySampler
from tune_mnist.tuning.searching.study_view import StudyView
from tune_mnist.tuning.searching.tried import TriedConfigurations
from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.spaces.configurations import is_whole
from tune_mnist.tuning.spaces.space import SearchSpace

FIXED_PARAMETERS = "fixed_params"
"""System attribute in which Optuna keeps the fixed parameters of a queued trial."""

SAMPLER_DRAWS, NEARBY_DRAWS, RANDOM_DRAWS = 3, 20, 100
"""Draws of the sampler, then close to its last one, then at random; then the untried
configurations are listed."""

MAX_WIDTH = 0.25
"""Width of the last draw close to the sampler's, as a share of each parameter's range."""


@dataclass(frozen=True)
class SamplerTraits:
    """Facts about the samplers that draw the trials.

    Attributes:
        learns: Whether they draw by the results of earlier trials.
        sees_running: Whether they make allowance for trials that still run, which are then shown
            to them as they are.
        needs_complete_trials: Whether they learn from complete trials only.
        bounded_history: Whether they are shown the best and the latest trials only.
        enumerates: Whether they walk through all configurations by themselves, so that
            architectures take no turns and no draw is repeated.
    """

    learns: bool = False
    sees_running: bool = False
    needs_complete_trials: bool = False
    bounded_history: bool = False
    enumerates: bool = False


class PerTrialSampler(BaseSampler):
    """Draws each trial with a sampler of its own, seeded by the search and the trial's number.

    A search that was killed and resumed therefore draws the same trials as an undisturbed one:
    there is no random state to lose. The sampler sees unfinished trials as pruned at their last
    epoch, so it learns from trials that run or are paused, at any rung.

    No configuration is drawn twice. A draw that equals an earlier trial is repeated with another
    seed, then close to the sampler's draw, then at random; at last, one of the untried
    configurations of a small space is taken.

    Several architectures take turns: a trial gets the one with the fewest trials, and its other
    hyperparameters are drawn from the results of that architecture. Drawn freely, the
    architecture that learns fastest would take nearly all trials, and the search could not answer
    which one is best.

    Until a trial is better than guessing, the draws are random. While all trials guess, their
    accuracies differ only by the shares of the classes, and a model would search where the most
    frequent class won.

    Args:
        make: Returns a sampler, from a seed.
        seed: Seed of the search.
        space: Search space.
        traits: Facts about the samplers.
        chance_level: val_accuracy that a network which has learned exceeds.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        seed: int,
        space: SearchSpace,
        traits: SamplerTraits,
        *,
        chance_level: float,
    ) -> None:
        self._make = make
        self._seed = seed
        self._space = space
        self._traits = traits
        self._turns = space.models if len(space.models) > 1 and not traits.enumerates else ()
        self._chance_level = chance_level
        self._tried = TriedConfigurations(space)
        self._inner = make(seed)
        self._history: BoundedHistory | None = None
        self._view: Any = None
        self._draft: Draft | None = None
        self._drafted: int | None = None
        """Number of the trial whose draft this is."""

    def count_untried(self, study: optuna.Study) -> int | None:
        """Return the number of configurations that no trial has; None: too many to list."""
        self._tried.update(study)
        return self._tried.count_untried()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Draw the configuration of a trial that begins."""
        self._draft, self._drafted = None, trial.number
        if self._traits.enumerates:
            self._view = self._view_of(study, None)
            self._inner = self._make(self._state(trial, 0))
            self._inner.before_trial(self._view, trial)
            return
        if trial.params and is_whole(self._space, trial.params):
            return  # handed out again by a resumed search; a quasi-random draw has a side effect
        self._tried.update(study)
        fixed = trial.system_attrs.get(FIXED_PARAMETERS, {})
        fixed = {name: value for name, value in fixed.items() if name in self._space.parameters}
        draft = self._new(study, trial, {**fixed, **trial.params})
        if draft is None and fixed:
            # All configurations with the queued values have been tried: another one is drawn.
            study._storage.set_trial_system_attr(trial._trial_id, FIXED_PARAMETERS, {})
            trial.system_attrs = {**trial.system_attrs, FIXED_PARAMETERS: {}}
            draft = self._new(study, trial, dict(trial.params))
        self._draft = draft or next(self._drafts(study, trial, dict(trial.params)))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the distributions of the draft."""
        if self._drafted != trial.number:
            self.before_trial(study, trial)
        if self._draft is None:
            return self._inner.infer_relative_search_space(self._view, trial)
        return self._draft.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the values of the draft."""
        if self._draft is None:
            return self._inner.sample_relative(self._view, trial, search_space)
        return self._draft.params

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a parameter that the draft lacks."""
        return self._inner.sample_independent(self._view, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the sampler that a trial has ended."""
        self._inner.after_trial(cast(optuna.Study, StudyView(study)), trial, state, values)

    def _new(self, study: optuna.Study, trial: FrozenTrial, fixed: dict[str, Any]) -> Draft | None:
        """Return a draft that no earlier trial equals; None: there is none."""
        for draft in self._drafts(study, trial, fixed):
            if not self._tried.has(draft.params, before=trial.number):
                return draft
        return None

    def _drafts(
        self, study: optuna.Study, trial: FrozenTrial, fixed: dict[str, Any]
    ) -> Iterator[Draft]:
        """Yield drafts of a trial, the sampler's own first."""
        model = None
        if self._turns:
            exhausted = self._tried.exhausted_models()
            turns = tuple(model for model in self._turns if model not in exhausted) or self._turns
            model = str(fixed.get(MODEL) or next_model(study, trial, turns))
            fixed = {**fixed, MODEL: model}
        self._view = view = self._view_of(study, model)
        blind = self._traits.learns and not any(
            map(self._has_learned, view.get_trials(deepcopy=False))
        )
        draft: Draft | None = None
        for attempt in range(SAMPLER_DRAWS + NEARBY_DRAWS + RANDOM_DRAWS):
            self._inner = self._sampler_of(attempt, trial, draft, blind=blind)
            self._inner.before_trial(view, trial)
            drawn = self._drawn(trial, fixed)
            draft = drawn if attempt < SAMPLER_DRAWS else draft
            yield drawn
        untried = list(self._tried.untried(fixed))
        for index in np.random.default_rng([self._seed, trial.number]).permutation(len(untried)):
            yield self._drawn(trial, untried[index])

    def _sampler_of(
        self, attempt: int, trial: FrozenTrial, draft: Draft | None, *, blind: bool
    ) -> BaseSampler:
        """Return the sampler of an attempt to draw a trial; ``draft`` is its own last draw."""
        state = self._state(trial, attempt)
        nearby = attempt - SAMPLER_DRAWS
        if blind or nearby >= NEARBY_DRAWS or (nearby >= 0 and not self._traits.learns):
            return RandomSampler(state)
        if nearby < 0 or draft is None:
            return self._make(state)
        return NearbySampler(draft.params, MAX_WIDTH * (nearby + 1) / NEARBY_DRAWS, state)

    def _drawn(self, trial: FrozenTrial, fixed: dict[str, Any]) -> Draft:
        draft = Draft(self._inner, self._view, trial, fixed, turns=(MODEL,) if self._turns else ())
        self._space.sample(draft)
        return draft

    def _state(self, trial: FrozenTrial, attempt: int) -> int:
        entropy = [self._seed, trial.number, *([attempt] if attempt else [])]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])

    def _has_learned(self, trial: FrozenTrial) -> bool:
        seen = [*trial.intermediate_values.values(), *(trial.values or ())[:1]]
        return max(seen, default=0.0) > self._chance_level

    def _view_of(self, study: optuna.Study, model: str | None) -> Any:
        if self._traits.bounded_history and self._history is None:
            self._history = BoundedHistory(study.directions)
        return StudyView(
            study,
            model,
            self._history,
            unfinished_as_pruned=not self._traits.sees_running,
            diverged_as_complete=self._traits.needs_complete_trials,
        )


def next_model(study: optuna.Study, trial: FrozenTrial, models: tuple[str, ...]) -> str:
    """Return the architecture with the fewest trials.

    Args:
        study: Study of the search; trials taken over from another search do not count.
        trial: Trial that is about to be drawn.
        models: Architectures in the order of the space.
    """
    counts = Counter(
        other.params.get(MODEL)
        for other in own_trials(study)
        if other.number < trial.number and MODEL in other.params
    )
    return min(models, key=lambda model: (counts[model], models.index(model)))
