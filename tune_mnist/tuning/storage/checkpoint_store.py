"""Protocols that every checkpoint store implements."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tune_mnist.training import Trainer

STALE_WORKER = "the search continues without this worker"
"""Error message for a worker of a killed search, or one that another worker has replaced."""


class PlaceMissingError(Exception):
    """Raised if this machine cannot access the folder of the checkpoints.

    The trial may still be able to run on another machine.
    """


class Checkpoints(Protocol):
    """Checkpoints of one trial or final run. Only the newest checkpoint is kept.

    Only the worker that called ``restore`` last can save a checkpoint: ``restore`` writes a token
    beside the checkpoints, and ``save`` requires this token. This excludes workers that Ray has
    replaced because their node lost contact to the head node, but that still train and can access
    the checkpoints.
    """

    def newest_epoch(self) -> int:
        """Return the epoch of the newest complete checkpoint, or 0 if there is none."""

    def save(self, trainer: Trainer) -> None:
        """Save a checkpoint of a trainer, and delete the previous checkpoint.

        If an error is raised, the previous checkpoint is kept.

        Args:
            trainer: Trainer to save.

        Raises:
            RuntimeError: This worker is stale, because another worker has got the trial or the
                trial has ended.
            OSError: The checkpoint cannot be written, for example because the disk is full.
            StorageError: The bucket cannot be reached.
        """

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Restore a trainer from the newest usable checkpoint, and claim the write access.

        Args:
            build: Function that creates an untrained trainer.

        Returns:
            Trainer, and one message for each unusable checkpoint.

        Raises:
            RuntimeError: This worker belongs to an earlier session of a resumed search.
            PlaceMissingError: This machine cannot access the folder.
            StorageError: The bucket cannot be reached.
        """

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights of the checkpoint at an epoch to a local file.

        Args:
            epoch: Epoch of the checkpoint.
            target: Path of the local file.
        """

    def remove(self) -> None:
        """Delete all checkpoints."""


class CheckpointStore(Protocol):
    """Checkpoints of all trials and final runs of a search.

    Each start or resume of a search is a session. Only the latest session can write to the store,
    because it revokes the write access of the workers of earlier sessions. ``str`` returns the
    path or URI of the store.
    """

    @property
    def poll_seconds(self) -> float:
        """Minimum interval between two polls for new checkpoints in seconds."""

    def start(self) -> None:
        """Revoke the write access of all earlier sessions of the search."""

    def of(self, name: str) -> Checkpoints:
        """Return the checkpoints of a trial or final run, given its name."""

    def names(self) -> list[str]:
        """Return the names of the trials and final runs that have stored files."""

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Replace the checkpoints of a trial with a checkpoint of another trial.

        Args:
            target: Name of the trial whose checkpoints are replaced.
            source: Name of the trial whose checkpoint is copied.
            epoch: Epoch of the copied checkpoint.
        """
