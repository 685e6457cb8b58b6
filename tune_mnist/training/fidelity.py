"""Fidelity stages: train the first epochs of a run on smaller or fewer images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """Stage of a run: consecutive epochs with the same image size and number of images.

    Attributes:
        epochs: Epoch after which the stage ends, counted from the start of the run.
        image_size: Side length of the input images in pixels.
        fraction: Fraction of the training split that is used in the stage.
    """

    epochs: int
    image_size: int
    fraction: float


@dataclass(frozen=True)
class Fidelity:
    """Fidelity stages of a run, from the cheapest to full fidelity.

    Weights and optimizer state carry over from stage to stage.

    Training on increasingly large images is "progressive resizing" (Howard, fast.ai's entry to
    DAWNBench, 2018). Rungs that differ in more than the number of epochs are the "fidelities" of
    multi-fidelity optimization (Kandasamy et al., ICML 2017).

    Attributes:
        stages: Stages in the order of training. The last stage uses the full fraction of the
            training images and lasts until the run ends.
    """

    stages: tuple[Stage, ...]

    def number_at(self, epoch: int) -> int:
        """Return the number of the stage that contains an epoch. Both numbers start at 1."""
        return 1 + sum(epoch > stage.epochs for stage in self.stages[:-1])

    def at(self, epoch: int) -> Stage:
        """Return the stage that contains an epoch. Epochs count from 1."""
        return self.stages[self.number_at(epoch) - 1]

    def share(self, stage: Stage) -> float:
        """Return the fraction of the run's training images that a stage uses."""
        return stage.fraction / self.stages[-1].fraction
