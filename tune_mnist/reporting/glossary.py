"""Explanations of the terms in reports, for readers who meet them for the first time."""

import re
from dataclasses import dataclass

from tune_mnist.reporting.spread import MAX_P


@dataclass(frozen=True)
class Term:
    """Term of a report and its explanation.

    Attributes:
        name: Term as the explanation is headed.
        meaning: Explanation, one to three short sentences.
        pattern: Regular expression that finds the term in a report.
    """

    name: str
    meaning: str
    pattern: str


TERMS = (
    Term(
        "trial",
        "One configuration of the hyperparameters, trained and validated once.",
        r"\b[Tt]rials?\b",
    ),
    Term("epoch", "One pass of the training over all its images.", r"\b[Ee]pochs?\b"),
    Term(
        "val_accuracy",
        "Share of the validation images that a trial classifies correctly. No trial is trained on"
        " these images; the search selects epochs and trials by them.",
        r"val_accuracy|validation accuracy|validation accuracies",
    ),
    Term(
        "test accuracy",
        "Share of the test images that a final run classifies correctly. The search decides"
        " nothing by these images, so this number can be quoted.",
        r"\b[Tt]est[ _]accurac(y|ies)\b|test set",
    ),
    Term(
        "seed",
        "Start of the random numbers of a training: initial weights, order of the images. Runs of"
        " one configuration with several seeds show how much its accuracy varies by chance.",
        r"\b[Ss]eeds?\b",
    ),
    Term(
        "±",
        "Mean ± standard deviation: the second number is the typical distance of a single run"
        " from the mean.",
        "±",
    ),
    Term(
        "95% interval",
        "Confidence interval: range in which the true value is to be expected. Of 100 intervals"
        " that are computed in this way, about 95 contain the true value.",
        r"95% (confidence )?intervals?",
    ),
    Term(
        "tie",
        f"A difference holds if its p-value is below {MAX_P:g}. Any other difference is a tie:"
        " chance can explain it, which does not prove that both are equally good.",
        r"\bties?\b|\btied\b|\bholds?\b|chance can explain",
    ),
    Term(
        "p",
        "p-value: probability that two equally good configurations differ at least as much as the"
        " two compared ones.",
        r"\bp-values?\b|\bp:|\bp also\b",
    ),
    Term(
        "Holm",
        "Correction of p-values for several comparisons, because one of many is likely to be small"
        " by chance: the smallest is multiplied by the number of comparisons, the next by one"
        " less, and so on.",
        r"\bHolm\b",
    ),
    Term(
        "t-test",
        "Test that compares the difference between two means with the differences to be expected"
        " by chance, given how much the single values vary.",
        r"\bt-test\b",
    ),
    Term(
        "Welch",
        "Interval or t-test for two means that allows the values of one to vary more than those"
        " of the other.",
        r"\bWelch\b",
    ),
    Term(
        "Student's t",
        "Distribution for intervals of a mean of few values: the fewer values, the wider the"
        " interval.",
        r"\bStudent's t\b",
    ),
    Term("paired", "Compared image by image, on the same images.", r"\bpaired\b"),
    Term(
        "McNemar",
        "Exact test of two networks on the same images. It counts the images that only one of the"
        " two classifies correctly: if both are equally good, each gets about half of them.",
        r"\bMcNemar\b",
    ),
    Term(
        "recall",
        "Share of the test images of a class that are classified correctly.",
        r"\b[Rr]ecall\b",
    ),
    Term(
        "confusion matrix",
        "Table of the test images with a row for each true class and a column for each predicted"
        " class. Numbers off the diagonal are errors.",
        r"\b[Cc]onfusion matri(x|ces)\b",
    ),
    Term(
        "ECE",
        "Expected calibration error: mean distance between the probability of the predicted class"
        " and the share of correct predictions. With 0, the network is right in 90 of 100 cases"
        " in which its probability is 0.9.",
        r"\bECE\b",
    ),
    Term(
        "logits",
        "Outputs of the network before they are converted to probabilities.",
        r"\blogits\b",
    ),
    Term(
        "log loss",
        "Mean of the negative logarithm of the true class's probability: low if the network is"
        " right and sure, very high if it is wrong and sure.",
        r"\blog loss\b",
    ),
    Term(
        "temperature",
        "Number by which the logits are divided to correct the probabilities. Above 1, the"
        " network was too sure of its predictions; below 1, too cautious. The predicted class"
        " stays the same.",
        r"\b[Tt]emperature\b",
    ),
    Term(
        "scaled ECE",
        "ECE that is left after the logits are divided by the temperature.",
        r"\bscaled ECE\b",
    ),
    Term(
        "ensemble",
        "Several networks that classify together: their probabilities are averaged.",
        r"\b[Ee]nsembles?\b",
    ),
    Term(
        "MFLOPs",
        "Millions of additions and multiplications that the network needs for one image.",
        r"\bMFLOPs\b",
    ),
    Term(
        "Pareto",
        "A trial is in the Pareto set if no other trial is better in one objective without being"
        " worse in another.",
        r"\bPareto\b",
    ),
    Term(
        "median",
        "Middle value: half of the trials are above it, half below.",
        r"\b[Mm]edian\b",
    ),
    Term(
        "share of the variance",
        "How much of the differences in accuracy a hyperparameter explains, from 0 (nothing) to 1"
        " (everything). fANOVA estimates it with decision trees.",
        r"\bvariance\b.*\bfANOVA\b|share of the variance|shares of the variance",
    ),
    Term(
        "bootstrap",
        "Interval from repeated estimates, each from trials that are drawn at random from all"
        " trials, where a trial can be drawn several times. A wide interval means that few trials"
        " decide the result.",
        r"\bbootstrap\b",
    ),
    Term(
        "rank correlation",
        "Agreement of two orders: 1 if they are the same, 0 if they have nothing in common, -1 if"
        " one is the reverse of the other.",
        r"\brank correlation\b",
    ),
    Term(
        "logarithmic in the error",
        "Each halving of the error is equally far on the axis: from 0.8 to 0.9 as far as from 0.9"
        " to 0.95.",
        r"logarithmic in the error",
    ),
    Term(
        "parallel coordinates",
        "Plot in which each line is a trial, and crosses each axis at the trial's value. Its"
        " color is the accuracy, from orange (lowest) to blue (highest).",
        r"\b[Pp]arallel coordinates\b",
    ),
    Term(
        "slice",
        "Plot with a point for each trial: its value of one hyperparameter, and its accuracy. The"
        " color of a point shows the number of the trial, from grey (first) to purple (last).",
        r"\b[Ss]lice\b",
    ),
    Term(
        "rank plot",
        "Plot of two hyperparameters with a point for each trial, whose color is the trial's"
        " place in the order of accuracies, from orange (last) to blue (first).",
        r"^Rank$",
    ),
    Term(
        "contour",
        "Plot of two hyperparameters, whose color is the accuracy, from orange (lowest) to blue"
        " (highest).",
        r"\b[Cc]ontour\b",
    ),
    Term(
        "values by epoch",
        "Plot of the accuracy of each trial after each of its epochs. It shows whether the best"
        " trial was already ahead in early epochs, by which the scheduler stops others.",
        r"^Values by epoch$",
    ),
    Term(
        "timeline",
        "Plot with a bar for each trial, from its start to its end. The bar includes pauses, in"
        " which the trial waits for the scheduler and other trials train.",
        r"^Timeline$",
    ),
    Term(
        "tpe",
        "Tree-structured Parzen Estimator: proposes values that are frequent among the good trials"
        " so far, and rare among the others.",
        r"\btpe\b",
    ),
    Term(
        "asha",
        "Asynchronous successive halving: trains many trials for a short time, and only the best"
        " of them for longer.",
        r"\basha\b",
    ),
    Term(
        "rung",
        "Epoch after which the scheduler compares the trials and lets only the best continue.",
        r"\brungs?\b",
    ),
    Term(
        "final run",
        "Training of a chosen configuration from scratch, with one seed, on the training and"
        " validation images together, and its test at the end.",
        r"\b[Ff]inal runs?\b",
    ),
    Term(
        "portfolio",
        "Configurations that come with tune_mnist. They are tried before the searcher's"
        " own proposals, and trained to the end, not stopped early, even if they are poor.",
        r"\bportfolio\b",
    ),
    Term(
        "stage",
        "Part of a trial. Earlier stages use smaller or fewer images, so they cost less.",
        r"\bstages?\b",
    ),
    Term(
        "exploits",
        "Epochs after which a trial continued with the weights of a better trial and changed"
        " hyperparameters (population based training).",
        r"^exploits$",
    ),
    Term("COMPLETE", "Trained to the last epoch.", r"\bCOMPLETE\b|\d complete\b"),
    Term("PRUNED", "Stopped early by the scheduler, to save time.", r"\bPRUNED\b|\d pruned\b"),
    Term(
        "INTERRUPTED",
        "Not ended when the search ended, or still running.",
        r"\bINTERRUPTED\b|\d interrupted\b",
    ),
    Term(
        "DIVERGED",
        "Ended because the loss became infinite or not a number, often after a learning rate that"
        " is too high.",
        r"\bDIVERGED\b|\d diverged\b",
    ),
    Term("FAILED", "Ended by an error.", r"\bFAILED\b|\d failed\b"),
)
"""Explained terms in reading order."""


def terms_in(*texts: str) -> list[Term]:
    """Return the terms that at least one of several texts uses, in reading order.

    Args:
        texts: Headings, captions, cells and sentences of a report.
    """
    text = "\n".join(texts)
    return [term for term in TERMS if re.search(term.pattern, text, re.MULTILINE)]
