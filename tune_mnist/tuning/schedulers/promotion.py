"""ASHA that promotes: trials pause at a rung, and a free worker takes the best of them."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.schedulers.rungs import Rungs, Standing
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


class PromotionAsha(TrialScheduler):
    """The promotion variant of ASHA, for Ray Tune.

    Ray's own ASHA stops the bad and lets the first comers pass every rung. Here every trial
    pauses at a rung; a free worker goes on with the best trial among the top 1/reduction_factor
    of the highest rung that has one, and starts a new trial only if no rung has any. A trial
    that is the one to go on just after its report goes on without a pause.

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
          would count paused trials as running and wait for ever; ``max_concurrent`` is kept here.
        - To resume, call ``replay`` for every earlier trial, then let ``suggest`` first hand out
          each unfinished one, whatever ``wants_new_trial`` says, once, with its number.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.

    Args:
        max_epochs: epochs of a trial that is promoted from every rung.
        num_samples: how many trials there will be, the earlier ones of a resumed search
            included; their numbers are below it.
        max_concurrent: how many trials run at a time.
        rungs: the epochs at which trials pause, ascending and below max_epochs.
        reduction_factor: of the trials at a rung, one in this many is promoted.
        brackets: bracket s starts at rung s; as many of them as there are rungs and one are of
            use. Trials compete with those of their own bracket.
        seed: of the assignment of trials to brackets.
        share: Most trials that one architecture gets; None: all of them.

    Attributes:
        max_concurrent: as given; a cluster that grows or shrinks changes it.
        all_begun: tells whether no new trial will come before Ray knows; a searcher that has Ray
            keep its workers until the end sets it.
        pruned: numbers of the trials that it ended short of their last epoch, earlier runs of a
            resumed search not included.
    """

    CONTINUE: str
    PAUSE: str
    STOP: str
    _metric = METRIC
    _supports_buffered_results = False

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
        super().__init__()
        self._max_epochs = max_epochs
        self.max_concurrent = max_concurrent
        self._seed = seed
        self._rung_epochs, self._reduction_factor = rungs, reduction_factor
        self._shares = bracket_shares(brackets, len(rungs), reduction_factor)
        self._sizes = Counter(map(self._bracket, range(num_samples)))
        self._share = num_samples if share is None else share
        self._groups: dict[tuple[str, int], Rungs] = {}
        """By architecture and bracket."""
        self._models: dict[int, str] = {}
        self.all_begun: Callable[[], bool] = lambda: False
        self._complete: set[str] = set()
        """Architectures of which a trial has trained all its epochs."""
        self.pruned: set[int] = set()
        self._trials: dict[int, Trial] = {}
        """Ray's objects of the trials that have not ended, by number."""

    def replay(
        self,
        number: int,
        values: Mapping[int, float],
        ended: bool,
        losses: Mapping[int, float] | None = None,
        model: str = "",
    ) -> None:
        """Take in an earlier trial, in any order, before a search is resumed.

        An unfinished trial whose last epoch is a rung's stands there, also if it had just been
        promoted: that leaves no trace before its next epoch, and is decided again.

        Args:
            number: of the trial.
            values: its validation accuracy by epoch.
            ended: whether it will not go on; if not, it has to be added to Ray again.
            losses: Its training loss by epoch; one that is not known is worse than any other.
            model: Name of its architecture.
        """
        self._models[number] = model
        rungs = self._rungs(number)
        rungs.add(number)
        for epoch, value in sorted(values.items()):
            rungs.record(number, epoch, value, (losses or {}).get(epoch, math.inf))
        if max(values, default=0) >= self._max_epochs:
            self._complete.add(model)
        if ended:
            rungs.end(number)

    def wants_new_trial(self) -> bool:
        """Tell whether a new trial is what a free worker should get: there is one, and no other.

        False while ``max_concurrent`` trials run, a paused one may go on, or one that was
        replayed as unfinished has not been added again.
        """
        room = len(self._active()) < self.max_concurrent and not self._missing()
        return room and self._next(search_over=False) is None

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Take in a trial; for a replayed one, go on where it stands."""
        number = trial.config[NUMBER]
        self._trials[number] = trial
        self._models[number] = trial.config.get("model", "")
        self._rungs(number).add(number)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial goes on, pauses or ends after this epoch.

        The epoch reported first after a pause may be the one reported last before it.
        """
        if METRIC not in result:
            return self.CONTINUE
        number, epoch = trial.config[NUMBER], result[TIME_ATTR]
        if epoch >= self._max_epochs:
            self._complete.add(self._models[number])
            return self.STOP
        rungs = self._rungs(number)
        rungs.record(number, epoch, result[METRIC], result.get("train_loss", 0.0))
        if not rungs.stands(number):
            return self.CONTINUE
        if self._next(self._search_over(tune_controller), pausing=number) == number:
            rungs.promote(number)
            return self.CONTINUE
        if number in self._hopeless():
            self.pruned.add(number)
            return self.STOP
        return self.PAUSE

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Forget a trial that ended while it ran."""
        self._end(trial.config[NUMBER])

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Forget a trial that failed; Ray adds it again if it may try once more."""
        self._end(trial.config[NUMBER])

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Forget a trial that ended while it was paused or pending."""
        self._end(trial.config[NUMBER])

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the paused trial that goes on now, None if there is none or no free worker.

        Ray asks this in every step, before it starts all trials that are pending. So this is
        also where those that must wait are paused, and the hopeless are ended.
        """
        search_over = self._search_over(tune_controller)
        self._notice_ended(search_over)
        self._hold_back(tune_controller)
        self._end_hopeless(tune_controller)
        number = self._next(search_over)
        # A trial whose pause is under way still runs for Ray: its turn comes in a moment.
        if number is None or self._trials[number].status != Trial.PAUSED:
            return None
        self._rungs(number).promote(number)
        return self._trials[number]

    def debug_string(self) -> str:
        """Describe the rungs of each architecture and bracket in a line."""
        return "\n".join(
            f"{model} bracket {index}: {rungs}".lstrip()
            for (model, index), rungs in self._groups.items()
        )

    def save(self, checkpoint_path: str) -> None:
        """Write nothing: a resumed search brings the state back from the study."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing: a resumed search brings the state back from the study."""

    def _bracket(self, number: int) -> int:
        return assign_bracket(number, self._shares, self._seed)

    def _rungs(self, number: int) -> Rungs:
        bracket = self._bracket(number)
        key = (self._models[number], bracket)
        if key not in self._groups:
            self._groups[key] = Rungs(
                self._rung_epochs[bracket:],
                self._reduction_factor,
                min(self._sizes[bracket], self._share),
            )
        return self._groups[key]

    def _stands(self, number: int) -> bool:
        return self._rungs(number).stands(number)

    def _end(self, number: int) -> None:
        self._trials.pop(number, None)
        self._rungs(number).end(number)

    def _search_over(self, tune_controller: Any) -> bool:
        return self.all_begun() or tune_controller.search_alg.is_finished()

    def _missing(self) -> set[int]:
        """Return the unfinished trials that have not been added to Ray again."""
        live = set().union(*(rungs.live for rungs in self._groups.values()))
        return live - self._trials.keys()

    def _active(self, pausing: int | None = None) -> list[int]:
        """Return the trials that have a worker, or get the next one, in the order of their start.

        A trial keeps its worker until its pause is through. Whoever is given its place before
        makes Ray request another worker, only to cancel that when it hands over the old one; and
        Ray 2.60 can lose the resources of a placement group that is cancelled while it is made.

        Args:
            pausing: a trial that is not counted.
        """
        return [
            number
            for number, trial in self._trials.items()
            if trial.status in (Trial.RUNNING, Trial.PENDING) and number != pausing
        ]

    def _next(self, search_over: bool, pausing: int | None = None) -> int | None:
        """Return the trial which is the next to go on, if one may now.

        Args:
            search_over: no new trial will come.
            pausing: a trial that is about to give its place away.
        """
        active = self._active(pausing)
        if len(active) >= self.max_concurrent or self._missing():
            return None
        held_back = [
            number
            for number, trial in self._trials.items()
            if trial.status == Trial.PAUSED and not self._stands(number)
        ]
        if held_back:
            return held_back[0]
        best = _most_urgent(Rungs.promotable, self._groups.values())
        if best is None and search_over:
            served = self._complete | {self._models[number] for number in active}
            left_out = [rungs for (model, _), rungs in self._groups.items() if model not in served]
            best = _most_urgent(Rungs.standing, left_out)
        return None if best is None else best.number

    def _hopeless(self) -> set[int]:
        """Return the trials to end; until an architecture has a complete one, spare its best."""
        return set().union(
            *(
                rungs.hopeless(model not in self._complete)
                for (model, _), rungs in self._groups.items()
            )
        )

    def _notice_ended(self, search_over: bool) -> None:
        """Forget the trials that Ray ended without a word, and that the searcher has given up."""
        ended = {number for number, trial in self._trials.items() if trial.is_finished()}
        for number in ended | (self._missing() if search_over else set()):
            self._end(number)
        if search_over:
            for rungs in self._groups.values():
                rungs.close()

    def _hold_back(self, tune_controller: Any) -> None:
        """Pause the pending trials that stand at a rung, and those for whom there is no worker.

        They have just been added, by a resumed search, or by a searcher that does not ask.
        """
        pending = [n for n, trial in self._trials.items() if trial.status == Trial.PENDING]
        standing = [number for number in pending if self._stands(number)]
        active = [number for number in self._active() if number not in standing]
        too_many = [number for number in active[self.max_concurrent :] if number in pending]
        for number in standing + too_many:
            trial = self._trials[number]
            trial.init_local_path()  # Ray does so when it starts a trial; this one may never start
            tune_controller._set_trial_status(trial, Trial.PAUSED)

    def _end_hopeless(self, tune_controller: Any) -> None:
        for number in self._hopeless():
            trial = self._trials.get(number)
            if trial is not None and trial.status == Trial.PAUSED:
                self.pruned.add(number)
                tune_controller.stop_trial(trial)


def _most_urgent(
    select: Callable[[Rungs], Iterable[Standing]], groups: Iterable[Rungs]
) -> Standing | None:
    candidates = (standing for rungs in groups for standing in select(rungs))
    return max(candidates, key=lambda standing: standing.urgency, default=None)


def bracket_shares(brackets: int, rungs: int, reduction_factor: int) -> tuple[float, ...]:
    """Return each bracket's share of the trials, so that each takes about the same time.

    Source: Li et al., "Hyperband", JMLR 2018.
    """
    rungs_left = rungs - np.arange(min(brackets, rungs + 1))
    weights = float(reduction_factor) ** rungs_left / (rungs_left + 1)
    return tuple(weights / weights.sum())


@functools.cache
def assign_bracket(number: int, shares: tuple[float, ...], seed: int) -> int:
    """Return the bracket of a trial, always the same."""
    rng = np.random.default_rng((seed, number))
    return int(rng.choice(len(shares), p=shares))
