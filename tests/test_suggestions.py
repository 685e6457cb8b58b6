import re

import pytest

from tune_mnist.suggestions import alternatives, closest, did_you_mean, hyperparameter_meant

HELPS = {
    "lr": "Learning rate.",
    "lr_schedule": "Learning rate schedule: constant or cosine.",
    "batch_size": "Images per training batch.",
    "label_smoothing": "Label smoothing: probability spread over all classes.",
}


def test_the_closest_spelling_or_nothing_is_suggested():
    assert "'adam'" in did_you_mean("ADM", ["sgd", "adam"])
    assert did_you_mean("zzz", ["sgd", "adam"]) == ""


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("learning_rate", "lr"),
        ("learning-rate", "lr"),
        ("batchsize", "batch_size"),
        ("batch", "batch_size"),
        ("schedule", "lr_schedule"),
        ("label_smothing", "label_smoothing"),
        ("--Label-Smoothing", "label_smoothing"),
        ("learning-rat", "lr"),
        ("probability", "label_smoothing"),
    ],
)
def test_a_name_is_found_by_its_spelling_or_its_description(word, name):
    assert closest(word, HELPS, HELPS)[0] == name


@pytest.mark.parametrize("word", ["", "--", "%s(", "x" * 10_000])
def test_any_word_is_answered(word):
    assert closest(word, HELPS, HELPS) == []


@pytest.mark.parametrize("word", ["--of", "per", "constant-or", "over", "all", "--lx-rx"])
def test_common_words_and_dashes_find_nothing(word):
    helps = HELPS | {"portfolio": "Over the whole of it.  [default: constant or none]"}
    assert closest(word, helps, {**helps, "lr_schedule": "Schedule, constantly."}) == []


def test_only_the_beginning_of_a_long_word_is_compared():
    # A comparison of the whole word would take minutes, and would find no similarity.
    assert closest("x" * 10_000, ["x" * 150]) == ["x" * 150]


def test_a_hyperparameter_is_meant_only_if_no_option_is_closer():
    options = {"--scheduler": "Scheduler that stops trials early."}
    assert hyperparameter_meant("--learning-rat", options, HELPS) == "lr"
    assert hyperparameter_meant("--batch", options, HELPS) == "batch_size"
    for word in ("--schedule", "-l", "--url", "--training", "--images"):
        assert hyperparameter_meant(word, options, HELPS) is None


def test_alternatives_are_a_question():
    assert alternatives(["a"]) == "'a'"
    assert re.findall(r"'(\w)'", alternatives(["a", "b", "c"])) == ["a", "b", "c"]
