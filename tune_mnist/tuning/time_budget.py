"""The time budget of a whole search: its plan, and the time to end the trials."""

import time
from dataclasses import replace

from tune_mnist.errors import UserError
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.budget import BudgetPlan
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import NotMeasuredError, Speeds, measure_on_workers
from tune_mnist.tuning.recording.trial_record import TrialRecord

REPORT_SECONDS = 15.0
"""Time of a search that is neither trials nor final runs: imports before it, the report after."""

_CHECK_SECONDS = 1.0  # between two estimates of the final runs


def measure(context: SearchContext, image_size: int | None = None) -> Speeds:
    """Measure the speed of each architecture on the workers.

    Args:
        context: Context of the search.
        image_size: Side of the images in pixels. If None, that of the search.

    Raises:
        NotMeasuredError: A worker failed.
    """
    settings = context.settings
    return measure_on_workers(
        context.space.typical_networks,
        context.shared,
        settings if image_size is None else replace(settings, image_size=image_size),
        context.workers.cpus,
        context.workers.gpus,
    )


class TimeBudget:
    """Time that a search has, with its final evaluation and its report.

    Args:
        seconds: The time, above 0.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds - REPORT_SECONDS
        self._checked = -_CHECK_SECONDS
        self._up = False

    def plan(
        self, context: SearchContext, fixed: frozenset[str], images: int, test_images: int
    ) -> tuple[SearchOptions, Speeds]:
        """Return the options of a search that fits, and the speeds at its image size.

        Args:
            context: Context of the search before the plan.
            fixed: Names of the options that the plan must keep.
            images: Number of images of the training and validation part together.
            test_images: Number of test images.

        Raises:
            UserError: The time is too short, or the speed of a worker could not be measured.
        """

        def measured(image_size: int) -> Speeds:
            try:
                return measure(context, image_size)
            except NotMeasuredError as error:
                raise UserError(
                    f"--budget {self._seconds:g}s: the speed of a worker could not be measured:"
                    f" {error}: use --time-budget and --num-samples instead"
                ) from None

        plan = BudgetPlan(
            context.space,
            context.options,
            fixed,
            images,
            test_images,
            context.workers.concurrent,
            measured,
        )
        options = plan.options_for(lambda: self.left)
        return options, plan.speeds(options.image_size)

    @property
    def left(self) -> float:
        """Seconds left for trials and final runs."""
        return self._end - time.monotonic()

    def needs_rest(self, final: FinalEvaluation, records: list[TrialRecord]) -> bool:
        """Return whether the final runs need all the time that is left.

        Args:
            final: Final evaluation of the search.
            records: Records of all trials.
        """
        now = time.monotonic()
        if now - self._checked >= _CHECK_SECONDS:
            self._checked = now
            self._up = self.left <= final.expected_seconds(records)
        return self._up
