"""Weights of the best trials of a search, from which an ensemble is chosen."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.safe_paths import files_in, folders_in, path_in, remove_files
from tune_mnist.stored_json import read_stored
from tune_mnist.training import CONFIG_FILE, MODEL_FILE
from tune_mnist.training.ensemble_file import ENSEMBLE_FILE, ENSEMBLE_FOLDER, member_folder
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints
from tune_mnist.tuning.storage.kept_models import PART_OF_MODEL, BestConfig, keep_model

MAX_CANDIDATES = 8
"""Maximum candidates of a search; more only if each architecture needs one, or as finalists."""

MAX_CANDIDATE_BYTES = 2_000_000_000
"""Maximum disk space of the candidates; more only if each architecture needs one, or as finalists.
The weights of VGG take 0.5 GB."""

VALIDATION_FILE = "validation.npz"
"""Logits of the candidates on the validation images, beside their folders."""

_FOLDER = re.compile(r"trial-(\d{1,10})", re.ASCII)

Rank = tuple[int, float]
"""Stage and validation accuracy of an epoch."""


def candidates_of(directory: Path) -> dict[Path, BestConfig]:
    """Return the folder and the configuration of each candidate, keyed by trial number.

    Args:
        directory: Results folder.

    Raises:
        UserError: A configuration is damaged, or belongs to another trial than its folder.
    """
    parent = path_in(directory, ENSEMBLE_FOLDER)
    found = {}
    for name in sorted(folders_in(parent), key=lambda name: (len(name), name)):
        folder = parent / name
        if not _FOLDER.fullmatch(name) or CONFIG_FILE not in files_in(folder):
            continue
        path = path_in(folder, CONFIG_FILE)
        config = read_stored(path, BestConfig)
        if member_folder(config.trial) != name:
            raise UserError(
                f"{path}: trial must be that of its folder {name}, but is {config.trial}"
            )
        found[folder] = config
    return found


class CandidateModels:
    """Weights of the trials from which an ensemble will be chosen, each after its best epoch.

    The candidates are the best trials of each architecture. All architectures together have 8
    candidates, with at most 2 GB of weights. Each architecture has at least as many candidates as
    finalists.

    Args:
        directory: Results folder. Candidates of earlier runs of the search compete with new ones.
        architectures: Number of architectures in the search space.
        finalists: Number of finalists of an architecture.
    """

    def __init__(self, directory: Path, architectures: int, finalists: int) -> None:
        self._directory = path_in(directory, ENSEMBLE_FOLDER)
        self._architectures = architectures
        self._finalists = finalists
        self._kept: dict[str, dict[int, tuple[int, float, int]]] = {}
        for config in candidates_of(directory).values():
            order = (config.stage, config.val_accuracy, -config.trial)
            self._kept.setdefault(config.model, {})[config.trial] = order

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
        # Of equal trials the first is the better one, as in the ranking of the trials.
        order = (*rank, -trial)
        ranked = sorted({**kept, trial: max(order, kept.get(trial, order))}.items(), key=_order)
        best = dict(ranked[: self._capacity(parameters)])
        if best.get(trial) != order or kept.get(trial) == order:
            return
        for name in (ENSEMBLE_FILE, VALIDATION_FILE):
            path_in(self._directory, name).unlink(missing_ok=True)
        keep_model(self._folder(trial), checkpoints, epoch, dict(config))
        for number in kept.keys() - best.keys():
            remove_files(self._folder(number), [CONFIG_FILE, MODEL_FILE, PART_OF_MODEL])
        self._kept[config["model"]] = best

    def _capacity(self, parameters: int) -> int:
        """Return the number of candidates of an architecture."""
        share = MAX_CANDIDATE_BYTES // (4 * self._architectures * max(parameters, 1))
        return max(self._finalists, min(-(-MAX_CANDIDATES // self._architectures), share))

    def _folder(self, trial: int) -> Path:
        return path_in(self._directory, member_folder(trial))


def _order(ranked: tuple[int, tuple[int, float, int]]) -> tuple[int, float, int]:
    """Return the sort key of a trial, the best first."""
    stage, accuracy, minus_number = ranked[1]
    return -stage, -accuracy, -minus_number
