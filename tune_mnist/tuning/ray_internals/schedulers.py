"""Private parts of Tune's schedulers and trials."""

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
    """Base class of schedulers that receive each report immediately, without buffering.

    Tune buffers reports unless a private attribute of the scheduler disables this, and also reads
    the metric of the scheduler from a private attribute. No upstream issue has been filed.
    """

    CONTINUE: str
    PAUSE: str
    STOP: str
    NOOP: str
    _metric = METRIC
    _supports_buffered_results = False


def pause_pending(tune_controller: Any, trial: Trial) -> None:
    """Pause a trial that has not been assigned to a worker yet.

    Tune's public function ``pause_trial`` requires a worker. Tune itself has no use for such a
    function, because its ASHA never pauses a trial (ray-project/ray#32634).

    Args:
        tune_controller: Tune's controller, which Tune passes to the methods of a scheduler.
        trial: Pending trial.
    """
    trial.init_local_path()  # Tune does so when it starts a trial, but this trial may never start
    tune_controller._set_trial_status(trial, Trial.PAUSED)


def continue_held(tune_controller: Any, trial: Trial) -> None:
    """Resume a trial that the scheduler paused in place, on its worker, by the decision NOOP.

    After this decision, Tune starts no further epoch of the trial, and only its synchronous
    HyperBand scheduler can resume the trial. This function lets any scheduler do so. No upstream
    issue has been filed.

    Args:
        tune_controller: Tune's controller, which Tune passes to the methods of a scheduler.
        trial: Trial whose worker is idle after the decision NOOP.
    """
    tune_controller._schedule_trial_train(trial)


class SeededAsha(AsyncHyperBandScheduler):
    """Ray's ASHA scheduler with reproducible brackets and arbitrary rungs.

    Ray's scheduler draws the bracket of a trial from NumPy's global random state
    (ray-project/ray#13616), so a resumed search would assign different brackets. Its rungs are
    always powers of the reduction factor.

    Args:
        seed: Random seed for the assignment of trials to brackets.
        rungs: Epochs of the rungs, ascending. If None, Ray's rungs are used.
        **options: Further arguments of Ray's ``AsyncHyperBandScheduler``.
    """

    def __init__(self, seed: int, rungs: tuple[int, ...] | None, **options: Any) -> None:
        super().__init__(**options)
        self._seed = seed
        if rungs is not None:
            for first, bracket in enumerate(self._brackets):
                bracket._rungs = [(epoch, {}) for epoch in reversed(rungs[first:])]

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Assign a new trial to a bracket, with the same probabilities as in Ray."""
        sizes = np.array([len(bracket._rungs) for bracket in self._brackets])
        odds = np.exp(sizes - sizes.max())
        rng = np.random.default_rng([self._seed, int(trial.trial_id)])
        chosen = rng.choice(len(sizes), p=odds / odds.sum())
        self._trial_info[trial.trial_id] = self._brackets[chosen]


class WholeBracketsHyperBand(HyperBandScheduler):
    """Ray's HyperBand, changed to halve a bracket only after all of its trials have started.

    Ray's scheduler halves a bracket as soon as its current trials have reached the rung, and
    replaces ended trials by new ones. With few workers, it therefore stops hardly any trial. In
    this subclass, a bracket accepts exactly as many trials as it was created for. No upstream
    issue has been filed.
    """

    def has_room(self) -> bool:
        """Return whether the newest bracket accepts more trials."""
        bracket = self._state["bracket"]
        return bracket is not None and not bracket.filled()

    def _create_bracket(self, s: int) -> Any:
        bracket = super()._create_bracket(s)
        bracket.filled = lambda: len(bracket._all_trials) >= bracket._n0
        return bracket


class ContinuingMedian(MedianStoppingRule):
    """Ray's median stopping rule, changed to never pause a trial.

    Ray's scheduler pauses a trial if there are too few other trials to compare it with, and no
    option prevents this. In this subclass, the trial continues. Ray's scheduler also raises an
    AssertionError if a stopped trial reports again, which happens after a resumed search has
    restored the scheduler. No upstream issues have been filed.
    """

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decide whether a trial stops, and accept later reports of a stopped trial."""
        decision: str = super().on_trial_result(tune_controller, trial, result)
        self._stopped_trials.discard(trial)
        return decision

    def _on_insufficient_samples(self, tune_controller: Any, trial: Any, time: float) -> str:
        return str(self.CONTINUE)
