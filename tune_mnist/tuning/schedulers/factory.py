"""Creation of schedulers by name."""

from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import SearchScheduler
from tune_mnist.tuning.schedulers.registry import scheduler_class


def create_scheduler(options: SchedulerOptions) -> SearchScheduler:
    """Build the scheduler that the options name.

    Raises:
        UserError: The name is unknown.
    """
    return scheduler_class(options.name).from_options(options)
