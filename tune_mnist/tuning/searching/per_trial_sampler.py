"""Sampler that draws each trial from its own seed, and no configuration twice."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
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
from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.searching.study_view import StudyView
from tune_mnist.tuning.searching.tried import TriedConfigurations
from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.spaces.configurations import is_whole

FIXED_PARAMETERS = "fixed_params"
"""System attribute in which Optuna stores the fixed parameters of a queued trial."""

SAMPLER_DRAWS, NEARBY_DRAWS, RANDOM_DRAWS = 3, 20, 100
"""Numbers of draws until a new configuration is found: with the sampler, then close to its last
draw, then at random. After them, the untried configurations are listed."""

MAX_WIDTH = 0.25
"""Width of the last of the draws close to the sampler's, as a share of a parameter's range."""


class PerTrialSampler(BaseSampler):
    """Sampler that draws each trial with a new Optuna sampler, so that a search can be resumed.

    The new sampler is seeded with the seed of the search and the number of the trial. A resumed
    search therefore draws the same trials as an uninterrupted search, since no random state can be
    lost. Unless the sampler handles running trials itself, it sees an unfinished trial as pruned
    at its last epoch, so that it also learns from running and paused trials.

    No configuration is drawn twice. If a draw equals an earlier trial, it is repeated with another
    seed, then close to the sampler's draw, then at random. If all draws fail, one of the untried
    configurations of a small space is used.

    If the space has several architectures, each trial gets the architecture with the fewest
    trials, and its other hyperparameters are drawn from the results of this architecture. If the
    sampler chose the architecture, the one that learns fastest would get nearly all trials, and
    the search could not find out which architecture is best.

    Until a trial exceeds the chance level, configurations are drawn at random. While all trials
    guess, their accuracies reflect only the class frequencies, from which a model learns nothing.

    Args:
        maker: Maker of the Optuna samplers.
        chance_level: Validation accuracy above which a network has learned something.
    """

    def __init__(self, maker: SamplerMaker, chance_level: float) -> None:
        self._maker = maker
        self._space = maker.space
        models = self._space.models
        self._turns = models if len(models) > 1 and not maker.enumerates else ()
        self._chance_level = chance_level
        self._tried = TriedConfigurations(self._space)
        self._inner = self._make(maker.seed)
        self._history: BoundedHistory | None = None
        self._view: Any = None
        self._draft: Draft | None = None
        self._drafted: int | None = None
        """Number of the trial that the draft belongs to."""

    def count_untried(self, study: optuna.Study) -> int | None:
        """Return the number of configurations without a trial. None if too many to list."""
        self._tried.update(study)
        return self._tried.count_untried()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Draw the configuration of a new trial."""
        self._draft, self._drafted = None, trial.number
        if self._maker.enumerates:
            self._view = self._view_of(study, None)
            self._inner = self._make(self._state(trial, 0))
            self._inner.before_trial(self._view, trial)
            return
        if trial.params and is_whole(self._space, trial.params):
            # A resumed search suggests the trial again. Do not draw, since a quasi-random draw
            # has a side effect.
            return
        self._tried.update(study)
        fixed = trial.system_attrs.get(FIXED_PARAMETERS, {})
        fixed = {name: value for name, value in fixed.items() if name in self._space.parameters}
        draft = self._new(study, trial, {**fixed, **trial.params})
        if draft is None and fixed:
            # All configurations with the queued values have been tried, so draw another one.
            study._storage.set_trial_system_attr(trial._trial_id, FIXED_PARAMETERS, {})
            trial.system_attrs = {**trial.system_attrs, FIXED_PARAMETERS: {}}
            draft = self._new(study, trial, dict(trial.params))
        self._draft = draft or next(self._drafts(study, trial, dict(trial.params)))

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the distributions of the parameters that were drawn for the trial."""
        if self._drafted != trial.number:
            self.before_trial(study, trial)
        if self._draft is None:
            return self._inner.infer_relative_search_space(self._view, trial)
        return self._draft.distributions

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the parameter values that were drawn for the trial."""
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
        """Draw a parameter that was not drawn before the trial began."""
        return self._inner.sample_independent(self._view, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Report the end of a trial to the Optuna sampler."""
        self._inner.after_trial(cast(optuna.Study, StudyView(study)), trial, state, values)

    def _make(self, seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            # Some of Optuna's options have been experimental since 2020.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return self._maker.make(seed)

    def _new(self, study: optuna.Study, trial: FrozenTrial, fixed: dict[str, Any]) -> Draft | None:
        """Return a draft that differs from all earlier trials, or None if there is none."""
        for draft in self._drafts(study, trial, fixed):
            if not self._tried.has(draft.params, before=trial.number):
                return draft
        return None

    def _drafts(
        self, study: optuna.Study, trial: FrozenTrial, fixed: dict[str, Any]
    ) -> Iterator[Draft]:
        """Yield drafts of a trial, beginning with those of the sampler."""
        model = None
        if self._turns:
            exhausted = self._tried.exhausted_models()
            turns = tuple(model for model in self._turns if model not in exhausted) or self._turns
            model = str(fixed.get(MODEL) or next_model(study, trial, turns))
            fixed = {**fixed, MODEL: model}
        self._view = view = self._view_of(study, model)
        blind = self._maker.learns and not any(
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
        rng = np.random.default_rng([self._maker.seed, trial.number])
        for index in rng.permutation(len(untried)):
            yield self._drawn(trial, untried[index])

    def _sampler_of(
        self, attempt: int, trial: FrozenTrial, draft: Draft | None, *, blind: bool
    ) -> BaseSampler:
        """Return the sampler for one attempt to draw the configuration of a trial.

        Args:
            attempt: Number of the attempt, starting at 0.
            trial: Trial to draw.
            draft: Last draft of the search's sampler, or None.
            blind: Whether to draw at random, because no trial exceeds the chance level yet.
        """
        state = self._state(trial, attempt)
        nearby = attempt - SAMPLER_DRAWS
        if blind or nearby >= NEARBY_DRAWS or (nearby >= 0 and not self._maker.learns):
            return RandomSampler(state)
        if nearby < 0 or draft is None:
            return self._make(state)
        return NearbySampler(draft.params, MAX_WIDTH * (nearby + 1) / NEARBY_DRAWS, state)

    def _drawn(self, trial: FrozenTrial, fixed: dict[str, Any]) -> Draft:
        draft = Draft(self._inner, self._view, trial, fixed, turns=(MODEL,) if self._turns else ())
        self._space.sample(draft)
        return draft

    def _state(self, trial: FrozenTrial, attempt: int) -> int:
        entropy = [self._maker.seed, trial.number, *([attempt] if attempt else [])]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])

    def _has_learned(self, trial: FrozenTrial) -> bool:
        seen = [*trial.intermediate_values.values(), *(trial.values or ())[:1]]
        return max(seen, default=0.0) > self._chance_level

    def _view_of(self, study: optuna.Study, model: str | None) -> Any:
        if self._maker.bounded_history and self._history is None:
            self._history = BoundedHistory(study.directions)
        return StudyView(
            study,
            model,
            self._history,
            unfinished_as_pruned=not self._maker.sees_running,
            diverged_as_complete=self._maker.needs_complete_trials,
        )


def next_model(study: optuna.Study, trial: FrozenTrial, models: tuple[str, ...]) -> str:
    """Return the architecture with the fewest trials, so that all have the same share.

    Args:
        study: Study of the search. Trials imported from another search are not counted.
        trial: Trial that is about to be drawn. Only trials with lower numbers are counted.
        models: Architectures in the order of the space. If several have equally few trials, the
            first of them is returned.
    """
    counts = Counter(
        other.params.get(MODEL)
        for other in own_trials(study)
        if other.number < trial.number and MODEL in other.params
    )
    return min(models, key=lambda model: (counts[model], models.index(model)))
