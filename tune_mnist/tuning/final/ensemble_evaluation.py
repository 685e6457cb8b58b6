"""Selection of an ensemble from the best trials, and its test."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from tune_mnist.data import Dataset
from tune_mnist.errors import UserError
from tune_mnist.safe_paths import path_in
from tune_mnist.training import expected_calibration_error, probabilities
from tune_mnist.training.ensemble_file import (
    ENSEMBLE_FOLDER,
    Ensemble,
    EnsembleTest,
    Predictions,
    member_folder,
    read_ensemble,
    write_ensemble,
)
from tune_mnist.tuning.final.candidate_logits import candidate_logits, left_out
from tune_mnist.tuning.final.ensemble_choice import chosen_ensemble
from tune_mnist.tuning.final.final_progress import Say
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.recording.trial_record import BROKEN, TrialRecord, by_rank
from tune_mnist.tuning.storage.candidate_models import (
    VALIDATION_FILE,
    candidates_of,
    remove_ensemble,
)
from tune_mnist.tuning.storage.kept_models import BestConfig

MAX_LOGIT = 60_000.0
"""Limit of stored logits; float16 ends at 65,504."""


@dataclass(frozen=True)
class EnsembleEvaluation:
    """Selects an ensemble of trials on the validation images, and tests it once.

    The candidates are the networks of the best trials after their best epochs. The weights of the
    candidates are kept while the search runs. Final runs cannot be in the ensemble: they train on
    the validation images, so that no images are left for selecting them. On the test images, the
    ensemble is compared with its best single trial and with the final runs, which train on more
    images.

    Attributes:
        context: Context of the search.
        dataset: Data set that contains the test images.
    """

    context: SearchContext
    dataset: Dataset

    def best_trials(self, records: Sequence[TrialRecord]) -> list[int]:
        """Return the best trials of each architecture, as many as can be candidates."""
        best: dict[str, list[int]] = {}
        for record in by_rank(_usable(records)):
            trials = best.setdefault(record.config["model"], [])
            if len(trials) < self.context.candidate_limits.count:
                trials.append(record.number)
        return sorted(trial for trials in best.values() for trial in trials)

    def is_stored(self, records: Sequence[TrialRecord]) -> bool:
        """Return whether an ensemble of the trials that are now the best is stored.

        Raises:
            UserError: The file of the ensemble is damaged.
        """
        stored = read_ensemble(self.context.directory)
        if stored is None or stored.best_trials != self.best_trials(records):
            return False
        usable = {record.number for record in _usable(records)}
        return {candidate.trial for candidate in stored.candidates} <= usable

    def is_done(self, records: Sequence[TrialRecord], *, wanted: bool) -> bool:
        """Return whether no ensemble is left to choose, to test or to remove.

        Args:
            records: Records of all trials.
            wanted: Whether an ensemble is chosen if none is stored.

        Raises:
            UserError: The file of the ensemble is damaged.
        """
        directory = self.context.directory
        if read_ensemble(directory) is None:
            return not (wanted and candidates_of(directory))
        return self.is_stored(records)

    def drop_outdated(self, records: Sequence[TrialRecord], say: Say) -> None:
        """Remove the stored ensemble if other trials are now the best of the search.

        Trials of a search that was resumed without final runs are not candidates, because their
        weights are not kept, but they can be better than the trials of the ensemble.

        Args:
            records: Records of all trials.
            say: Function that prints a line if the ensemble is removed.

        Raises:
            UserError: The file of the ensemble is damaged.
        """
        if read_ensemble(self.context.directory) is not None and not self.is_stored(records):
            remove_ensemble(self.context.directory)
            say("the stored ensemble is removed: it was chosen before other trials were the best")

    def choose(
        self, records: Sequence[TrialRecord], say: Say, without: Collection[int] = ()
    ) -> Ensemble | None:
        """Choose an ensemble, unless the results folder contains one.

        The logits of all candidates on the validation images are written to ``validation.npz``.

        Args:
            records: Records of all trials. Trials that diverged or failed are not candidates.
            say: Function that prints the progress, and a line for each candidate that is left out.
            without: Numbers of trials that are not candidates.

        Returns:
            Ensemble, which includes its test if the test was stored earlier. None if there are no
            candidates, or if none can be evaluated.

        Raises:
            UserError: The file of the ensemble is damaged.
        """
        stored = read_ensemble(self.context.directory)
        if stored is not None:
            return stored

        def refuse(folder: Path, error: UserError) -> None:
            say(f"{folder.name} is left out of the ensemble: {error}; repair or remove {folder}")

        usable = {record.number for record in _usable(records)}
        found = candidates_of(self.context.directory, refuse).values()
        configs = [each for each in found if each.trial in usable - {*without}]
        if not configs:
            return None
        split = ray.get(self.context.shared)
        labels = split.labels[split.val]
        say(
            f"ensemble: starting workers, which evaluate {_networks(configs)} on"
            f" {len(labels):,} validation images"
        )
        outputs = candidate_logits(self.context, configs, self.context.shared, say)
        if not outputs:
            return None
        configs = [config for config in configs if config.trial in outputs]
        logits = [_stored(outputs[config.trial]) for config in configs]
        self._write(configs, logits, labels)
        ensemble = chosen_ensemble(configs, logits, labels)
        return ensemble.model_copy(update={"best_trials": self.best_trials(records)})

    def finish(self, ensemble: Ensemble, records: Sequence[TrialRecord], say: Say) -> None:
        """Test an ensemble and write the results, unless they are already stored.

        If a network cannot be tested, another ensemble is chosen without it.

        Args:
            ensemble: Chosen ensemble.
            records: Records of all trials.
            say: Function that prints the result, and a line for each candidate that is left out.
        """
        if read_ensemble(self.context.directory) is not None:
            return
        tested: Ensemble | None = ensemble
        failed: set[int] = set()
        while tested is not None and tested.size > 1:
            outputs = self._outputs(tested, say)
            failed |= {member.trial for member in tested.members} - outputs.keys()
            if not failed & {member.trial for member in tested.members}:
                test = self._test(tested, outputs)
                tested = tested.model_copy(update={"test": test})
                accuracy = test.accuracy(test.ensemble)
                say(f"ensemble of {tested.describe()}: test accuracy {accuracy:.4f}")
                break
            tested = self.choose(records, say, failed)
        if tested is not None:
            write_ensemble(self.context.directory, tested)

    def _outputs(self, ensemble: Ensemble, say: Say) -> dict[int, NDArray[np.float32]]:
        """Return the logits of the networks of an ensemble on the test images, by trial."""
        images, labels = self.dataset.test_images, self.dataset.test_labels
        split = ray.get(self.context.shared)
        indices = np.arange(len(labels))
        test = replace(split, images=images, labels=labels, train=indices[:0], val=indices)
        found = candidates_of(self.context.directory).values()
        configs = {config.trial: config for config in found}
        members = [member.trial for member in ensemble.members]
        for trial in members:
            if trial not in configs:
                say(left_out(trial, "its configuration is missing"))
        kept = [configs[trial] for trial in members if trial in configs]
        say(f"ensemble: testing {_networks(kept)} on {len(labels):,} test images")
        return candidate_logits(self.context, kept, ray.put(test), say)

    def _test(
        self, ensemble: Ensemble, outputs: Mapping[int, NDArray[np.float32]]
    ) -> EnsembleTest:
        labels = self.dataset.test_labels
        predicted = [probabilities(outputs[member.trial]) for member in ensemble.members]
        counts = [member.count for member in ensemble.members]
        return EnsembleTest(
            images=len(labels),
            ensemble=_predictions(np.average(predicted, axis=0, weights=counts), labels),
            single=_predictions(predicted[0], labels),
        )

    def _write(
        self,
        configs: Sequence[BestConfig],
        logits: Sequence[NDArray[np.float16]],
        labels: NDArray[np.int64],
    ) -> None:
        folder = path_in(self.context.directory, ENSEMBLE_FOLDER)
        arrays: dict[str, Any] = {"labels": labels}
        arrays |= {
            member_folder(config.trial): each for config, each in zip(configs, logits, strict=True)
        }
        partial = path_in(folder, f".{VALIDATION_FILE}.part")
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
        partial.replace(path_in(folder, VALIDATION_FILE))


def _usable(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the records of the trials that neither diverged nor failed."""
    return [record for record in records if record.state not in BROKEN]


def _stored(logits: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return finite logits in the format of ``validation.npz``."""
    return logits.clip(-MAX_LOGIT, MAX_LOGIT).astype(np.float16)


def _networks(configs: Sequence[BestConfig]) -> str:
    return f"{len(configs)} network{'s' * (len(configs) != 1)}"


def _predictions(predicted: NDArray[np.float64], labels: NDArray[np.int64]) -> Predictions:
    return Predictions.of(
        np.flatnonzero(predicted.argmax(axis=1) != labels).tolist(),
        expected_calibration_error(predicted, labels),
    )
