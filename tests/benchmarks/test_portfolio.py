"""The choice of a portfolio from recorded curves."""

import pandas as pd
import yaml

from benchmarks.portfolio.choose import (
    choose,
    final_accuracies,
    judge,
    portfolio_text,
    shares_at_chance,
)
from benchmarks.portfolio.record import BASELINES, NARROW, WIDE, configurations, own_space


def curves() -> pd.DataFrame:
    finals = {  # of four configurations
        "fashion": [0.80, 0.79, 0.10, 0.60],
        "digits": [0.30, 0.80, 0.95, 0.60],
        "rotated": [0.70, 0.70, 0.10, float("nan")],
    }
    return pd.DataFrame(
        [
            {"dataset": name, "number": number, "epoch": epoch, "val_accuracy": accuracy * share}
            | {"lr": 10.0**-number, "optimizer": "sgd", "momentum": 0.5 if number else None}
            for name, accuracies in finals.items()
            for number, accuracy in enumerate(accuracies)
            for epoch, share in ((2, 1.0), (1, 0.5))
        ]
    )


def test_the_next_configuration_lowers_the_mean_regret_most():
    accuracies = final_accuracies(curves())
    assert accuracies.loc[0, "fashion"] == 0.80
    assert accuracies.loc[3, "rotated"] == 0.0  # it diverged
    # The second is best on average; the third complements it where it is weak.
    assert choose(accuracies, range(4), 3) == [1, 2, 0]


def test_a_choice_is_judged_on_the_data_set_that_it_has_not_seen():
    judged = judge(final_accuracies(curves()), range(4), 1).set_index("data set")
    assert judged.loc["fashion", "portfolio"] == 0.01
    assert judged.loc["fashion", "random, wide"] > 0.1


def test_only_candidates_are_chosen_and_baselines_are_judged_beside_them():
    table = curves().replace({"number": {3: BASELINES}})
    judged = judge(final_accuracies(table), [0, 2], 1).set_index("data set")
    assert judged.loc["digits", "portfolio"] == 0.65  # of number 0
    assert judged.loc["digits", "baselines"] == 0.35


def test_configurations_worse_than_the_best_baseline_are_not_chosen():
    accuracies = final_accuracies(curves().replace({"number": {1: BASELINES}}))
    assert choose(accuracies, [0, 2, 3], 3) == []
    accuracies.loc[0] = 0.97
    assert choose(accuracies, [0, 2, 3], 3) == [0]


def test_configurations_at_chance_are_counted_by_draw():
    table = curves().replace({"number": {2: NARROW.first, 3: NARROW.first + 1}})
    shares = shares_at_chance(final_accuracies(table), [NARROW.first]).set_index("count")
    assert list(shares.loc[2, "fashion"]) == [0.0, 0.5]  # wide, narrow
    assert shares.loc[1, "fashion"] == 1.0
    assert shares.loc[1, "digits"] == 0.0


def test_each_recorded_number_is_one_configuration_of_its_space():
    found = configurations()
    assert not own_space("wide").misfits(found[WIDE.first])
    assert not own_space("narrow").misfits(found[NARROW.numbers[-1]])
    assert found[BASELINES] == own_space("wide").baselines[0]
    assert len(found) == WIDE.count + NARROW.count + len(own_space("wide").baselines)


def test_the_file_holds_the_chosen_configurations():
    chosen = [{"lr": 0.0123456, "batch_size": 64, "optimizer": "sgd"}, {"lr": 0.01}]
    content = yaml.safe_load(portfolio_text(chosen, 9, ["fashion"]))
    assert content["model"] == "lenet"
    assert content["configurations"] == [{**chosen[0], "lr": 0.0123}, {"lr": 0.01}]
