"""Verdicts on final runs: ties are recognized, and real leads are detected."""

import re

import numpy as np
import pytest

from tests.messages import assert_named, assert_refused
from tune_mnist.reporting.significance import holm
from tune_mnist.reporting.verdict import differences, verdict, verdict_tables
from tune_mnist.tuning.final.runs import FinalRun, read_final_runs, write_final_run

IMAGES = 10_000
SIMULATED = 100
DIFFICULTY = (0.02, 1.5)
"""Parameters of the beta distribution of the images' hardness."""
MEAN_DIFFICULTY = DIFFICULTY[0] / sum(DIFFICULTY)


def final_run(wrong, seed=0, model="lenet", images=IMAGES, known=True):
    right = images - len(wrong)
    confusion = [[right, len(wrong)], [0, 0]]
    indices = sorted(map(int, wrong)) if known else None
    return FinalRun(model, 1, seed, {}, 60_000, right / images, confusion, 1.0, indices)


def simulated(generator, error, difficulty, seeds, luck_spread=0.05):
    """Return runs of one configuration whose accuracies spread by 0.10 points.

    Args:
        generator: Source of random numbers.
        error: Mean share of the images that a run misclassifies.
        difficulty: Hardness of each image: errors gather on the same images.
        seeds: Number of runs.
        luck_spread: Relative spread of the error over the seeds.
    """
    chances = np.minimum(difficulty * (error / MEAN_DIFFICULTY), 0.95)
    runs = []
    for seed in range(seeds):
        luck = 1 + generator.normal(0, luck_spread)
        wrong = np.flatnonzero(generator.random(IMAGES) < chances * luck)
        runs.append(final_run(wrong, seed))
    return runs


def simulated_pairs(lead, seeds=3):
    generator = np.random.default_rng(0)
    for _ in range(SIMULATED):
        difficulty = generator.beta(*DIFFICULTY, IMAGES)
        worse = simulated(generator, 0.010, difficulty, seeds)
        better = simulated(generator, 0.010 - lead, difficulty, seeds)
        yield {"better": better, "worse": worse}


def test_equal_configurations_with_different_seeds_are_a_tie():
    ties = sum(not differences(groups)[0].holds for groups in simulated_pairs(0.0))
    assert ties >= 0.95 * SIMULATED


def test_two_configurations_with_hard_images_of_their_own_are_a_tie():
    """Chance of seeds and of images together; neither alone explains one lead in ten."""
    generator = np.random.default_rng(1)
    ties = 0
    for _ in range(SIMULATED):
        pair = [
            simulated(generator, 0.010, generator.beta(*DIFFICULTY, IMAGES), 8, luck_spread=0.15)
            for _ in range(2)
        ]
        (difference,) = differences(dict(zip(("one", "other"), pair, strict=True)))
        ties += not difference.holds
    assert ties >= 0.95 * SIMULATED


@pytest.mark.parametrize(("seeds", "power"), [(3, 0.6), (5, 0.9)])
def test_a_lead_of_0_3_points_is_detected(seeds, power):
    found = [
        difference.holds and difference.better == "better"
        for groups in simulated_pairs(0.003, seeds)
        for difference in differences(groups)
    ]
    # Measured: 0.75 with three seeds, 1.00 with five.
    assert np.mean(found) > power


def test_the_verdict_names_the_leader_and_the_ties():
    spread = [0, 1, 2]
    groups = {
        "alexnet": [final_run(range(300 + 5 * n), n) for n in spread],
        "lenet": [final_run(range(90 + 5 * n), n) for n in spread],
        "resnet": [final_run(range(88 + 5 * n), n) for n in spread],
    }
    text = verdict(groups)
    assert_named("resnet 0.9907 0.0005 3 lenet", text)
    assert re.search("(?i)tie", text)
    del groups["lenet"]
    text = verdict(groups)
    assert_named("Best resnet 0.9907 0.0005 3 2.12 above alexnet", text)
    assert not re.search("(?i)tie", text)
    groups["lenet"] = [final_run(range(90 + 5 * n), n) for n in spread]
    (table,) = verdict_tables(groups)
    verdicts = dict(zip(table.values["worse"], table.values["verdict"], strict=True))
    assert verdicts["lenet"] == "tie"
    assert verdicts["alexnet"] == "holds"


def test_a_single_seed_gives_no_verdict():
    groups = {"lenet": [final_run(range(90))], "resnet": [final_run(range(10))]}
    assert_named("seeds resnet lenet", verdict(groups))
    assert "Best" not in verdict(groups)
    assert verdict_tables(groups) == []


def test_nothing_is_the_best_while_a_competitor_is_not_compared():
    groups = {
        "alexnet": [final_run(range(300 + 5 * n), n) for n in range(3)],
        "resnet": [final_run(range(88 + 5 * n), n) for n in range(3)],
        "vggnet": [final_run(range(95))],
    }
    text = verdict(groups)
    assert "Best" not in text
    assert_named("above alexnet seeds resnet vggnet", text)


def test_a_single_configuration_gets_no_rank():
    text = verdict({"lenet": [final_run(range(90))]})
    assert_named("lenet 0.9910 1", text)
    assert "Best" not in text
    assert verdict({}) == ""


def test_runs_of_earlier_versions_are_compared_over_their_seeds():
    groups = {
        "lenet": [final_run(range(90 + n), n, known=False) for n in range(3)],
        "resnet": [final_run(range(30 + n), n, known=False) for n in range(3)],
    }
    (difference,) = differences(groups)
    assert difference.holds
    assert np.isnan(difference.image_low)


def test_equal_accuracies_of_all_seeds_are_no_evidence():
    groups = {
        "lenet": [final_run(range(9), n, images=10, known=False) for n in range(2)],
        "resnet": [final_run(range(8), n, images=10, known=False) for n in range(2)],
    }
    (difference,) = differences(groups)
    assert not difference.holds


def test_more_test_images_than_any_data_set_has_are_refused(tmp_path):
    write_final_run(tmp_path, FinalRun("lenet", 1, 0, {}, 9, 1.0, [[10**9, 0], [0, 1]], 1.0, []))
    assert_refused("seed-0.json confusion", read_final_runs, tmp_path)


def test_runs_on_other_test_images_are_not_compared_image_by_image():
    groups = {
        "lenet": [final_run([3], 0, images=10), final_run([15], 1, images=20)],
        "resnet": [final_run([], 0, images=10), final_run([], 1, images=10)],
    }
    (difference,) = differences(groups)
    assert np.isnan(difference.image_low)


def test_equal_runs_are_a_tie():
    groups = {name: [final_run(range(90), n) for n in range(3)] for name in ("one", "other")}
    (difference,) = differences(groups)
    assert difference.p == 1


@pytest.mark.parametrize(
    ("given", "corrected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.9, 0.8], [1.0, 1.0]),
    ],
)
def test_p_values_are_corrected_by_holms_method(given, corrected):
    assert holm(given) == pytest.approx(corrected)


def test_the_misclassified_images_are_stored(tmp_path):
    write_final_run(tmp_path, final_run([3, 7], images=100))
    (run,) = read_final_runs(tmp_path)
    assert run.misclassified == [3, 7]


@pytest.mark.parametrize("wrong", [[3], [3, 3], [3, 100]])
def test_misclassified_images_that_do_not_fit_the_confusion_matrix_are_refused(tmp_path, wrong):
    run = final_run([3, 7], images=100)
    write_final_run(tmp_path, run)
    path = tmp_path / "final" / "lenet" / "seed-0.json"
    text = path.read_text()
    path.write_text(text[: text.index('"misclassified"')] + f'"misclassified": {wrong}\n}}\n')
    assert_refused("seed-0.json misclassified", read_final_runs, tmp_path)
