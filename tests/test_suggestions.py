import pytest

from tune_mnist.suggestions import alternatives, closest, did_you_mean

HELPS = {
    "lr": "Learning rate.",
    "lr_schedule": "Learning rate schedule: constant or cosine.",
    "batch_size": "Images per training batch.",
    "label_smoothing": "Label smoothing: probability spread over all classes.",
}


def test_the_closest_spelling_or_nothing_is_suggested():
    assert did_you_mean("ADM", ["sgd", "adam"]) == " (did you mean 'adam'?)"
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
    ],
)
def test_a_name_is_found_by_its_spelling_or_its_description(word, name):
    assert closest(word, HELPS, HELPS)[0] == name


@pytest.mark.parametrize("word", ["", "--", "%s(", "x" * 10_000])
def test_any_word_is_answered(word):
    assert closest(word, HELPS, HELPS) == []


def test_alternatives_are_a_question():
    assert alternatives(["a"]) == "'a'"
    assert alternatives(["a", "b", "c"]) == "'a', 'b' or 'c'"
