"""Floating-point operations of the network of a trial."""

from tune_mnist.models.cost import count_flops
from tune_mnist.models.keywords import split_keys
from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.tuning.recording.trial_record import TrialRecord


def mflops(results: StoredSearch, record: TrialRecord) -> float:
    """Return the millions of floating-point operations for one image.

    Args:
        results: Search of the trial.
        record: Trial, whose configuration has the keywords of the network's constructor.
    """
    form = results.form
    config, options = split_keys(record.config)
    count = count_flops(
        config["model"],
        results.options.image_size,
        len(form.class_names),
        form.channels,
        options,
    )
    return count / 1e6
