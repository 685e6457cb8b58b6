"""Promotion ASHA for Ray Tune: trials pause at rungs, and free workers promote the best."""

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import pause_pending
from tune_mnist.tuning.schedulers.brackets import Brackets
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import EarlierTrial, SearchLink, SearchScheduler
from tune_mnist.tuning.schedulers.rungs import simulate_promotion
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


class PromotionAsha(SearchScheduler):
    """Promotion variant of the asynchronous successive halving algorithm (ASHA) for Ray Tune.

    Ray's ASHA only stops trials: a trial passes a rung if it is among the best so far, so the
    first trials pass every rung. In the promotion variant, every trial pauses at a rung. A free
    worker promotes the best paused trial in the top 1/reduction_factor of the highest possible
    rung, and starts a new trial only if no trial is promotable. A trial that would be promoted
    immediately after its report continues without a pause.

    Trials are compared only with trials of the same architecture, since small and large networks
    learn at different speeds in the first epochs. Trials of equal accuracy are ranked by
    validation loss.

    Two rules make the search end, which Algorithm 2 of the paper leaves open:
        - A paused trial that can never be promoted is ended immediately.
        - If an architecture has no trial to start, run or promote, and none that has trained all
          epochs, its best paused trial at the highest rung is promoted. This happens when few
          trials reach a rung: a third of 2 trials is none.

    Trials are identified by ``config["number"]``, since Ray's trial IDs change when a search is
    resumed. Time is measured by the metric ``epoch``, since Ray's ``training_iteration`` starts
    again after each pause. Ray's own checkpoints are not needed for a pause, since the trainable
    writes checkpoints itself.

    Requirements for a searcher:
        - ``suggest`` must return None while ``wants_new_trial`` is False. Ray's
          ``ConcurrencyLimiter`` cannot be used, since it counts paused trials as running.
        - To resume a search, ``restore_trial`` must be called for every earlier trial. Then
          ``suggest`` must return each unfinished trial once with its number, even while
          ``wants_new_trial`` is False.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020,
    Algorithm 2.
    """

    accepts = frozenset({"grace_period", "reduction_factor", "brackets"})
    rungs_at_stages = True
    pauses_pending = True

    def __init__(self, options: SchedulerOptions) -> None:
        super().__init__(options)
        self._brackets = Brackets(options)
        self._missing: set[int] = set()
        """Numbers of unfinished earlier trials that have not been added again."""
        self._watched: dict[int, Trial] = {}
        """Ray's trials that have not ended, without those paused at a rung. A long search has
        thousands of trials paused at a rung, too many to look at in every step of Ray. They have
        no worker, so Ray does not change their status by itself."""
        self._order: dict[int, int] = {}
        """Position of each trial that has not ended in the order of their addition."""
        self._positions = itertools.count()
        self._all_begun: Callable[[], bool] = lambda: False

    @classmethod
    def comparison_epochs(cls, options: SchedulerOptions) -> tuple[int, ...]:
        """Return the epochs of the rungs."""
        return options.rung_epochs

    @classmethod
    def simulate(cls, options: SchedulerOptions, num_samples: int, rng: Random) -> list[int]:
        """Simulate a search with one worker and one bracket. Return the epochs of each trial."""
        qualities = [rng.random() for _ in range(num_samples)]
        return simulate_promotion(
            options.rung_epochs, options.reduction_factor, options.max_epochs, qualities
        )

    def connect(self, search: SearchLink) -> None:
        """Restore the rungs from the trials of earlier runs."""
        super().connect(search)
        for trial in search.trials:
            self.restore_trial(trial)
        self._all_begun = search.all_begun

    def restore_trial(self, trial: EarlierTrial) -> None:
        """Restore a trial of an earlier run. The order of the calls does not matter."""
        self._brackets.restore(trial)
        if not trial.ended:
            self._missing.add(trial.number)
        if trial.number in self._exempt:
            self._brackets.of(trial.number).promote(trial.number)

    def wants_new_trial(self) -> bool:
        """Return whether a free worker should start a new trial.

        This is not the case while ``max_concurrent`` trials run, a paused trial can continue, or
        a restored unfinished trial has not been added again.
        """
        room = len(self._active()) < self.max_concurrent and not self._missing
        return room and self._next(search_over=False) is None

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a new trial, or an unfinished trial of an earlier run, which stays at its rung."""
        super().on_trial_add(tune_controller, trial)
        number = trial.config[NUMBER]
        self._missing.discard(number)
        self._watched[number] = trial
        self._order.setdefault(number, next(self._positions))
        self._brackets.add(number, trial.config.get("model", ""))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide after a report whether the trial continues, pauses or ends.

        The first report after a pause may repeat the last report before the pause.
        """
        if METRIC not in result:
            return self.CONTINUE
        number, epoch = trial.config[NUMBER], result[TIME_ATTR]
        if epoch >= self._options.max_epochs:
            self._brackets.complete.add(self._brackets.model(number))
            return self.STOP
        rungs = self._brackets.of(number)
        rungs.record(number, epoch, result[METRIC], result.get("val_loss", 0.0))
        if number in self._exempt:
            rungs.promote(number)
        if not rungs.is_paused(number):
            return self.CONTINUE
        if self._next(self._search_over(tune_controller), pausing=number) == number:
            rungs.promote(number)
            return self.CONTINUE
        return self.STOP if number in self._brackets.cannot_be_promoted() else self.PAUSE

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the paused trial to continue, or None if no trial is ready or no worker is free.

        Ray calls this method in every step, before it starts the pending trials. Therefore the
        method also pauses trials that must wait, and ends trials that cannot be promoted.
        """
        search_over = self._search_over(tune_controller)
        self._notice_ended(search_over)
        self._hold_back(tune_controller)
        self._prune(tune_controller)
        number = self._next(search_over)
        # A trial is RUNNING until its pause is complete, so it continues only in a later step.
        if number is None or self._trials[number].status != Trial.PAUSED:
            return None
        self._brackets.of(number).promote(number)
        self._watched[number] = self._trials[number]
        return self._trials[number]

    def debug_string(self) -> str:
        """Describe the rungs in one line for each architecture and bracket."""
        return str(self._brackets)

    def _is_paused_at_rung(self, number: int) -> bool:
        return self._brackets.of(number).is_paused(number)

    def _end(self, number: int) -> None:
        super()._end(number)
        self._missing.discard(number)
        self._watched.pop(number, None)
        self._order.pop(number, None)
        self._brackets.of(number).end(number)

    def _watch(self) -> list[tuple[int, Trial]]:
        """Return the trials that are not paused at a rung, in the order of their addition.

        Ray does not report when a pause is complete, so the trials are checked here.
        """
        for number, trial in list(self._watched.items()):
            if trial.status == Trial.PAUSED and self._is_paused_at_rung(number):
                del self._watched[number]
        return sorted(self._watched.items(), key=lambda item: self._order[item[0]])

    def _search_over(self, tune_controller: Any) -> bool:
        return self._all_begun() or tune_controller.search_alg.is_finished()

    def _active(self, pausing: int | None = None) -> list[int]:
        """Return the numbers of the running and pending trials, in the order of their addition.

        A trial is active until its pause is complete. Otherwise Ray would request another worker,
        and cancel the request when the paused trial releases its worker. Ray 2.60 can lose the
        resources of a placement group that is cancelled during its creation.

        Args:
            pausing: Number of a trial to exclude, because it is about to pause.
        """
        return [
            number
            for number, trial in self._watch()
            if trial.status in (Trial.RUNNING, Trial.PENDING) and number != pausing
        ]

    def _next(self, search_over: bool, pausing: int | None = None) -> int | None:
        """Return the number of the next trial to continue, or None if no trial can continue now.

        Args:
            search_over: Whether no more new trials will be started.
            pausing: Number of a trial that is about to pause, or None.
        """
        active = self._active(pausing)
        if len(active) >= self.max_concurrent or self._missing:
            return None
        for held_back, trial in self._watch():
            if trial.status == Trial.PAUSED:
                return held_back
        number = self._brackets.first_promotable()
        if number is None and search_over:
            served = {self._brackets.model(other) for other in active}
            number = self._brackets.first_paused(without=self._brackets.complete | served)
        return number

    def _notice_ended(self, search_over: bool) -> None:
        """Remove trials that Ray ended without a callback, or that Ray will not add again."""
        ended = {number for number, trial in self._watched.items() if trial.is_finished()}
        for number in ended | (self._missing if search_over else set()):
            self._end(number)
        if search_over:
            self._brackets.close()

    def _hold_back(self, tune_controller: Any) -> None:
        """Pause pending trials that are at a rung or that exceed ``max_concurrent``.

        Such trials are added by a resumed search, and by a searcher that ignores
        ``wants_new_trial``.
        """
        pending = [n for n, trial in self._watch() if trial.status == Trial.PENDING]
        at_rung = [number for number in pending if self._is_paused_at_rung(number)]
        active = [number for number in self._active() if number not in at_rung]
        too_many = [number for number in active[self.max_concurrent :] if number in pending]
        for number in at_rung + too_many:
            pause_pending(tune_controller, self._trials[number])

    def _prune(self, tune_controller: Any) -> None:
        """End the paused trials that can no longer be promoted."""
        for number in self._brackets.cannot_be_promoted():
            trial = self._trials.get(number)
            if trial is not None and trial.status == Trial.PAUSED:
                tune_controller.stop_trial(trial)
