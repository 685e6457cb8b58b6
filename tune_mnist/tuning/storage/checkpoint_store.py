"""Protocols of checkpoint stores."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tune_mnist.training import Trainer

STALE_WORKER = "the search continues without this worker"
"""Error message for a worker of a killed search, or for one that was replaced."""


class PlaceMissingError(Exception):
    """This machine does not see the folder of the checkpoints; another machine may see it."""


class Checkpoints(Protocol):
    """Checkpoints of one trial or final run. Only the newest is kept.

    Ray may replace a worker that still trains, because its node lost contact to the head but not
    to the checkpoints. Therefore ``restore`` writes a token beside the checkpoints, and ``save``
    requires this token: only the worker that restored last can save.
    """

    def newest_epoch(self) -> int:
        """Return the epoch of the newest complete checkpoint, or 0 if there is none."""

    def save(self, trainer: Trainer) -> None:
        """Save a trainer's checkpoint, and delete the previous one.

        The previous checkpoint is kept if an error is raised.

        Args:
            trainer: Trainer to save.

        Raises:
            RuntimeError: This worker is stale: another worker has the trial, or none has.
            OSError: The checkpoint cannot be written, for example because the disk is full.
            StorageError: The bucket cannot be reached.
        """

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Restore a trainer from the newest usable checkpoint, and claim the write access.

        Args:
            build: Function that creates an untrained trainer.

        Returns:
            The trainer, and one message for each unusable checkpoint.

        Raises:
            RuntimeError: The search was killed and resumed, so this worker is stale.
            PlaceMissingError: This machine does not see the folder.
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

    A store is writable by one session of a search. A session is one start or resume; it revokes
    the write access of the workers of earlier sessions. The string form of a store is its path or
    URI.
    """

    @property
    def poll_seconds(self) -> float:
        """Minimum interval between polls for new checkpoints, in seconds."""

    def start(self) -> None:
        """Revoke the write access of all earlier sessions of the search."""

    def of(self, name: str) -> Checkpoints:
        """Return the checkpoints of a trial or final run."""

    def names(self) -> list[str]:
        """Return the names of the trials and final runs that have stored files."""

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Replace the checkpoints of one trial by a checkpoint of another.

        Args:
            target: Name of the trial whose checkpoints are replaced.
            source: Name of the trial whose checkpoint is copied.
            epoch: Epoch of the copied checkpoint.
        """
