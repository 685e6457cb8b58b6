"""The choice of a portfolio from recorded curves."""

import pandas as pd
import yaml

from benchmarks.portfolio.choose import choose, final_accuracies, judge, portfolio_text


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
    assert choose(accuracies, 3) == [1, 2, 0]


def test_a_choice_is_judged_on_the_data_set_that_it_has_not_seen():
    judged = judge(final_accuracies(curves()), 1).set_index("data set")
    assert judged.loc["fashion", "regret of the portfolio"] == 0.01
    assert judged.loc["fashion", "regret at random, mean"] > 0.1


def test_the_file_holds_the_chosen_configurations():
    content = yaml.safe_load(portfolio_text(curves(), [1, 0], ["fashion"]))
    assert content["model"] == "lenet"
    assert content["configurations"] == [
        {"lr": 0.1, "optimizer": "sgd", "momentum": 0.5},
        {"lr": 1.0, "optimizer": "sgd"},
    ]
