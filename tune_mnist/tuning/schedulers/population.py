"""Population based training, in which the worst trials repeatedly become copies of the best."""

from collections import defaultdict
from typing import Any

from ray.tune.experiment import Trial

from tune_mnist.errors import UserError
from tune_mnist.tuning.ray_internals.schedulers import continue_held
from tune_mnist.tuning.schedulers.exploit import choose_sources, perturb
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import Exploit, SearchLink, SearchScheduler
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

MIN_POPULATION = 2


class PopulationBasedTraining(SearchScheduler):
    """Synchronous population based training that can be restored from the study.

    All trials of the search form the population. Every ``interval`` epochs, each trial pauses
    until all others have reached the same epoch, which works with any number of workers. Then the
    worst quarter continues with the weights and perturbed hyperparameters of the best quarter (see
    :mod:`tune_mnist.tuning.schedulers.exploit`).

    Ray's implementation cannot be combined with a searcher, by default compares trials at
    different epochs, and draws from the global random state. This implementation depends only on
    the values in the study, so that a resumed search repeats the same exploits. Trials that
    diverge or fail are not replaced.

    Source: Jaderberg et al., "Population Based Training of Neural Networks", arXiv 1711.09846.
    """

    accepts = frozenset({"perturbation_interval"})
    stops_early = False
    exploits = True
    fixed_population = True
    default_searcher = "random"

    def __init__(self, options: SchedulerOptions) -> None:
        super().__init__(options)
        self._interval = options.perturbation_interval
        self._search: SearchLink
        self._closed = 0
        """Epoch of the last comparison."""
        self._values: dict[int, dict[int, float]] = defaultdict(dict)
        self._ended: set[int] = set()
        self._held: set[int] = set()
        """Trials that wait for a comparison and keep their workers."""

    @classmethod
    def check(cls, options: SchedulerOptions) -> None:
        """Check that there are at least two trials, and that they are compared at least once.

        Raises:
            UserError: There is only one trial, or no comparison takes place before the last epoch.
        """
        if options.num_samples < MIN_POPULATION:
            raise UserError(
                f"--num-samples must be at least {MIN_POPULATION} with --scheduler {options.name},"
                f" which compares trials with each other, but is {options.num_samples}"
            )
        if 1 < options.max_epochs <= options.perturbation_interval:
            raise UserError(
                f"--perturbation-interval must be less than --max-epochs {options.max_epochs}, but"
                f" is {options.perturbation_interval}, so that trials would never be compared"
            )

    def connect(self, search: SearchLink) -> None:
        """Restore the accuracies of earlier runs, and store the link for carrying out exploits."""
        super().connect(search)
        self._search = search
        self._closed = search.closed_round
        for trial in search.trials:
            self._values[trial.number] = dict(trial.values)
        self._ended |= {trial.number for trial in search.trials if trial.ended}

    def wants_new_trial(self) -> bool:
        """Return whether a worker is free and the population is not complete yet."""
        return self._are_missing() and self.count_active() < self.max_concurrent

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Add a new trial, or an unfinished trial of a resumed search."""
        super().on_trial_add(tune_controller, trial)
        self._ended.discard(trial.config[NUMBER])

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Decide whether the trial continues, waits for a comparison, or ends after an epoch."""
        if METRIC not in result:
            return self.CONTINUE
        number, epoch = trial.config[NUMBER], result[TIME_ATTR]
        self._values[number].setdefault(epoch, result[METRIC])
        if epoch >= self._options.max_epochs:
            return self.STOP
        if epoch % self._interval or epoch <= self._closed:
            return self.CONTINUE
        if self._worker_is_wanted():
            return self.PAUSE
        # No other trial needs the worker, so keep it while waiting. This saves a restart.
        self._held.add(number)
        return self.NOOP

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return the paused trial to continue. None if no trial is ready or no worker is free."""
        # After the loss of a node, waiting trials must release their workers, since the trials
        # that lost a worker need one to reach the epoch of the comparison.
        while self._held and self.count_active() > self.max_concurrent:
            held = self._trials[self._held.pop()]
            tune_controller.pause_trial(held, should_checkpoint=False)
        if self._all_wait():
            self._compare(self._closed + self._interval, tune_controller)
        ready = self._ready()
        if not ready or self.count_active() >= self.max_concurrent:
            return None
        return self._trials[min(ready, key=lambda number: (self._epoch(number), number))]

    def debug_string(self) -> str:
        """Return a one-line description of the population."""
        return f"population of {len(self._trials)}, compared after epoch {self._closed}"

    def _end(self, number: int) -> None:
        super()._end(number)
        self._held.discard(number)
        self._ended.add(number)

    def _epoch(self, number: int) -> int:
        return max(self._values[number], default=0)

    def _ready(self) -> list[int]:
        """Return the numbers of the paused trials that may continue."""
        return [
            number
            for number, trial in self._trials.items()
            if trial.status == Trial.PAUSED and self._epoch(number) <= self._closed
        ]

    def _worker_is_wanted(self) -> bool:
        """Return whether a trial that does not run could use a worker."""
        pending = any(trial.status == Trial.PENDING for trial in self._trials.values())
        return pending or bool(self._ready()) or self._are_missing()

    def _are_missing(self) -> bool:
        """Return whether some trials of the population have not been added yet."""
        return len(self._trials) + len(self._ended) < self._options.num_samples

    def _all_wait(self) -> bool:
        """Return whether all trials of the population wait for a comparison."""
        # Ray's status of a trial is RUNNING until its pause is complete.
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
        """Compare the population after an epoch, and let the worst trials exploit the best."""
        models = {number: trial.config["model"] for number, trial in self._trials.items()}
        values = {number: self._values[number][epoch] for number in self._trials}
        seed = self._options.seed
        sources = choose_sources(values, models, seed, epoch)
        configs = {number: dict(self._trials[number].config) for number in sources.values()}
        # Carry out all exploits before any trial continues and replaces its checkpoint.
        for target, source in sources.items():
            params = perturb(configs[source], self._search.space, seed, epoch, target)
            params.pop(NUMBER)
            self._search.exploit(Exploit(target, source, epoch, params))
            if target in self._held:
                self._held.remove(target)
                tune_controller.pause_trial(self._trials[target], should_checkpoint=False)
            self._trials[target].set_config({NUMBER: target, **params})
        self._search.close_round(epoch)
        self._closed = epoch
        for number in self._held:
            continue_held(tune_controller, self._trials[number])
        self._held.clear()
