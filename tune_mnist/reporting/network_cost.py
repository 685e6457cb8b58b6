"""Computational cost of a trial's network."""

from tune_mnist.models.cost import count_flops
from tune_mnist.models.keywords import split_keys
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.recording.trial_record import TrialRecord


def mflops(results: StoredSearch, record: TrialRecord) -> float:
    """Return the millions of floating-point operations in the forward pass of one image.

    Args:
        results: Search that the trial belongs to.
        record: Record of the trial. Its configuration specifies the architecture, and keyword
            arguments of the network's constructor if there are any.
    """
    form, image_size = results.form, results.options.image_size
    config, options = split_keys(record.config)
    classes = len(form.class_names)
    return count_flops(config["model"], image_size, classes, form.channels, options) / 1e6
