"""Cheaper beginnings: a run whose first epochs see smaller images, or fewer of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs that are trained and validated alike.

    Attributes:
        epochs: the last epoch of the stage.
        image_size: side of the input in pixels.
        fraction: share of the training part that is trained on.
    """

    epochs: int
    image_size: int
    fraction: float


@dataclass(frozen=True)
class Fidelity:
    """The stages that a run goes through, with the same weights and optimizer all along.

    Source: training on larger and larger images is "progressive resizing" (Howard, fast.ai's
    entry to DAWNBench, 2018); rungs that differ in more than epochs are the "fidelities" of
    multi-fidelity optimisation (Kandasamy et al., ICML 2017).

    Attributes:
        stages: in their order; the last one has all the images that the run is given, and goes
            on for as long as the run does.
    """

    stages: tuple[Stage, ...]

    def number_at(self, epoch: int) -> int:
        """Return which stage an epoch belongs to, from 1."""
        return 1 + sum(epoch > stage.epochs for stage in self.stages[:-1])

    def at(self, epoch: int) -> Stage:
        """Return the stage of an epoch, which counts from 1."""
        return self.stages[self.number_at(epoch) - 1]

    def share(self, stage: Stage) -> float:
        """Return a stage's share of the training images that the run is given."""
        return stage.fraction / self.stages[-1].fraction
