"""Who may write checkpoints: one worker at a time, of one run of the search."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tune_mnist.files import write_text
from tune_mnist.training import CheckpointFolder, Trainer, restore_newest

_LOCK = ".writing"
_RUN = ".run"


@dataclass(frozen=True)
class SoleWriter:
    """The right of one run of a search to write checkpoints, shared by its workers.

    Only one checkpoint is being written at a time, so beside those that are kept no more than one
    takes up disk; and a worker that a killed search has left over writes none.

    Attributes:
        folder: where the checkpoints of all trials lie.
        run: name of this run of the search, another one after each resume.
    """

    folder: Path
    run: str

    def start(self) -> None:
        """Take the right away from every earlier run of the search."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            write_text(self.folder / _RUN, self.run)

    def restore(
        self, build: Callable[[], Trainer], checkpoints: CheckpointFolder
    ) -> tuple[Trainer, list[str]]:
        """Return a trainer that goes on from the newest usable checkpoint.

        Args:
            build: makes a fresh trainer.
            checkpoints: those of the same configuration.

        Returns:
            The trainer, and for each checkpoint that was passed over a line that says why.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
        """
        with self._held():
            return restore_newest(build, checkpoints)

    def save(self, trainer: Trainer, checkpoints: CheckpointFolder) -> None:
        """Write the trainer's checkpoint, and remove the one before.

        Raises:
            RuntimeError: the search was killed and resumed, and this worker is a leftover.
            OSError: it cannot be written; the one before is still there.
        """
        with self._held():
            trainer.save(checkpoints.at(trainer.epoch))
            checkpoints.keep_only(trainer.epoch)

    @contextmanager
    def _held(self) -> Iterator[None]:
        with FileLock(self.folder / _LOCK):
            if (self.folder / _RUN).read_text(encoding="utf-8") != self.run:
                raise RuntimeError("the search goes on without this worker")
            yield
