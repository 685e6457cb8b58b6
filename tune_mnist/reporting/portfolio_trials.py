"""Trials of the shipped portfolio in a report, which the scheduler never stops early."""

from tune_mnist.reporting.stored_search import StoredSearch
from tune_mnist.reporting.text_format import listed
from tune_mnist.tuning.recording.trial_attributes import PORTFOLIO
from tune_mnist.tuning.recording.trial_record import TrialState


def portfolio_sentence(results: StoredSearch, numbers: set[int] | None = None) -> str:
    """Explain which trials were trained to the end because they are from the portfolio.

    Args:
        results: Search to report.
        numbers: Numbers of the trials to consider. If None, all trials are considered.

    Returns:
        Sentence. Empty if there are no such trials, or if no trial was stopped early.
    """
    pruned = any(record.state is TrialState.PRUNED for record in results.records)
    trials = results.study.get_trials(deepcopy=False)
    portfolio = {trial.number for trial in trials if trial.user_attrs.get(PORTFOLIO)}
    complete = [
        f"#{record.number}"
        for record in results.records
        if record.state is TrialState.COMPLETE
        and record.number in portfolio
        and (numbers is None or record.number in numbers)
    ]
    if not pruned or not complete:
        return ""
    are = "is" if len(complete) == 1 else "are"
    return f"{listed(complete)} {are} from the portfolio: trained to the end, not stopped early."
