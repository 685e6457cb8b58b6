"""Final evaluation of a search on the test set."""

import errno
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import OutOfMemoryError, RayError, WorkerCrashedError
from rich.console import Console

from tune_mnist.data import Dataset, DataSplit
from tune_mnist.data.split import VAL_SHARE
from tune_mnist.durations import Stopwatch
from tune_mnist.errors import last_line
from tune_mnist.stored_values import MAX_INDICES
from tune_mnist.tuning.final.ensemble_evaluation import EnsembleEvaluation
from tune_mnist.tuning.final.final_progress import (
    FinalProgress,
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
)
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.estimate import (
    START_SECONDS,
    expected_ensemble_seconds,
    time_on_workers,
)
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.storage.candidate_models import CandidateLimits
from tune_mnist.tuning.storage.kept_models import keep_model
from tune_mnist.tuning.trials.trainable import TrialSettings

FORWARD_SPEED = 2.0
"""Minimum number of images that any network classifies in the time of training on one image."""


class FinalEvaluation:
    """Final evaluation of a search, which estimates the test accuracy of the best configurations.

    Each finalist is trained from scratch with several seeds on the training and validation splits
    together. Each run classifies the test images once, after its last epoch. When a search is
    resumed, finished runs are kept, unfinished runs continue from their checkpoints, and runs of
    configurations that are no longer finalists are removed.

    Args:
        directory: Results folder of the search.
        dataset: Data set that contains the test images.
        shared: Training and validation images in Ray's object store.
        train: Indices of the images that the runs train on.
        options: Options of the search.
        settings: Settings shared by all trials.
        workers: Number and resources of the workers, the same as for trials.
        val_images: Number of validation images of a trial.
        architectures: Number of architectures in the search space.
        skipping_level: Validation accuracy that a trial must exceed for final runs of its
            configuration, because final runs of a network that only guesses would waste their
            time. None if all finalists get final runs.
    """

    def __init__(
        self,
        directory: Path,
        dataset: Dataset,
        shared: "ray.ObjectRef[DataSplit]",
        train: NDArray[np.int64],
        options: SearchOptions,
        settings: TrialSettings,
        workers: Workers,
        val_images: int,
        architectures: int,
        skipping_level: float | None = None,
    ) -> None:
        self._directory = directory
        self._dataset = dataset
        self._shared = shared
        self._train = train
        self._options = options
        self._settings = settings
        self._workers = workers
        self._val_images = val_images
        self._skipping_level = skipping_level
        limits = CandidateLimits(architectures, options.finalists)
        self._ensemble = EnsembleEvaluation(
            directory, dataset, shared, settings, workers, options.max_failures, limits
        )

    def expected_seconds(self, records: list[TrialRecord]) -> float:
        """Return the wall time in seconds that the final evaluation is expected to take.

        The time includes the evaluation of the best models on all validation images, all final
        runs with their tests except those that will be skipped, and the selection and test of the
        ensemble, unless it is stored. A search with a time
        budget calls this method to decide when trials must stop.

        Args:
            records: Records of all trials so far.
        """
        speeds = final_speeds(records, self._settings)
        tested = len(self._dataset.test_labels)
        validated = VAL_SHARE * len(self._dataset.train_labels)
        seconds = []
        chosen = choose(records, self._options, self._settings, len(self._train))
        made = read_final_runs(self._directory)
        guessing = no_better_than_guessing(chosen, records, self._skipping_level, made)
        for run in chosen:
            trained = run.config.max_epochs * run.train_images
            one = (trained + tested / FORWARD_SPEED) / speeds[run.trial] + START_SECONDS
            seconds += [one] * (0 if run in guessing else self._options.final_seeds)
            if run.best:
                seconds.append(validated / FORWARD_SPEED / speeds[run.trial])
        final = time_on_workers(sorted(seconds, reverse=True), self._workers.concurrent)
        ensemble = self._options.final_seeds and len(guessing) < len(chosen)
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
        options, store = self._options, self._settings.store
        self._ensemble.drop_outdated(records, say)
        chosen = choose(records, options, self._settings, len(self._train))
        made = drop_outdated(self._directory, chosen)
        done = {(run.trial, run.seed) for run in made}
        guessing = no_better_than_guessing(chosen, records, self._skipping_level, made)
        if guessing and options.final_seeds:
            say(describe_skipped(guessing, options))
        learned = [run for run in chosen if run not in guessing]
        planned = [run for first in learned for run in first.seeded(options.final_seeds)]
        todo = [run for run in planned if (run.trial, run.config.seed) not in done]
        store.start()
        drop_checkpoints(store, todo)
        if not planned:
            return []
        speeds = final_speeds(records, self._settings)
        todo.sort(key=lambda run: speeds[run.trial])  # slowest runs first, to balance the workers

        if todo:
            seconds = seconds_of_runs(
                todo, speeds, self._settings, self._workers.concurrent
            ) + self._ensemble_seconds(records, speeds)
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

    def _ensemble_seconds(self, records: list[TrialRecord], speeds: Mapping[int, float]) -> float:
        """Return the expected wall time of the selection and test of an ensemble to be chosen."""
        if self._ensemble.is_stored(records):
            return 0.0
        candidates = [number for number in self._ensemble.best_trials(records) if number in speeds]
        return expected_ensemble_seconds(
            [FORWARD_SPEED * speeds[number] for number in candidates],
            self._val_images,
            len(self._dataset.test_labels),
            self._workers.concurrent,
        )

    def _run_all(
        self, todo: list[PlannedRun], temperatures: Mapping[int, float], progress: FinalProgress
    ) -> list[str]:
        """Run all planned runs on the workers; return a one-line message for each failure."""
        task = ray.remote(
            num_cpus=self._workers.cpus,
            num_gpus=self._workers.gpus,
            max_retries=self._options.max_failures,
        )(train_and_test)
        data = [self._shared, ray.put(self._train)]
        data += [ray.put(self._dataset.test_images), ray.put(self._dataset.test_labels)]
        waiting = deque(todo)
        running: dict[ray.ObjectRef[Succeeded | Failed], PlannedRun] = {}
        failures: list[str] = []
        try:
            while waiting or running:
                while waiting and len(running) < self._workers.concurrent:
                    run = waiting.popleft()
                    temperature = temperatures.get(run.trial)
                    running[task.remote(run, *data, self._settings, temperature)] = run
                ended, _ = ray.wait(list(running), timeout=self._settings.store.poll_seconds)
                for run in running.values():
                    checkpoints = run.checkpoints(self._settings.store)
                    progress.show(run.name, checkpoints.newest_epoch())
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
        checkpoints = run.checkpoints(self._settings.store)
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
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._directory))
            progress.end(run.name, result.reason)
            return [f"final run {run.name}: {result.reason}"]
        for complaint in result.complaints:
            progress.say(f"final run {run.name}: unusable checkpoint: {complaint}")
        self._keep(run, result)
        checkpoints.remove()
        progress.end(run.name, f"test_accuracy {result.evaluation.accuracy:.4f}")
        return []

    def _keep(self, run: PlannedRun, tested: Succeeded) -> None:
        """Write the model of a run, then its result, which marks the run as finished."""
        accuracy, wrong = tested.evaluation.accuracy, tested.misclassified.tolist()
        if run.best and run.config.seed == self._options.seed:
            checkpoints = run.checkpoints(self._settings.store)
            keep_model(
                final_folder(self._directory, run.model),
                checkpoints,
                run.config.max_epochs,
                to_config(run, self._settings, accuracy),
            )
            write_misclassified(final_folder(self._directory, run.model), tested.confident_errors)
        write_final_run(
            self._directory,
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
            return f"its worker died {self._options.max_failures + 1} times"
        return last_line(error)
