"""Time budget of a whole search (``--budget``), including final evaluation and report."""

import time
from dataclasses import replace

from tune_mnist.data import Dataset
from tune_mnist.errors import UserError
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.budget import BudgetPlan
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import NotMeasuredError, Speeds, measure_on_workers
from tune_mnist.tuning.preparation import read_portfolio
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.spaces.option_types import MAX_SAMPLES

REPORT_SECONDS = 15.0
"""Time in seconds that is reserved for imports before the search and the report after it."""

_CHECK_SECONDS = 1.0  # between two estimates of the final runs


def measure(context: SearchContext, image_size: int | None = None) -> Speeds:
    """Measure how fast the workers train each architecture of a search.

    Args:
        context: Context of the search.
        image_size: Side length of the images in pixels. If None, the image size of the search is
            used.

    Raises:
        NotMeasuredError: A worker failed during the measurement.
    """
    settings = context.settings
    return measure_on_workers(
        context.space.typical_networks,
        context.shared,
        settings if image_size is None else replace(settings, image_size=image_size),
        context.workers.cpus,
        context.workers.gpus,
    )


def _portfolio_trials(context: SearchContext, fixed: frozenset[str]) -> int:
    """Return the largest number of trials of the portfolio that a plan can lead to."""
    options = context.options
    if "num_samples" not in fixed:
        options = options.model_copy(update={"num_samples": MAX_SAMPLES})
    portfolio = read_portfolio(context.space, options)
    return len(portfolio.configurations) if portfolio else 0


class TimeBudget:
    """Time budget of a search, which includes its trials, final evaluation and report.

    The time starts when the object is created.

    Args:
        seconds: Time budget in seconds, greater than 0.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds - REPORT_SECONDS
        self._checked = -_CHECK_SECONDS
        self._up = False

    def plan(
        self, context: SearchContext, fixed: frozenset[str], dataset: Dataset
    ) -> tuple[SearchOptions, Speeds]:
        """Plan a search that fits into the time budget.

        Args:
            context: Context of the search before the plan.
            fixed: Names of the options that the plan must not change.
            dataset: Data set of the search.

        Returns:
            Options of the planned search, and the speeds of a worker at the planned image size.

        Raises:
            UserError: The time is too short, or the speed of a worker could not be measured.
        """

        def measured(image_size: int) -> Speeds:
            try:
                return measure(context, image_size)
            except NotMeasuredError as error:
                raise UserError(
                    f"--budget {self._seconds:g}s: the speed of a worker could not be measured"
                    f" ({error}); use --time-budget and --num-samples instead"
                ) from None

        plan = BudgetPlan(
            context.space,
            context.options,
            fixed,
            len(dataset.train_labels),
            len(dataset.test_labels),
            context.workers.concurrent,
            measured,
            _portfolio_trials(context, fixed),
        )
        options = plan.options_for(lambda: self.left)
        return options, plan.speeds(options.image_size)

    @property
    def left(self) -> float:
        """Time left for trials and final runs in seconds."""
        return self._end - time.monotonic()

    def needs_rest(self, final: FinalEvaluation, records: list[TrialRecord]) -> bool:
        """Return whether trials must stop now, because the final runs need the remaining time."""
        now = time.monotonic()
        if now - self._checked >= _CHECK_SECONDS:
            self._checked = now
            self._up = self.left <= final.expected_seconds(records)
        return self._up
