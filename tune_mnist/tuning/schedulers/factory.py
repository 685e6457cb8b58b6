"""Creation of a scheduler from its options."""

from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import SearchScheduler
from tune_mnist.tuning.schedulers.registry import scheduler_class


def create_scheduler(options: SchedulerOptions) -> SearchScheduler:
    """Create the scheduler that the options specify. It has no trials yet.

    Raises:
        UserError: The name of the scheduler is unknown.
    """
    return scheduler_class(options.name).from_options(options)
