"""Where the checkpoints of a search are kept: what such a store must be able to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tune_mnist.training import Trainer

STALE_WORKER = "the search goes on without this worker"
"""What a worker is told that a killed search has left over, or that was given up."""


class PlaceMissingError(Exception):
    """The place of the checkpoints is not there on this machine; another one will do."""


class Checkpoints(Protocol):
    """The checkpoints of one trial or final run, of which just the newest is kept.

    A worker may be given up while it still trains: its node is silent to the head, but reaches the
    checkpoints. So whoever restores leaves a token beside them, and saves only while it is there:
    the last one to restore is the one to save.
    """

    def newest_epoch(self) -> int:
        """Return the epoch of the newest whole checkpoint, 0 if there is none."""

    def save(self, trainer: Trainer) -> None:
        """Write the trainer's checkpoint, and remove the one before.

        Raises:
            RuntimeError: another worker goes on with the run, or none does any more.
            OSError: it cannot be written, for want of room; the one before is still there.
            StorageError: the bucket cannot be reached; the one before is still there.
        """

    def restore(self, build: Callable[[], Trainer]) -> tuple[Trainer, list[str]]:
        """Return a trainer that goes on from the newest usable checkpoint, and claim the run.

        Args:
            build: makes a fresh trainer.

        Returns:
            The trainer, and for each checkpoint that was passed over a line that says why.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
            PlaceMissingError: this machine does not see the folder.
            StorageError: the bucket cannot be reached.
        """

    def copy_model(self, epoch: int, target: Path) -> None:
        """Copy the weights of the checkpoint of an epoch into a file of this machine."""

    def remove(self) -> None:
        """Remove all of them: the run will not go on."""


class CheckpointStore(Protocol):
    """The checkpoints of all trials and final runs of a search, and who may write them.

    A store belongs to one run of the search, another one after each resume; the workers that an
    earlier run has left over write nothing. As a text it is the place, for people.
    """

    @property
    def poll_seconds(self) -> float:
        """How often to ask what there is, at most."""

    def start(self) -> None:
        """Take the right to write away from every earlier run of the search."""

    def of(self, name: str) -> Checkpoints:
        """Return the checkpoints of the run of that name."""

    def names(self) -> list[str]:
        """Return the names of the runs that have left something."""

    def adopt(self, target: str, source: str, epoch: int) -> None:
        """Make one run's checkpoint of an epoch another one's own, and its only one."""
