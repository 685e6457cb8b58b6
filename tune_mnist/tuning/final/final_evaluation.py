"""Final evaluation of a search on the test set."""

import errno
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import OutOfMemoryError, RayError, WorkerCrashedError
from rich.console import Console

from tune_mnist.data import Dataset
from tune_mnist.data.split import VAL_SHARE
from tune_mnist.durations import Stopwatch
from tune_mnist.errors import last_line
from tune_mnist.stored_values import MAX_INDICES
from tune_mnist.tuning.final.ensemble_evaluation import EnsembleEvaluation
from tune_mnist.tuning.final.final_progress import (
    FinalProgress,
    describe_kept,
    describe_runs,
    describe_skipped,
    stamped_lines,
)
from tune_mnist.tuning.final.final_seconds import final_speeds, seconds_of_runs
from tune_mnist.tuning.final.final_training import Failed, Succeeded, train_and_test
from tune_mnist.tuning.final.guessing import no_better_than_guessing
from tune_mnist.tuning.final.misclassified import write_misclassified
from tune_mnist.tuning.final.runs import FinalRun, final_folder, read_final_runs, write_final_run
from tune_mnist.tuning.final.selection import (
    PlannedRun,
    choose,
    drop_checkpoints,
    drop_outdated,
    to_config,
    without_outdated,
)
from tune_mnist.tuning.planning.estimate import (
    START_SECONDS,
    expected_ensemble_seconds,
    time_on_workers,
)
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import Speed
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.storage.kept_models import keep_model


@dataclass(frozen=True)
class _Plan:
    """Final runs of a search.

    Attributes:
        chosen: One run for each finalist.
        guessing: Finalists that have not learned and therefore get no runs.
        runs: All final runs.
        missing: Final runs that have not finished.
        outdated: Number of finished runs that do not belong to the plan.
    """

    chosen: list[PlannedRun]
    guessing: list[PlannedRun]
    runs: list[PlannedRun]
    missing: list[PlannedRun]
    outdated: int


@dataclass(frozen=True)
class FinalEvaluation:
    """Final evaluation of a search, which estimates the test accuracy of the best configurations.

    Each finalist is trained from scratch with several seeds on the training and validation splits
    together. Each run classifies the test images once, after its last epoch. When a search is
    resumed, finished runs are kept, unfinished runs continue from their checkpoints, and runs of
    configurations that are no longer finalists are removed.

    Attributes:
        context: Context of the search.
        dataset: Data set that contains the test images.
        train: Indices of the images that the runs train on.
        skipping_level: Validation accuracy that a trial must exceed for final runs of its
            configuration, because final runs of a network that only guesses would waste their
            time. None if all finalists get final runs.
    """

    context: SearchContext
    dataset: Dataset
    train: NDArray[np.int64]
    skipping_level: float | None = None

    def expected_seconds(self, records: list[TrialRecord]) -> float:
        """Return the wall time in seconds that the final evaluation is expected to take.

        The time includes the evaluation of the best models on all validation images, all final
        runs with their tests except those that will be skipped, and the selection and test of the
        ensemble, unless it is stored. A search with a time budget calls this method to decide when
        trials must stop.
        """
        options = self.context.options
        speeds = final_speeds(records, self.context)
        tested = len(self.dataset.test_labels)
        validated = VAL_SHARE * len(self.dataset.train_labels)
        seconds = []
        plan = self._plan(records)
        for run in plan.chosen:
            trained = run.config.max_epochs * run.train_images
            speed = speeds[run.trial]
            one = trained / speed.train + tested / speed.validate + START_SECONDS
            seconds += [one] * (0 if run in plan.guessing else options.final_seeds)
            if run.best:
                seconds.append(validated / speed.validate)
        final = time_on_workers(sorted(seconds, reverse=True), self.context.workers.concurrent)
        ensemble = options.final_seeds and len(plan.guessing) < len(plan.chosen)
        return final + self._ensemble_seconds(records, speeds) if ensemble else final

    def run(self, records: list[TrialRecord], console: Console, watch: Stopwatch) -> list[str]:
        """Perform all missing final runs, test the ensemble, and write the results.

        Args:
            records: Records of all trials.
            console: Console to show the progress on.
            watch: Stopwatch started with the command.

        Returns:
            One-line message for each run that failed. Failed runs are repeated when the search is
            resumed.

        Raises:
            OSError: The disk is full.
        """
        say = stamped_lines(console, watch)
        options, settings = self.context.options, self.context.settings
        self._ensemble.drop_outdated(records, say)
        plan = self._plan(records)
        planned, todo = plan.runs, plan.missing
        drop_outdated(self.context.directory, plan.chosen)
        if plan.guessing and options.final_seeds:
            say(describe_skipped(plan.guessing, options))
        settings.store.start()
        drop_checkpoints(settings.store, todo)
        if not planned:
            return []
        speeds = final_speeds(records, self.context)
        # Slowest runs first, to balance the workers.
        todo.sort(key=lambda run: speeds[run.trial].train)
        if not todo:
            say(describe_kept(planned))
        else:
            seconds = seconds_of_runs(todo, speeds, settings, self.context.workers.concurrent)
            seconds += self._ensemble_seconds(records, speeds)
            say(describe_runs(planned, len(todo), options, seconds))
        ensemble = self._ensemble.choose(records, say)
        failures: list[str] = []
        if todo:
            temperatures = ensemble.temperatures if ensemble is not None else {}
            try:
                with FinalProgress(console, options.final_run_epochs, watch) as progress:
                    failures = self._run_all(todo, temperatures, progress)
            except RayError as error:
                failures = [f"final evaluation: {last_line(error)}"]
        if ensemble is not None:
            self._ensemble.finish(ensemble, records, say)
        return failures

    def count_runs(self, records: list[TrialRecord]) -> tuple[int, int]:
        """Return the number of finished and of planned final runs.

        Args:
            records: Records of all trials.
        """
        plan = self._plan(records)
        return len(plan.runs) - len(plan.missing), len(plan.runs)

    def is_done(self, records: list[TrialRecord]) -> bool:
        """Return whether neither a final run nor the ensemble is left to do, or to remove.

        Args:
            records: Records of all trials.
        """
        plan = self._plan(records)
        ensemble = self._ensemble.is_done(records, wanted=bool(plan.runs))
        return not plan.outdated and not plan.missing and ensemble

    def _plan(self, records: list[TrialRecord]) -> "_Plan":
        options = self.context.options
        chosen = choose(records, options, self.context.settings, len(self.train))
        made = read_final_runs(self.context.directory)
        kept = without_outdated(made, chosen)
        guessing = no_better_than_guessing(chosen, records, self.skipping_level, kept)
        learned = [run for run in chosen if run not in guessing]
        runs = [run for first in learned for run in first.seeded(options.final_seeds)]
        done = {(run.trial, run.seed) for run in kept}
        missing = [run for run in runs if (run.trial, run.config.seed) not in done]
        return _Plan(chosen, guessing, runs, missing, outdated=len(made) - len(kept))

    @property
    def _ensemble(self) -> EnsembleEvaluation:
        return EnsembleEvaluation(self.context, self.dataset)

    def _ensemble_seconds(self, records: list[TrialRecord], speeds: Mapping[int, Speed]) -> float:
        """Return the expected wall time of the selection and test of an ensemble to be chosen."""
        if self._ensemble.is_stored(records):
            return 0.0
        candidates = [number for number in self._ensemble.best_trials(records) if number in speeds]
        return expected_ensemble_seconds(
            [speeds[number].validate for number in candidates],
            self.context.val_images,
            len(self.dataset.test_labels),
            self.context.workers.concurrent,
        )

    def _run_all(
        self, todo: list[PlannedRun], temperatures: Mapping[int, float], progress: FinalProgress
    ) -> list[str]:
        """Run all planned runs on the workers; return a one-line message for each failure."""
        settings, workers = self.context.settings, self.context.workers
        task = ray.remote(
            num_cpus=workers.cpus,
            num_gpus=workers.gpus,
            max_retries=self.context.options.max_failures,
        )(train_and_test)
        data = [self.context.shared, ray.put(self.train)]
        data += [ray.put(self.dataset.test_images), ray.put(self.dataset.test_labels)]
        waiting = deque(todo)
        running: dict[ray.ObjectRef[Succeeded | Failed], PlannedRun] = {}
        failures: list[str] = []
        try:
            while waiting or running:
                while waiting and len(running) < workers.concurrent:
                    run = waiting.popleft()
                    temperature = temperatures.get(run.trial)
                    running[task.remote(run, *data, settings, temperature)] = run
                ended, _ = ray.wait(list(running), timeout=settings.store.poll_seconds)
                for run in running.values():
                    progress.show(run.name, run.checkpoints(settings.store).newest_epoch())
                for reference in ended:
                    failures += self._end(running.pop(reference), reference, progress)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
        return failures

    def _end(
        self,
        run: PlannedRun,
        reference: "ray.ObjectRef[Succeeded | Failed]",
        progress: FinalProgress,
    ) -> list[str]:
        """Write the result of an ended run; return a one-line message if the run failed."""
        checkpoints = run.checkpoints(self.context.settings.store)
        try:
            result = ray.get(reference)
        except RayError as error:
            # The checkpoint is kept, so that a resumed search can continue the run.
            result = Failed(self._reason(error, run))
        else:
            if isinstance(result, Failed) and not result.disk_full:
                checkpoints.remove()
        if isinstance(result, Failed):
            if result.disk_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.context.directory))
            progress.end(run.name, result.reason)
            return [f"final run {run.name}: {result.reason}"]
        for complaint in result.complaints:
            progress.say(f"final run {run.name}: unusable checkpoint: {complaint}")
        self._keep(run, result)
        checkpoints.remove()
        progress.end(run.name, f"test accuracy {result.evaluation.accuracy:.4f}")
        return []

    def _keep(self, run: PlannedRun, tested: Succeeded) -> None:
        """Write the model of a run, then its result, which marks the run as finished."""
        accuracy, wrong = tested.evaluation.accuracy, tested.misclassified.tolist()
        directory, settings = self.context.directory, self.context.settings
        if run.best and run.config.seed == self.context.options.seed:
            folder = final_folder(directory, run.model)
            keep_model(
                folder,
                run.checkpoints(settings.store),
                run.config.max_epochs,
                to_config(run, settings, accuracy),
            )
            write_misclassified(folder, tested.confident_errors)
        write_final_run(
            directory,
            FinalRun(
                model=run.model,
                trial=run.trial,
                seed=run.config.seed,
                config=run.config.flat(),
                train_images=run.train_images,
                test_accuracy=accuracy,
                confusion=tested.evaluation.confusion.tolist(),
                train_seconds=tested.train_seconds,
                misclassified=None if len(wrong) > MAX_INDICES else wrong,
                best=run.best,
                calibration=tested.calibration,
            ),
        )

    def _reason(self, error: RayError, run: PlannedRun) -> str:
        """Return the reason why the worker of a run died or failed, as a one-line message."""
        if isinstance(error, OutOfMemoryError):
            return f"out of memory with batch_size {run.config.batch_size}"
        if isinstance(error, WorkerCrashedError):
            return f"its worker died {self.context.options.max_failures + 1} times"
        return last_line(error)
