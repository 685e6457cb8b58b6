"""Parts of Tune's schedulers and trials that are not public."""

from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
)

from tune_mnist.tuning.trials.reports import METRIC


class UnbufferedScheduler(FIFOScheduler):
    """Base of the schedulers: Tune hands over every epoch on its own, not several in one buffer.

    Tune asks a scheduler for that, and for its metric, by private attributes only. Not reported
    upstream.
    """

    CONTINUE: str
    PAUSE: str
    STOP: str
    NOOP: str
    _metric = METRIC
    _supports_buffered_results = False


def pause_pending(tune_controller: Any, trial: Trial) -> None:
    """Pause a trial that has no worker yet.

    The public ``pause_trial`` needs a worker. Tune's ASHA never pauses a trial, so the case does
    not come up there (ray-project/ray#32634).

    Args:
        tune_controller: Tune's controller, as a scheduler's methods receive it.
        trial: Pending trial.
    """
    trial.init_local_path()  # done by Tune when it starts a trial; this one may never start
    tune_controller._set_trial_status(trial, Trial.PAUSED)


def continue_held(tune_controller: Any, trial: Trial) -> None:
    """Start the next epoch of a trial that waits on its worker after the decision NOOP.

    Only Tune's synchronous HyperBand can do so, inside Tune. Not reported upstream.

    Args:
        tune_controller: Tune's controller, as a scheduler's methods receive it.
        trial: Trial that keeps its worker.
    """
    tune_controller._schedule_trial_train(trial)


class SeededAsha(AsyncHyperBandScheduler):
    """Ray's ASHA, with brackets drawn from a seed and the trial, and with rungs at any epoch.

    Ray's draws the bracket from NumPy's global random state (ray-project/ray#13616), so a resumed
    search would assign other brackets; its rungs are powers of the reduction factor.

    Args:
        seed: Seed of the assignment of trials to brackets.
        rungs: Epochs of the rungs, ascending; None: Ray's own.
        **options: Arguments of Ray's scheduler.
    """

    def __init__(self, seed: int, rungs: tuple[int, ...] | None, **options: Any) -> None:
        super().__init__(**options)
        self._seed = seed
        if rungs is not None:
            for first, bracket in enumerate(self._brackets):
                bracket._rungs = [(epoch, {}) for epoch in reversed(rungs[first:])]

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Choose the trial's bracket; the probabilities are Ray's own."""
        sizes = np.array([len(bracket._rungs) for bracket in self._brackets])
        odds = np.exp(sizes - sizes.max())
        rng = np.random.default_rng([self._seed, int(trial.trial_id)])
        chosen = rng.choice(len(sizes), p=odds / odds.sum())
        self._trial_info[trial.trial_id] = self._brackets[chosen]


class WholeBracketsHyperBand(HyperBandScheduler):
    """Ray's HyperBand beside a searcher that hands out trials one by one.

    Ray's halves a bracket as soon as the trials that it has so far have come to its rung, and
    fills the place of a trial that has ended with the next one: with few workers hardly any trial
    is stopped. Here a bracket takes as many trials as it has places, once, and the searcher can
    ask whether it waits for more. Not reported upstream.
    """

    def has_room(self) -> bool:
        """Return whether the newest bracket waits for more trials."""
        bracket = self._state["bracket"]
        return bracket is not None and not bracket.filled()

    def _create_bracket(self, s: int) -> Any:
        bracket = super()._create_bracket(s)
        bracket.filled = lambda: len(bracket._all_trials) >= bracket._n0
        return bracket


class ContinuingMedian(MedianStoppingRule):
    """Ray's median rule without its pauses: a trial runs until enough others can be compared.

    Ray's pauses such a trial while others wait, and no option turns that off. Not reported
    upstream.
    """

    def _on_insufficient_samples(self, tune_controller: Any, trial: Any, time: float) -> str:
        return str(self.CONTINUE)
