"""Plan of a search whose trials and final evaluation fit into a time budget (``--budget``)."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tune_mnist.data import default_fraction
from tune_mnist.data.split import VAL_SHARE, count_validation
from tune_mnist.durations import clock
from tune_mnist.errors import UserError
from tune_mnist.models import get_architecture
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.estimate import (
    expected_final_seconds,
    expected_seconds,
    time_on_workers,
)
from tune_mnist.tuning.planning.speeds import Speeds
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.searching.registry import searcher_class
from tune_mnist.tuning.spaces.option_types import MAX_SAMPLES
from tune_mnist.tuning.spaces.space import SearchSpace

MIN_TRIALS = 8
"""Number of trials per architecture that a plan leaves time for, if possible."""

MIN_EPOCHS = 3
FRACTIONS = (1.0, 0.5, 0.25, 0.1, 0.05)
IMAGE_SIZES = (224, 160, 128, 96, 64, 48, 32)

MORE_TRIALS = 4
"""Factor by which the planned number of trials exceeds the expected one.

Thus the search ends because of the time, not because of the number of trials.
"""


@dataclass
class BudgetPlan:
    """Planner that chooses number of trials, epochs, image size and fraction for a time budget.

    More images are preferred to more trials. The plan uses the largest fraction of the images with
    which MIN_TRIALS trials of each architecture and the final runs fit into the time. If no
    fraction fits, the epochs are reduced, then the image size, then the seeds of the final runs to
    one, and then the fraction is halved. The search starts trials until the time is used up.

    Attributes:
        space: Search space.
        options: Options of the search before planning.
        fixed: Names of the options that must keep their values.
        images: Number of images in the training and validation splits together.
        test_images: Number of test images.
        concurrent: Number of concurrent trials, at least 1.
        measure: Function from the side length of the images in pixels to the speeds of a worker.
        exempt: Number of trials that the scheduler neither pauses nor stops.
    """

    space: SearchSpace
    options: SearchOptions
    fixed: frozenset[str]
    images: int
    test_images: int
    concurrent: int
    measure: Callable[[int], Speeds]
    exempt: int = 0
    _speeds: dict[int, Speeds] = field(default_factory=dict, init=False)

    def options_for(self, left: Callable[[], float]) -> SearchOptions:
        """Return the options of a search that fits into the remaining time.

        Args:
            left: Function that returns the seconds left for trials and final runs. It is called
                after each measurement, because a measurement takes time, too.

        Raises:
            UserError: The time is too short even for one epoch of each architecture and the final
                runs.
        """
        trials = MIN_TRIALS * len(self.space.models)
        chosen = self.options
        for chosen in self._candidates():
            if self.seconds(chosen, trials) <= left():
                break
        seconds = left()
        least = self._epoch_seconds(chosen) / self.concurrent + self._final_seconds(chosen)
        if least > seconds:
            raise UserError(
                f"--budget {self.options.budget or 0:g}s is too short: {clock(max(seconds, 0))}"
                " are left for the trials and final runs, but the smallest plan takes"
                f" {clock(least)}; use more time, or --final-seeds 0"
            )
        planned = chosen.model_copy(update=self._number_of_trials(chosen, seconds))
        return SearchOptions.checked(self.space, **planned.model_dump())

    def speeds(self, image_size: int) -> Speeds:
        """Return the speeds of a worker at an image size. Each size is measured only once."""
        if image_size not in self._speeds:
            self._speeds[image_size] = self.measure(image_size)
        return self._speeds[image_size]

    def seconds(self, options: SearchOptions, trials: int) -> float:
        """Return the expected wall time of the trials and the final runs in seconds.

        Args:
            options: Options of the search.
            trials: Number of trials, at least 1. It is used instead of the number in the options.
        """
        return self._trial_seconds(options, trials) + self._final_seconds(options)

    def _candidates(self) -> Iterator[SearchOptions]:
        """Yield possible options, from the most to the least expensive ones."""
        keys = ("final_seeds", "image_size", "max_epochs", "fraction")
        choices = (self._seeds(), self._sizes(), self._epochs(), self._fractions())
        options = self.options
        for values in itertools.product(*choices):
            options = self.options.model_copy(update=dict(zip(keys, values, strict=True)))
            yield options
        if options.fraction < 1 and not self._keeps("fraction"):
            yield options.model_copy(update={"fraction": options.fraction / 2})

    def _seeds(self) -> list[int]:
        seeds = self.options.final_seeds
        return [seeds] if "final_seeds" in self.fixed or seeds <= 1 else [seeds, 1]

    def _sizes(self) -> list[int]:
        size = self.options.image_size
        free = any(get_architecture(model).fixed_size is None for model in self.space.models)
        if self._keeps("image_size") or not free:
            return [size]
        return [size, *(smaller for smaller in IMAGE_SIZES if smaller < size)]

    def _epochs(self) -> list[int]:
        most = self.options.max_epochs
        least = max(MIN_EPOCHS, self.options.grace_period)
        if scheduler_class(self.options.scheduling.name).exploits:
            least = max(least, self.options.perturbation_interval + 1)
        if self._keeps("max_epochs") or most <= least:
            return [most]
        return sorted({most, (most + least) // 2, least}, reverse=True)

    def _fractions(self) -> list[float]:
        if self._keeps("fraction"):
            return [self.options.fraction]
        enough = {default_fraction(fraction, self.images) for fraction in FRACTIONS}
        return sorted(enough, reverse=True)

    def _keeps(self, option: str) -> bool:
        # The stages of a space define their own epochs, image sizes and fractions.
        return option in self.fixed or bool(self.space.fidelity)

    def _number_of_trials(self, options: SearchOptions, seconds: float) -> dict[str, Any]:
        population = scheduler_class(options.scheduling.name).exploits
        enumerated = searcher_class(options.searcher).enumerates
        if "num_samples" in self.fixed or population or enumerated:
            return {}
        left = seconds - self._final_seconds(options)
        trials = len(self.space.models)
        while trials < MAX_SAMPLES and self._trial_seconds(options, 2 * trials) <= left:
            trials *= 2
        return {"num_samples": min(MORE_TRIALS * trials, MAX_SAMPLES)}

    def _trial_seconds(self, options: SearchOptions, trials: int) -> float:
        wanted = options.model_copy(update={"num_samples": trials})
        return expected_seconds(
            self.speeds(options.image_size),
            *self._trial_images(options),
            trials,
            wanted.scheduling_for(self.space),
            self.concurrent,
            options.fidelity(self.space),
            self.exempt,
        )

    def _trial_images(self, options: SearchOptions) -> tuple[int, int]:
        """Return the numbers of training and validation images of a trial."""
        val = round(VAL_SHARE * self.images)
        train = round(options.fraction * (self.images - val))
        return train, count_validation(val, options.fraction, options.val_fraction)

    def _epoch_seconds(self, options: SearchOptions) -> float:
        """Return the total time of one epoch of each architecture."""
        train, val = self._trial_images(options)
        speeds = self.speeds(options.image_size).values()
        return sum(train / speed.train + val / speed.validate for speed in speeds)

    def _final_seconds(self, options: SearchOptions) -> float:
        """Return the expected time of full validation, final runs and ensemble."""
        speeds = self.speeds(options.image_size)
        images = round(options.final_run_fraction * self.images)
        full = [VAL_SHARE * self.images / speed.validate for speed in speeds.values()]
        _, val = self._trial_images(options)
        return time_on_workers(full, self.concurrent) + expected_final_seconds(
            speeds, options, images, val, self.test_images, self.concurrent
        )
