"""Terms of a report are explained where they are used."""

import pytest

from tune_mnist.reporting.glossary import TERMS, terms_in


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ECE", "ECE"),
        ("scaled ECE", "scaled ECE"),
        ("temperature: divisor of the logits", "temperature"),
        ("p: p-value of a t-test, Holm-corrected for 3 pairs", "Holm"),
        ("over the seeds by Welch's method", "Welch"),
        ("by McNemar's exact test", "McNemar"),
        ("with 90% intervals from 40 bootstrap resamples", "bootstrap"),
        ("lenet is tied with resnet", "tie"),
        ("A tie is a difference that chance can explain.", "tie"),
        ("95% confidence intervals", "95% interval"),
        ("p: p-value, uncorrected", "p"),
        ("#4 PRUNED", "PRUNED"),
        ("12 pruned, 4 complete", "PRUNED"),
        ("Rank\nIn the median, lr has rank 1", "rank plot"),
        ("Values by epoch\nThe best trial", "values by epoch"),
        ("Timeline\n12 trials trained", "timeline"),
        ("searcher tpe, scheduler asha-promotion", "asha"),
    ],
)
def test_a_term_is_found_in_the_words_of_a_report(text, name):
    assert name in {term.name for term in terms_in(text)}


def test_a_term_is_not_found_in_other_words():
    assert terms_in("plan, rate, patience, dropout", "properties of optional things") == []
    assert terms_in("class\no\np\nq") == []  # names of classes


def test_terms_have_different_names_and_explanations_of_whole_sentences():
    names = [term.name for term in TERMS]
    assert len(set(names)) == len(names)
    assert all(term.meaning.endswith(".") for term in TERMS)
