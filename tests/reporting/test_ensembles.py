"""What a report says about an ensemble, on constructed predictions."""

import numpy as np
import pytest
from rich.console import Console

from tests.messages import assert_named, is_named
from tune_mnist.reporting.ensembles import ensemble_tables, ensemble_verdict
from tune_mnist.reporting.finals import final_tables
from tune_mnist.reporting.rendering import page_table
from tune_mnist.training.ensemble_file import Candidate, Ensemble, EnsembleTest, Predictions
from tune_mnist.tuning.final.runs import Calibration, FinalRun

IMAGES = 2_000


def candidate(trial, count):
    return Candidate(
        trial=trial, model="lenet", epoch=3, val_accuracy=0.9, temperature=1.5, count=count
    )


def ensemble(wrong, single, counts=(2, 1), best=None):
    test = EnsembleTest(
        images=IMAGES,
        ensemble=Predictions.of(list(wrong), 0.01),
        single=Predictions.of(list(single), 0.02),
    )
    return Ensemble(
        candidates=[candidate(number, count) for number, count in enumerate(counts)],
        val_images=500,
        val_accuracy=0.95,
        test=test if sum(counts) > 1 else None,
        best_trials=list(range(best or len(counts))),
    )


def final_run(seed, wrong):
    """Return a final run that misclassifies the given images."""
    count = len(wrong)
    confusion = [[IMAGES - count, count], [0, 0]]
    return FinalRun(
        *("lenet", 0, seed, {"max_epochs": 9}, 60_000, 1 - count / IMAGES, confusion, 1.0),
        misclassified=sorted(wrong),
        calibration=Calibration(0.03),
    )


def final_runs(errors):
    """Return runs of three seeds, with nearly the same errors."""
    return {"lenet": [final_run(seed, range(errors - seed)) for seed in range(3)]}


def cells(found, groups):
    (table,) = ensemble_tables(found, groups)
    return table.cells.set_index("network")


def test_the_table_compares_the_ensemble_with_each_single_network():
    shown = cells(ensemble(range(20), range(100)), final_runs(120))
    assert list(shown.index) == ["ensemble", "trial #0, lenet", "final runs of lenet"]
    assert list(shown["test accuracy"]) == ["0.9900", "0.9500", "0.9405"]
    assert list(shown["ECE"]) == ["0.0100", "0.0200", "0.0300"]
    assert list(shown["lead of the ensemble"]) == ["-", "0.0400", "0.0495"]
    assert list(shown["verdict"]) == ["-", "better", "better"]


@pytest.mark.parametrize(
    ("wrong", "points", "direction"),
    [
        (range(20), "2.95", "above"),
        (range(1_000, 1_075), None, "above"),
        (range(160), "4.05", "below"),
    ],
)
def test_the_verdict_says_whether_the_ensemble_beats_the_best_single_network(
    wrong, points, direction
):
    found, groups = ensemble(wrong, range(100)), final_runs(80)
    text = ensemble_verdict(found, groups)
    assert_named("lenet", text)
    assert points is None or is_named(points, text)
    assert [each for each in ("above", "below") if is_named(each, text)] == [direction]
    assert is_named("chance", text) == (points is None)


def test_equal_accuracies_are_called_the_same():
    groups = {"lenet": [final_run(seed, range(119 + (seed - 1))) for seed in range(3)]}
    found = ensemble(range(119), range(150))
    text = ensemble_verdict(found, groups)
    assert is_named("same", text)
    assert not any(is_named(each, text) for each in ("above", "below", "0.00"))
    assert cells(found, groups)["lead of the ensemble"].iloc[2] == "0.0000"


def test_the_best_single_network_may_be_a_trial():
    found = ensemble(range(20), range(18))
    assert_named("#0 lenet", ensemble_verdict(found, final_runs(80)))


def test_an_ensemble_of_one_network_is_called_none():
    found = ensemble((), (), counts=(1, 0))
    assert_named("No 2", ensemble_verdict(found, final_runs(80)))
    assert ensemble_tables(found, final_runs(80)) == []


def test_the_caption_says_how_many_of_the_best_trials_were_candidates():
    for best, facts in ((2, "2"), (8, "2 8")):
        found = ensemble(range(20), range(100), best=best)
        (table,) = ensemble_tables(found, final_runs(80))
        assert_named(facts, table.caption)


def test_the_terminal_explains_only_the_columns_that_it_shows():
    (table,) = ensemble_tables(ensemble(range(20), range(100)), final_runs(80))
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table.to_rich())
    assert "interval" not in captured.get()
    assert "p:" not in captured.get()
    for text in (table.to_markdown(), page_table(table).text):
        assert text.count("interval") > 1  # heading and explanation
        assert "p: " in text


def test_a_network_that_counts_several_times_is_one_network():
    found = ensemble(range(20), range(100), counts=(4, 1, 2))
    (table,) = ensemble_tables(found, final_runs(80))
    assert_named("3 #0 4 #1 #2", table.title)
    assert_named("3", ensemble_verdict(found, final_runs(80)))


@pytest.mark.parametrize("found", [None, ensemble((), (), counts=(1,))], ids=["none", "one trial"])
def test_nothing_is_said_where_nothing_could_be_chosen(found):
    assert ensemble_verdict(found, final_runs(80)) == ""
    assert ensemble_tables(found, final_runs(80)) == []


def test_runs_without_stored_predictions_are_compared_over_the_seeds():
    groups = {
        "lenet": [
            FinalRun("lenet", 0, seed, {}, 60_000, 0.94 + seed / 1000, [[94, 6], [0, 0]], 1.0)
            for seed in range(3)
        ]
    }
    shown = cells(ensemble(range(20), range(100)), groups)
    assert shown["95% interval over the images"].iloc[2] == "-"
    assert np.isfinite(float(shown["p"].iloc[2]))


def test_a_lead_of_few_images_over_one_network_is_a_tie():
    shown = cells(ensemble(range(20), range(24)), final_runs(80))
    assert shown["verdict"].iloc[1] == "tie"


def test_the_ensemble_has_its_table_if_all_final_runs_failed():
    (table,) = final_tables([], 3, [], ensemble(range(20), range(100)))
    assert list(table.cells["network"]) == ["ensemble", "trial #0, lenet"]
    assert final_tables([], 3, [], None) == []
