"""ASHA that promotes: trials pause at a rung, and a free worker takes the best of them."""

from collections.abc import Callable
from math import ceil
from random import Random
from typing import Any, Self

from ray.tune.experiment import Trial

from tune_mnist.tuning.ray_internals.schedulers import pause_pending
from tune_mnist.tuning.schedulers.brackets import Brackets
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import EarlierTrial, SearchLink, SearchScheduler
from tune_mnist.tuning.schedulers.rungs import simulate_promotion
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


class PromotionAsha(SearchScheduler):
    """The promotion variant of ASHA, for Ray Tune.

    Ray's own ASHA stops the bad and lets the first comers pass every rung. Here every trial
    pauses at a rung; a free worker continues the best trial among the top 1/reduction_factor
    of the highest rung that has one, and starts a new trial only if no rung has any. A trial
    that is the next to continue just after its report continues without a pause.

    Trials are compared with those of the same architecture only: after one epoch a small network
    that is slow to start says nothing beside a large one. Trials of equal accuracy are ranked by
    training loss.

    Algorithm 2 never ends; a search does:
        - A paused trial that can never be promoted any more is ended at once (``pruned``).
        - Once no trial of an architecture is left to start, run or promote, and none has trained
          all its epochs (8 trials leave 2 at the second of three rungs: a third of 2 is none), the
          best paused trial of its highest rung is promoted all the same, until one has.

    A trial is known by ``config["number"]``, which outlives Ray's trial ids when a search is
    resumed, and its time by the metric ``epoch``: ``training_iteration`` starts again after each
    pause. The trainable keeps its own checkpoints: a pause asks Ray for none.

    How a searcher works with it:
        - ``suggest`` returns None while ``wants_new_trial`` is False. Ray's ConcurrencyLimiter
          would count paused trials as running and wait forever; ``max_concurrent`` is kept here.
        - To resume, call ``restore_trial`` for every earlier trial, then let ``suggest`` first
          hand out each unfinished one, whatever ``wants_new_trial`` says, once, with its number.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.

    Args:
        max_epochs: Epochs of a trial that is promoted from every rung.
        num_samples: Number of trials, the earlier ones of a resumed search included; their
            numbers are below it.
        max_concurrent: Number of trials that run at a time.
        rungs: Epochs at which trials pause, ascending and below max_epochs.
        reduction_factor: Of the trials at a rung, one in this many is promoted.
        brackets: Number of brackets; bracket s starts at rung s. Trials compete with those of
            their own bracket.
        seed: Seed of the assignment of trials to brackets.
        share: Most trials that one architecture gets; None: all of them.

    Attributes:
        all_begun: Returns whether no new trial will come before Ray knows.
        pruned: Numbers of the trials that it ended short of their last epoch, earlier runs of a
            resumed search not included.
    """

    accepts = frozenset({"grace_period", "reduction_factor", "brackets"})
    rungs_at_stages = True
    pauses_pending = True

    def __init__(
        self,
        max_epochs: int,
        num_samples: int,
        max_concurrent: int,
        rungs: tuple[int, ...],
        reduction_factor: int = 3,
        brackets: int = 1,
        seed: int = 0,
        share: int | None = None,
    ) -> None:
        super().__init__(max_concurrent)
        self._max_epochs = max_epochs
        self._brackets = Brackets(
            rungs, max_epochs, num_samples, reduction_factor, brackets, seed, share
        )
        self.all_begun: Callable[[], bool] = lambda: False
        self.pruned: set[int] = set()

    @classmethod
    def from_options(cls, options: SchedulerOptions) -> Self:
        """Build the scheduler, which has seen no trial yet."""
        count = options.imported + options.num_samples
        return cls(
            options.max_epochs,
            count,
            options.max_concurrent,
            options.rung_epochs,
            options.reduction_factor,
            options.brackets,
            options.seed,
            max(ceil(count / options.architectures), options.queued),
        )

    @classmethod
    def comparison_epochs(cls, options: SchedulerOptions) -> tuple[int, ...]:
        """Return the rungs."""
        return options.rung_epochs

    @classmethod
    def simulate(cls, options: SchedulerOptions, num_samples: int, rng: Random) -> list[int]:
        """Return the epochs of trials on one worker, in a single bracket."""
        qualities = [rng.random() for _ in range(num_samples)]
        return simulate_promotion(
            options.rung_epochs, options.reduction_factor, options.max_epochs, qualities
        )

    def connect(self, search: SearchLink) -> None:
        """Restore the rungs."""
        for trial in search.trials:
            self.restore_trial(trial)
        self.all_begun = search.all_begun

    def restore_trial(self, trial: EarlierTrial) -> None:
        """Take in a trial of an earlier run, in any order, before the search is resumed."""
        self._brackets.restore(trial)

    def wants_new_trial(self) -> bool:
        """Return whether a free worker should get a new trial, and none that exists.

        False while ``max_concurrent`` trials run, a paused one may continue, or one that was
        restored as unfinished has not been added again.
        """
        room = len(self._active()) < self.max_concurrent and not self._missing()
        return room and self._next(search_over=False) is None

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Take in a trial; an unfinished one of an earlier run continues from its rung."""
        super().on_trial_add(tune_controller, trial)
        self._brackets.add(trial.config[NUMBER], trial.config.get("model", ""))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial continues, pauses or ends after this epoch.

        The epoch reported first after a pause may be the one reported last before it.
        """
        if METRIC not in result:
            return self.CONTINUE
        number, epoch = trial.config[NUMBER], result[TIME_ATTR]
        if epoch >= self._max_epochs:
            self._brackets.complete.add(self._brackets.model(number))
            return self.STOP
        rungs = self._brackets.of(number)
        rungs.record(number, epoch, result[METRIC], result.get("train_loss", 0.0))
        if not rungs.is_paused(number):
            return self.CONTINUE
        if self._next(self._search_over(tune_controller), pausing=number) == number:
            rungs.promote(number)
            return self.CONTINUE
        if number in self._brackets.cannot_be_promoted():
            self.pruned.add(number)
            return self.STOP
        return self.PAUSE

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the paused trial that continues now, None if there is none or no free worker.

        Ray asks this in every step, before it starts all trials that are pending. So this is
        also where trials that must wait are paused, and trials that cannot be promoted are ended.
        """
        search_over = self._search_over(tune_controller)
        self._notice_ended(search_over)
        self._hold_back(tune_controller)
        self._prune(tune_controller)
        number = self._next(search_over)
        # A trial whose pause is under way still runs for Ray: its turn comes in a moment.
        if number is None or self._trials[number].status != Trial.PAUSED:
            return None
        self._brackets.of(number).promote(number)
        return self._trials[number]

    def debug_string(self) -> str:
        """Describe the rungs of each architecture and bracket in a line."""
        return str(self._brackets)

    def _is_paused(self, number: int) -> bool:
        return self._brackets.of(number).is_paused(number)

    def _end(self, number: int) -> None:
        super()._end(number)
        self._brackets.of(number).end(number)

    def _search_over(self, tune_controller: Any) -> bool:
        return self.all_begun() or tune_controller.search_alg.is_finished()

    def _missing(self) -> set[int]:
        """Return the unfinished trials that have not been added to Ray again."""
        return self._brackets.live() - self._trials.keys()

    def _active(self, pausing: int | None = None) -> list[int]:
        """Return the trials that have a worker, or get the next one, in the order of their start.

        A trial keeps its worker until its pause is through. If its place were given away before,
        Ray would request another worker, only to cancel that when it hands over the old one; and
        Ray 2.60 can lose the resources of a placement group that is cancelled while it is made.

        Args:
            pausing: Number of a trial that is not counted.
        """
        return [
            number
            for number, trial in self._trials.items()
            if trial.status in (Trial.RUNNING, Trial.PENDING) and number != pausing
        ]

    def _next(self, search_over: bool, pausing: int | None = None) -> int | None:
        """Return the trial which is the next to continue, if one may now.

        Args:
            search_over: Whether no new trial will come.
            pausing: Number of a trial that is about to give its place away.
        """
        active = self._active(pausing)
        if len(active) >= self.max_concurrent or self._missing():
            return None
        held_back = [
            number
            for number, trial in self._trials.items()
            if trial.status == Trial.PAUSED and not self._is_paused(number)
        ]
        if held_back:
            return held_back[0]
        number = self._brackets.first_promotable()
        if number is None and search_over:
            served = {self._brackets.model(other) for other in active}
            number = self._brackets.first_paused(without=self._brackets.complete | served)
        return number

    def _notice_ended(self, search_over: bool) -> None:
        """Forget the trials that Ray ended without a callback, and that the searcher gave up."""
        ended = {number for number, trial in self._trials.items() if trial.is_finished()}
        for number in ended | (self._missing() if search_over else set()):
            self._end(number)
        if search_over:
            self._brackets.close()

    def _hold_back(self, tune_controller: Any) -> None:
        """Pause the pending trials that are at a rung, and those for which there is no worker.

        They have just been added, by a resumed search, or by a searcher that does not ask.
        """
        pending = [n for n, trial in self._trials.items() if trial.status == Trial.PENDING]
        at_rung = [number for number in pending if self._is_paused(number)]
        active = [number for number in self._active() if number not in at_rung]
        too_many = [number for number in active[self.max_concurrent :] if number in pending]
        for number in at_rung + too_many:
            pause_pending(tune_controller, self._trials[number])

    def _prune(self, tune_controller: Any) -> None:
        """End the paused trials that can no longer be promoted."""
        for number in self._brackets.cannot_be_promoted():
            trial = self._trials.get(number)
            if trial is not None and trial.status == Trial.PAUSED:
                self.pruned.add(number)
                tune_controller.stop_trial(trial)
