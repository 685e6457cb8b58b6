"""Greedy choice of an ensemble on constructed predictions."""

import numpy as np
import pytest

from tune_mnist.tuning.final.ensemble_choice import choose_members
from tune_mnist.tuning.final.ensemble_evaluation import chosen_ensemble
from tune_mnist.tuning.storage.kept_models import BestConfig

LABELS = np.arange(40) % 4


def members(predicted, labels):
    return choose_members(predicted, labels).members


def network(wrong, confidence=0.9, labels=LABELS, classes=4):
    """Return probabilities of a network that misclassifies the images with given indices."""
    predicted = np.full((len(labels), classes), (1 - confidence) / (classes - 1))
    chosen = labels.copy()
    chosen[list(wrong)] = (chosen[list(wrong)] + 1) % classes
    predicted[np.arange(len(labels)), chosen] = confidence
    return predicted


def accuracy(predicted, chosen):
    return (np.mean([predicted[index] for index in chosen], axis=0).argmax(1) == LABELS).mean()


def test_networks_with_different_errors_are_combined():
    predicted = [network(range(4)), network(range(4, 8)), network(range(8, 12))]
    chosen = members(predicted, LABELS)
    assert {*chosen} == {0, 1, 2}
    assert accuracy(predicted, chosen) == 1.0


def test_the_most_accurate_network_is_chosen_first():
    unsure = network(range(2), confidence=0.4)
    sure = network(range(4), confidence=0.99)
    assert members([sure, unsure], LABELS)[0] == 1


def test_equal_networks_are_chosen_by_their_order():
    predicted = [network(range(4, 9)), network(range(4)), network(range(4))]
    chosen = members(predicted, LABELS)
    assert chosen[0] == 1
    assert 2 not in chosen


def test_networks_that_guess_are_not_chosen():
    guessing = np.full((len(LABELS), 4), 0.25)
    assert members([guessing, network([0], confidence=0.95)], LABELS) == [1]


@pytest.mark.parametrize("wrong", [(), (0, 1)], ids=["no errors", "the same errors"])
def test_networks_that_do_not_differ_are_no_ensemble(wrong):
    assert members([network(wrong)] * 3, LABELS) == [0]


def test_a_better_network_counts_more_than_once():
    better, worse = network(range(4), 0.97), network(range(4, 21), 0.97)
    chosen = members([worse, better], LABELS)
    assert chosen[:2] == [1, 0]
    assert chosen.count(1) > chosen.count(0)


def test_at_most_eight_networks_are_chosen():
    predicted = [network(range(3 * index, 3 * index + 3)) for index in range(12)]
    assert len(members(predicted, LABELS)) == 8


def config(trial):
    return BestConfig(model="lenet", lr=0.1, trial=trial, epoch=2, val_accuracy=0.5)


def test_candidates_are_listed_with_the_best_single_network_first():
    logits = [np.log(network(each)).astype(np.float16) for each in (range(8), range(8, 12))]
    found = chosen_ensemble([config(3), config(7)], logits, LABELS)
    assert [each.trial for each in found.candidates] == [7, 3]
    assert [each.val_accuracy for each in found.candidates] == [0.9, 0.8]
    assert found.candidates[0].count >= 1
    assert found.val_images == 40
    assert found.test is None


def test_of_equally_accurate_networks_the_first_is_the_best_single_network_as_in_the_tables():
    unsure, sure = network(range(4), confidence=0.6), network(range(4), confidence=0.9)
    logits = [np.log(each).astype(np.float16) for each in (unsure, sure)]
    found = chosen_ensemble([config(3), config(7)], logits, LABELS)
    assert [each.trial for each in found.candidates] == [3, 7]
    assert found.members[0].trial == 3


def test_one_candidate_is_an_ensemble_of_one_network():
    found = chosen_ensemble([config(3)], [np.log(network([0]))], LABELS)
    assert found.size == 1
    assert found.val_accuracy == found.candidates[0].val_accuracy
