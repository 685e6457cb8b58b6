"""Population based training: now and then the worst trials go on as copies of the best."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.schedulers.exploit import choose_donors, perturb
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


@dataclass(frozen=True)
class Takeover:
    """That a trial goes on with another one's weights.

    Attributes:
        heir: number of the trial.
        donor: whose weights it takes.
        epoch: after which.
        params: its hyperparameters from then on.
    """

    heir: int
    donor: int
    epoch: int
    params: dict[str, Any]


class PopulationBasedTraining(TrialScheduler):
    """Population based training that waits for all, and that can be brought back to where it was.

    All trials of the search are the population. Every ``interval`` epochs each pauses until the
    others have come as far, however few workers there are; then the worst quarter take over
    weights and hyperparameters of the best quarter (:mod:`tune_mnist.tuning.schedulers.exploit`),
    and all go on.

    Ray's own refuses to run beside a searcher, compares trials of different epochs unless told
    otherwise, and draws from the global random state. Here the study's values decide all, so that
    a resumed search comes to the same takeovers. A trial that diverged or failed is not replaced.

    Source: Jaderberg et al., "Population Based Training of Neural Networks", arXiv 1711.09846.

    Args:
        space: bounds the hyperparameters.
        max_epochs: after which every trial ends.
        num_samples: size of the population.
        max_concurrent: how many trials run at a time.
        interval: epochs between two comparisons.
        seed: of the choices.
        take_over: gives an heir its donor's checkpoint, and puts the fact on record; doing so
            twice must be as good as once.
        close_round: puts on record that all takeovers after an epoch are done.

    Attributes:
        max_concurrent: as given; a cluster that grows or shrinks changes it.
    """

    CONTINUE: str
    PAUSE: str
    STOP: str
    NOOP: str
    _metric = METRIC
    _supports_buffered_results = False

    def __init__(
        self,
        space: SearchSpace,
        max_epochs: int,
        num_samples: int,
        max_concurrent: int,
        interval: int,
        seed: int,
        take_over: Callable[[Takeover], None],
        close_round: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._space = space
        self._max_epochs = max_epochs
        self._num_samples = num_samples
        self.max_concurrent = max_concurrent
        self._interval = interval
        self._seed = seed
        self._take_over = take_over
        self._close_round = close_round
        self._closed = 0
        """The epoch of the last comparison."""
        self._values: dict[int, dict[int, float]] = defaultdict(dict)
        self._trials: dict[int, Trial] = {}
        """Ray's objects of the trials that have not ended, by number."""
        self._ended: set[int] = set()
        self._held: set[int] = set()
        """The trials that wait with a worker of their own."""

    def replay(
        self, values: Mapping[int, Mapping[int, float]], ended: set[int], closed: int
    ) -> None:
        """Take in what an earlier run of the search has seen.

        Args:
            values: by trial and epoch.
            ended: the trials that will not go on.
            closed: the epoch of the last comparison whose takeovers are done.
        """
        for number, epochs in values.items():
            self._values[number] = dict(epochs)
        self._ended |= ended
        self._closed = closed

    def wants_new_trial(self) -> bool:
        """Tell whether a free worker should get a trial that has not been added yet."""
        return self._are_missing() and self._count_active() < self.max_concurrent

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Take in a trial, new or to be gone on with."""
        number = trial.config[NUMBER]
        self._trials[number] = trial
        self._ended.discard(number)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial goes on, waits for the others or ends after this epoch."""
        if METRIC not in result:
            return self.CONTINUE
        number, epoch = trial.config[NUMBER], result[TIME_ATTR]
        self._values[number].setdefault(epoch, result[METRIC])
        if epoch >= self._max_epochs:
            return self.STOP
        if epoch % self._interval or epoch <= self._closed:
            return self.CONTINUE
        if self._worker_is_wanted():
            return self.PAUSE
        # Its worker would be given up, to be started again in a moment.
        self._held.add(number)
        return self.NOOP

    def on_trial_complete(
        self, tune_controller: Any, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Forget a trial that ended while it ran."""
        self._end(trial)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Forget a trial that failed; Ray adds it again if it may try once more."""
        self._end(trial)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """Forget a trial that ended while it was paused or pending."""
        self._end(trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the paused trial that goes on now, None if there is none or no free worker."""
        # A cluster that has shrunk has no room for those that wait with a worker: whoever lost its
        # own needs theirs to come as far as they did.
        while self._held and self._count_active() > self.max_concurrent:
            held = self._trials[self._held.pop()]
            tune_controller.pause_trial(held, should_checkpoint=False)
        if self._all_wait():
            self._compare(self._closed + self._interval, tune_controller)
        ready = self._ready()
        if not ready or self._count_active() >= self.max_concurrent:
            return None
        return self._trials[min(ready, key=lambda number: (self._epoch(number), number))]

    def debug_string(self) -> str:
        """Describe the population in a line."""
        return f"population of {len(self._trials)}, compared after epoch {self._closed}"

    def save(self, checkpoint_path: str) -> None:
        """Write nothing: a resumed search brings the state back from the study."""

    def restore(self, checkpoint_path: str) -> None:
        """Read nothing: a resumed search brings the state back from the study."""

    def _end(self, trial: Trial) -> None:
        number = trial.config[NUMBER]
        self._trials.pop(number, None)
        self._held.discard(number)
        self._ended.add(number)

    def _epoch(self, number: int) -> int:
        return max(self._values[number], default=0)

    def _count_active(self) -> int:
        active = (Trial.RUNNING, Trial.PENDING)
        return sum(trial.status in active for trial in self._trials.values())

    def _ready(self) -> list[int]:
        """Return the paused trials that may go on."""
        return [
            number
            for number, trial in self._trials.items()
            if trial.status == Trial.PAUSED and self._epoch(number) <= self._closed
        ]

    def _worker_is_wanted(self) -> bool:
        """Tell whether a trial other than those that run could use a worker."""
        pending = any(trial.status == Trial.PENDING for trial in self._trials.values())
        return pending or bool(self._ready()) or self._are_missing()

    def _are_missing(self) -> bool:
        """Tell whether trials of the population have not been added yet."""
        return len(self._trials) + len(self._ended) < self._num_samples

    def _all_wait(self) -> bool:
        """Tell whether the whole population waits to be compared."""
        # A trial whose pause is under way still runs for Ray.
        return (
            not self._are_missing()
            and bool(self._trials)
            and all(
                number in self._held
                or (trial.status == Trial.PAUSED and self._epoch(number) > self._closed)
                for number, trial in self._trials.items()
            )
        )

    def _compare(self, epoch: int, tune_controller: Any) -> None:
        """Let the worst take over from the best, all of it before anybody goes on."""
        models = {number: trial.config["model"] for number, trial in self._trials.items()}
        values = {number: self._values[number][epoch] for number in self._trials}
        donors = choose_donors(values, models, self._seed, epoch)
        configs = {number: dict(self._trials[number].config) for number in donors.values()}
        for heir, donor in donors.items():
            params = perturb(configs[donor], self._space, self._seed, epoch, heir)
            params.pop(NUMBER)
            self._take_over(Takeover(heir, donor, epoch, params))
            if heir in self._held:
                self._held.remove(heir)
                tune_controller.pause_trial(self._trials[heir], should_checkpoint=False)
            self._trials[heir].set_config({NUMBER: heir, **params})
        self._close_round(epoch)
        self._closed = epoch
        for number in self._held:
            tune_controller._schedule_trial_train(self._trials[number])
        self._held.clear()
