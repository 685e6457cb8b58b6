"""Sentences for the plots of hyperparameters, which say what values good trials have."""

import math
import statistics
from typing import Any

import pandas as pd
from scipy.stats import mannwhitneyu

from tune_mnist.reporting import text_format
from tune_mnist.reporting.common_epoch import common_epoch
from tune_mnist.reporting.importances import COVERAGE, RESAMPLES
from tune_mnist.reporting.plots.evaluated_trials import EvaluatedTrials
from tune_mnist.training import hyperparameter, short_number
from tune_mnist.tuning.trials.reports import METRIC

MIN_IN_A_GROUP = 5
SIGNIFICANT = 0.05


def importances_sentence(evaluated: EvaluatedTrials) -> str:
    """Return a sentence with the importance of each parameter and its bootstrap interval."""
    shares = text_format.listed(
        f"{each.name} explains {text_format.percent(each.share)}"
        f" ({text_format.percent(each.low)} to {text_format.percent(each.high)})"
        for each in evaluated.importances
    )
    compared = common_epoch(evaluated.results)
    assert compared is not None  # noqa: S101 - there are importances
    count = sum(map(math.isfinite, compared.values.values()))
    sentence = (
        f"Of the variance of {METRIC} explained by single parameters among {count} trials after"
        f" epoch {compared.epoch}, {shares}: fANOVA, with {COVERAGE:.0%} intervals from"
        f" {RESAMPLES} bootstrap resamples of the trials"
    )
    named = {each.name for each in evaluated.importances}
    missing = [name for name in evaluated.distributions if name not in named]
    late = [name for name in missing if hyperparameter(name).whole_training]
    conditional = [name for name in missing if name not in late]
    if conditional:
        verb = "exist" if len(conditional) > 1 else "exists"
        sentence += f"; {text_format.listed(conditional)} {verb} only in some trials"
    if late:
        sentence += f"; {text_format.listed(late)} cannot be judged before the last epoch"
    return f"{sentence}."


def choice_sentence(name: str, evaluated: EvaluatedTrials) -> str:
    """Return a sentence that compares the median accuracies of a parameter's choices.

    A choice is called the best only if its lead over each of the other choices is significant.

    Args:
        name: Name of a categorical parameter.
        evaluated: Trials to compare.
    """
    by_choice: dict[Any, list[float]] = {}
    for record in (*evaluated.records, *evaluated.diverged):
        if name in record.config:
            by_choice.setdefault(record.config[name], []).append(record.val_accuracy)
    ordered = sorted(by_choice, key=lambda choice: -statistics.median(by_choice[choice]))
    best, *others = (
        f"{choice} with {statistics.median(by_choice[choice]):.4f}"
        f" ({text_format.count(len(by_choice[choice]), 'trial')})"
        for choice in ordered
    )
    when = evaluated.when
    champion = f"the best trial {when} has {evaluated.ranked[0].config.get(name, 'none')}"
    doubt = _doubt([by_choice[choice] for choice in ordered])
    if doubt:
        medians = text_format.listed([best, *others])
        return f"Median {METRIC} {when} by {name}: {medians}; {doubt}; {champion}."
    return (
        f"By the median of {METRIC} {when}, the best {name} is {best}, before"
        f" {text_format.listed(others)}; {champion}."
    )


def _doubt(groups: list[list[float]]) -> str:
    """Return why the first group of accuracies cannot be called the best.

    The lead of the first group over each other group is tested by the Mann-Whitney U test, with
    Bonferroni's correction for the number of groups.

    Returns:
        Reason, or an empty string if the lead is significant.
    """
    first, *others = groups
    if min(map(len, groups)) < MIN_IN_A_GROUP:
        return f"no value is called the best, as one has fewer than {MIN_IN_A_GROUP} trials"
    for other in others:
        if mannwhitneyu(first, other).pvalue > SIGNIFICANT / len(others):
            return "chance can explain the lead of the first"
    return ""


def span_sentence(name: str, evaluated: EvaluatedTrials) -> str:
    """Return a sentence with a parameter's range in the best trials and its correlation.

    Args:
        name: Name of a numeric parameter.
        evaluated: Trials to compare. The correlation is Spearman's rank correlation between the
            parameter and the accuracy. It is left out if fewer than five trials have the
            parameter, because it is -1 or 1 for any two trials.
    """
    compared = (*evaluated.records, *evaluated.diverged)
    having = [record for record in compared if name in record.config]
    best = [r for r in evaluated.best_quarter if name in r.config]
    frame = pd.DataFrame([(r.config[name], r.val_accuracy) for r in having]).rank()
    order = frame[0].corr(frame[1])
    count, when = len(evaluated.best_quarter), evaluated.when
    where = text_format.span(r.config[name] for r in best) if best else ""
    if len(best) == count:
        sentence = f"The best {count} trials {when} have {name} {where}"
    elif best:
        sentence = f"Of the best {count} trials {when}, {len(best)} have {name}, {where}"
    else:
        sentence = f"None of the best {count} trials {when} has the parameter {name}"
    sentence += f" ({text_format.span(r.config[name] for r in having)} was tried)"
    if pd.isna(order) or len(having) < MIN_IN_A_GROUP:
        return f"{sentence}."
    return (
        f"{sentence}; its rank correlation with {METRIC} is {order:+.2f}"
        f" ({text_format.count(len(having), 'trial')})."
    )


def diverged_sentence(evaluated: EvaluatedTrials) -> str:
    """Return a sentence on the diverged trials, which a plot cannot show, or ``""``."""
    count = len(evaluated.diverged)
    if not count:
        return ""
    verb = "is not shown, but counts" if count == 1 else "are not shown, but count"
    return f"{text_format.count(count, 'diverged trial')} {verb} as the worst."


def common_values(name: str, evaluated: EvaluatedTrials) -> str:
    """Return the values of a parameter in the best quarter of the trials, as text."""
    values = [record.config[name] for record in evaluated.best_quarter]
    if not evaluated.is_categorical(name):
        return f"{name} {text_format.span(values)}"
    several = len(set(values)) > 1
    return f"{name} {text_format.shares(values) if several else values[0]}"


def rank_sentence(name: str, ranks: "pd.Series[float]", evaluated: EvaluatedTrials) -> str:
    """Return a sentence that compares ranks by the values of a parameter.

    The sentence has the median rank of each choice of a categorical parameter, and those of the
    lower and the upper half of the values of a numeric parameter.

    Args:
        name: Name of the parameter.
        ranks: Rank of each trial by accuracy, keyed by trial number; 1 is the best.
        evaluated: Trials to compare.
    """
    total = f"of {len(ranks)} (1 is the best {evaluated.when})"
    if evaluated.is_categorical(name):
        choices: dict[Any, list[float]] = {}
        for record in evaluated.records:
            choices.setdefault(record.config[name], []).append(ranks[record.number])
        ordered = sorted(choices, key=lambda choice: statistics.median(choices[choice]))
        best, *others = (f"{c} has rank {statistics.median(choices[c]):g}" for c in ordered)
        return f"In the median, {name} {best} {total}, {text_format.listed(others)}."
    middle = statistics.median(evaluated.values(name))
    lower = [ranks[r.number] for r in evaluated.records if r.config[name] <= middle]
    higher = [ranks[r.number] for r in evaluated.records if r.config[name] > middle]
    return (
        f"In the median, the trials with {name} up to {short_number(middle)} have rank"
        f" {statistics.median(lower):g} {total}, those above it"
        f" {statistics.median(higher) if higher else float('nan'):g}."
    )
