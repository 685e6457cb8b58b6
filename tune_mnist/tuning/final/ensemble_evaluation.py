"""Selection of an ensemble from the best trials, and its test."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import RayError

from tune_mnist.data import Dataset, DataSplit
from tune_mnist.errors import last_line
from tune_mnist.safe_paths import path_in
from tune_mnist.training import (
    CheckpointError,
    create_batches,
    expected_calibration_error,
    fit_temperature,
    logits_and_labels,
    probabilities,
)
from tune_mnist.training.ensemble_file import (
    ENSEMBLE_FOLDER,
    Candidate,
    Ensemble,
    EnsembleTest,
    Predictions,
    member_folder,
    read_ensemble,
    write_ensemble,
)
from tune_mnist.tuning.final.ensemble_choice import choose_members, score_of
from tune_mnist.tuning.final.kept_network import KeptNetwork, read_kept_network
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.recording.trial_record import BROKEN, TrialRecord
from tune_mnist.tuning.storage.candidate_models import VALIDATION_FILE, candidates_of
from tune_mnist.tuning.storage.kept_models import BestConfig
from tune_mnist.tuning.trials.trainable import TrialSettings

Say = Callable[[str], None]

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
        directory: Results folder of the search.
        dataset: Data set that contains the test images.
        shared: Training and validation images in Ray's object store.
        settings: Settings shared by all trials.
        workers: Number and resources of the workers, the same as for trials.
        max_failures: Maximum number of retries of an evaluation after its worker has died.
    """

    directory: Path
    dataset: Dataset
    shared: "ray.ObjectRef[DataSplit]"
    settings: TrialSettings
    workers: Workers
    max_failures: int

    def choose(self, records: Sequence[TrialRecord], say: Say) -> Ensemble | None:
        """Choose an ensemble, or reuse the stored ensemble if it has the same candidates.

        The logits of all candidates on the validation images are written to ``validation.npz``.

        Args:
            records: Records of all trials. Trials that diverged or failed are not candidates.
            say: Function to print a warning with if the candidates cannot be evaluated.

        Returns:
            Ensemble, with its test results if these were stored earlier. None if there are no
            candidates or they cannot be evaluated.

        Raises:
            UserError: A stored file of a candidate is damaged.
        """
        stored = read_ensemble(self.directory)
        if stored is not None:
            return stored
        with _warned(say, "chosen"):
            return self._choose(records)
        return None

    def finish(self, ensemble: Ensemble, say: Say) -> None:
        """Test the chosen ensemble and write the results, unless they are already stored.

        Args:
            ensemble: Chosen ensemble.
            say: Function to print the result with, or a warning if the test fails.
        """
        if read_ensemble(self.directory) is not None:
            return
        with _warned(say, "tested"):
            if ensemble.size > 1:
                ensemble = ensemble.model_copy(update={"test": self._test(ensemble)})
            write_ensemble(self.directory, ensemble)
            if ensemble.test is not None:
                accuracy = ensemble.test.accuracy(ensemble.test.ensemble)
                say(f"ensemble of {ensemble.describe()}: test_accuracy {accuracy:.4f}")

    def _choose(self, records: Sequence[TrialRecord]) -> Ensemble | None:
        usable = {record.number for record in records if record.state not in BROKEN}
        found = candidates_of(self.directory).values()
        configs = [config for config in found if config.trial in usable]
        logits = [each.astype(np.float16) for each in self._logits(configs, self.shared)]
        finite = [index for index, each in enumerate(logits) if np.isfinite(each).all()]
        if not finite:
            return None
        split = ray.get(self.shared)
        labels = split.labels[split.val]
        configs, logits = [configs[index] for index in finite], [logits[index] for index in finite]
        self._write(configs, logits, labels)
        return chosen_ensemble(configs, logits, labels)

    def _test(self, ensemble: Ensemble) -> EnsembleTest:
        images, labels = self.dataset.test_images, self.dataset.test_labels
        split = ray.get(self.shared)
        indices = np.arange(len(labels))
        test = replace(split, images=images, labels=labels, train=indices[:0], val=indices)
        configs = {config.trial: config for config in candidates_of(self.directory).values()}
        members = [configs[member.trial] for member in ensemble.members]
        predicted = [probabilities(each) for each in self._logits(members, ray.put(test))]
        counts = [member.count for member in ensemble.members]
        return EnsembleTest(
            images=len(labels),
            ensemble=_predictions(np.average(predicted, axis=0, weights=counts), labels),
            single=_predictions(predicted[0], labels),
        )

    def _logits(
        self, configs: Sequence[BestConfig], data: "ray.ObjectRef[DataSplit]"
    ) -> list[NDArray[np.float32]]:
        """Return the outputs of candidates for the validation images of a data split."""
        task = ray.remote(
            num_cpus=self.workers.cpus,
            num_gpus=self.workers.gpus,
            max_retries=self.max_failures,
        )(validation_logits)
        found: list[NDArray[np.float32]] = []
        # As many at a time as run, so that no more weights are in memory.
        for first in range(0, len(configs), self.workers.concurrent):
            networks = [self._network(each) for each in configs[first:][: self.workers.concurrent]]
            found += ray.get([task.remote(each, data, self.settings) for each in networks])
        return found

    def _network(self, config: BestConfig) -> KeptNetwork:
        folder = path_in(self.directory, ENSEMBLE_FOLDER, member_folder(config.trial))
        return read_kept_network(folder, config, self.settings.data.channels)

    def _write(
        self,
        configs: Sequence[BestConfig],
        logits: Sequence[NDArray[np.float16]],
        labels: NDArray[np.int64],
    ) -> None:
        folder = path_in(self.directory, ENSEMBLE_FOLDER)
        arrays: dict[str, Any] = {"labels": labels}
        arrays |= {
            member_folder(config.trial): each for config, each in zip(configs, logits, strict=True)
        }
        partial = path_in(folder, f".{VALIDATION_FILE}.part")
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
        partial.replace(path_in(folder, VALIDATION_FILE))


@contextmanager
def _warned(say: Say, step: str) -> Iterator[None]:
    """Context manager that prints errors as warnings, as a search needs no ensemble."""
    try:
        yield
    except (RayError, CheckpointError) as error:
        say(f"the ensemble was not {step}: {last_line(error)}")


def validation_logits(
    kept: KeptNetwork, data: DataSplit, settings: TrialSettings
) -> NDArray[np.float32]:
    """Return the outputs of a stored network for the validation images, float32 (N, C).

    Args:
        kept: Stored network.
        data: Images, labels and indices of the validation images.
        settings: Settings shared by all trials.
    """
    network, compute = kept.loaded(settings)
    batches = create_batches(kept.config, data.images, data.labels, data.val, compute)
    logits, _ = logits_and_labels(network, batches, compute)
    found: NDArray[np.float32] = logits.clamp(-MAX_LOGIT, MAX_LOGIT).cpu().numpy()
    return found


def chosen_ensemble(
    configs: Sequence[BestConfig],
    logits: Sequence[NDArray[np.floating]],
    labels: NDArray[np.int64],
) -> Ensemble:
    """Select an ensemble from the candidates greedily, without testing it.

    Args:
        configs: Configuration and origin of each candidate.
        logits: Logits of each candidate for the validation images (N, C).
        labels: Labels of the validation images (N,).
    """
    predicted = [probabilities(each) for each in logits]
    chosen = choose_members(predicted, labels)
    counts = Counter(chosen)
    scores = [score_of(each, labels) for each in predicted]
    ranked = sorted(range(len(configs)), key=lambda index: scores[index], reverse=True)
    return Ensemble(
        candidates=[
            Candidate(
                trial=configs[index].trial,
                model=configs[index].model,
                epoch=configs[index].epoch,
                val_accuracy=scores[index][0],
                temperature=fit_temperature(logits[index], labels),
                count=counts[index],
            )
            for index in ranked
        ],
        val_images=len(labels),
        val_accuracy=score_of(np.mean([predicted[index] for index in chosen], axis=0), labels)[0],
    )


def _predictions(predicted: NDArray[np.float64], labels: NDArray[np.int64]) -> Predictions:
    return Predictions.of(
        np.flatnonzero(predicted.argmax(axis=1) != labels).tolist(),
        expected_calibration_error(predicted, labels),
    )
