"""Weights of the best trials of a search, from which an ensemble is chosen."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tune_mnist.errors import UserError
from tune_mnist.files import is_written
from tune_mnist.safe_paths import files_in, folders_in, path_in, remove_files
from tune_mnist.stored_json import read_stored
from tune_mnist.training import CONFIG_FILE, MODEL_FILE
from tune_mnist.training.ensemble_file import ENSEMBLE_FILE, ENSEMBLE_FOLDER, member_folder
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints
from tune_mnist.tuning.storage.kept_models import PART_OF_MODEL, BestConfig, keep_model

MAX_CANDIDATES = 8
"""Candidates of a search, divided among the architectures and rounded up, at least --finalists."""

MAX_CANDIDATE_BYTES = 2_000_000_000
"""Maximum disk space of the candidates; more only if the finalists take more.
The weights of VGG take 0.5 GB."""

VALIDATION_FILE = "validation.npz"
"""Logits of the candidates on the validation images, beside their folders."""

_FOLDER = re.compile(r"trial-\d{1,10}", re.ASCII)
_PARTIAL = re.compile(r"\.(trial-\d{1,10})\.part", re.ASCII)
_BYTES_PER_PARAMETER = 4

Rank = tuple[int, float]
"""Stage and validation accuracy of an epoch."""


@dataclass(frozen=True)
class CandidateLimits:
    """Limits of the candidates of each architecture.

    Attributes:
        architectures: Number of architectures in the search space.
        finalists: Number of finalists of an architecture, which are always candidates.
    """

    architectures: int
    finalists: int

    @property
    def count(self) -> int:
        """Maximum number of candidates."""
        return max(self.finalists, -(-MAX_CANDIDATES // self.architectures))

    @property
    def size(self) -> int:
        """Maximum disk space of the candidates in bytes, which finalists may exceed."""
        return MAX_CANDIDATE_BYTES // self.architectures


def candidates_of(
    directory: Path, refuse: Callable[[Path, UserError], object] | None = None
) -> dict[Path, BestConfig]:
    """Return the folders of all candidates with their configurations, by number of the trial.

    Candidates with a damaged configuration are left out.

    Args:
        directory: Results folder.
        refuse: Function that is called with the folder of each damaged candidate and the reason.
    """
    parent = path_in(directory, ENSEMBLE_FOLDER)
    found = {}
    for name in sorted(folders_in(parent), key=lambda name: (len(name), name)):
        folder = parent / name
        if not _FOLDER.fullmatch(name) or CONFIG_FILE not in files_in(folder):
            continue
        try:
            found[folder] = _read_config(folder)
        except UserError as error:
            if refuse is not None:
                refuse(folder, error)
    return found


def remove_ensemble(directory: Path) -> None:
    """Remove the files of a chosen ensemble; the weights of the candidates are kept."""
    for name in (ENSEMBLE_FILE, VALIDATION_FILE):
        path_in(directory, ENSEMBLE_FOLDER, name).unlink(missing_ok=True)


class _Kept(NamedTuple):
    """Candidate, ordered from the worst to the best."""

    stage: int
    accuracy: float
    minus_trial: int  # of equal trials the first is the better one, as in the ranking of trials
    size: int


class CandidateModels:
    """Weights of the trials from which an ensemble will be chosen, each after its best epoch.

    All architectures together have 8 candidates (more if 8 cannot be divided equally), with at
    most 2 GB of weights. The finalists are candidates in any case.

    Args:
        directory: Results folder. Candidates of earlier runs of the search compete with new ones.
        limits: Limits of the candidates of each architecture.
    """

    def __init__(self, directory: Path, limits: CandidateLimits) -> None:
        self._results = directory
        self._directory = path_in(directory, ENSEMBLE_FOLDER)
        self._limits = limits
        self._kept: dict[str, dict[int, _Kept]] = {}
        self._end_interrupted()
        for folder, config in candidates_of(directory).items():
            size = path_in(folder, MODEL_FILE).stat().st_size
            kept = _Kept(config.stage, config.val_accuracy, -config.trial, size)
            self._kept.setdefault(config.model, {})[config.trial] = kept

    def offer(
        self,
        rank: Rank,
        parameters: int,
        checkpoints: Checkpoints,
        epoch: int,
        config: Mapping[str, Any],
    ) -> None:
        """Keep the weights of an epoch if its trial is one of the best of its architecture.

        If the candidates change, the results of an earlier ensemble are removed.

        Args:
            rank: Stage and validation accuracy of the epoch.
            parameters: Number of parameters of the network.
            checkpoints: Checkpoints of the trial.
            epoch: Epoch of the checkpoint.
            config: Content of ``config.json``: configuration and origin of the weights.
        """
        trial = config["trial"]
        kept = self._kept.setdefault(config["model"], {})
        new = _Kept(*rank, -trial, _BYTES_PER_PARAMETER * parameters)
        if trial in kept and new[:3] <= kept[trial][:3]:
            return
        best = self._best({**kept, trial: new})
        if trial not in best:
            return
        remove_ensemble(self._results)
        for number in kept.keys() - best.keys():
            _remove(self._folder(number))
        partial = path_in(self._directory, f".{member_folder(trial)}.part")
        keep_model(partial, checkpoints, epoch, dict(config))
        size = max(new.size, (partial / MODEL_FILE).stat().st_size)
        _move(partial, self._folder(trial))
        self._kept[config["model"]] = best | {trial: new._replace(size=size)}

    def discard(self, trial: int) -> None:
        """Remove the weights of a trial that diverged or failed, and an ensemble chosen with it.

        Args:
            trial: Number of the trial.
        """
        for kept in self._kept.values():
            if kept.pop(trial, None) is not None:
                remove_ensemble(self._results)
                _remove(self._folder(trial))

    def _best(self, offered: Mapping[int, _Kept]) -> dict[int, _Kept]:
        """Return the best trials of an architecture that fit the limits."""
        ranked = sorted(offered.items(), key=lambda item: item[1][:3], reverse=True)
        best: dict[int, _Kept] = {}
        used = 0
        for index, (trial, kept) in enumerate(ranked[: self._limits.count]):
            if index < self._limits.finalists or used + kept.size <= self._limits.size:
                best[trial] = kept
                used += kept.size
        return best

    def _end_interrupted(self) -> None:
        """Complete or remove the candidates that a killed search was writing."""
        for name in folders_in(self._directory):
            folder = self._directory / name
            match = _PARTIAL.fullmatch(name)
            if match and CONFIG_FILE in files_in(folder):  # written last
                _move(folder, path_in(self._directory, match[1]))
            elif match:
                _remove(folder)
        for name in folders_in(self._directory):
            folder = self._directory / name
            if _FOLDER.fullmatch(name) and not {CONFIG_FILE, MODEL_FILE} <= {*files_in(folder)}:
                _remove(folder)

    def _folder(self, trial: int) -> Path:
        return path_in(self._directory, member_folder(trial))


def _read_config(folder: Path) -> BestConfig:
    path = path_in(folder, CONFIG_FILE)
    config = read_stored(path, BestConfig)
    if member_folder(config.trial) != folder.name:
        raise UserError(
            f"{path}: trial must be that of its folder {folder.name}, but is {config.trial}"
        )
    return config


def _move(partial: Path, folder: Path) -> None:
    """Replace a candidate by a new one; an interrupted move can be repeated.

    The configuration is removed first and moved last, so that weights are never beside the
    configuration of other weights.
    """
    if MODEL_FILE in files_in(partial):
        folder.mkdir(exist_ok=True)
        path_in(folder, CONFIG_FILE).unlink(missing_ok=True)
        (partial / MODEL_FILE).replace(path_in(folder, MODEL_FILE))
    (partial / CONFIG_FILE).replace(path_in(folder, CONFIG_FILE))
    _remove(partial)


def _remove(folder: Path) -> None:
    """Remove the files that a search writes into the folder of a candidate."""
    written = (CONFIG_FILE, MODEL_FILE)
    names = [name for name in files_in(folder) if any(is_written(name, each) for each in written)]
    # The configuration marks a complete candidate, so it is removed first.
    remove_files(folder, [CONFIG_FILE, PART_OF_MODEL, *names])
