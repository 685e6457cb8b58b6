import itertools
import json
import math
import random
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.messages import assert_named
from tests.reporting.studies import (
    LENET,
    TWO_MODELS,
    Course,
    add_final_runs,
    make_search,
    two_models,
)
from tune_mnist.reporting.plots import Drawn, Plot, draw, is_key
from tune_mnist.reporting.plots.axes import set_ticks, stretch
from tune_mnist.reporting.stored_search import read_search

ALL_TITLES = {
    "Optimization history",
    "Learning curves",
    "Values by epoch",
    "Timeline",
    "Parallel coordinates",
    "Contour",
    "Rank",
    "Accuracy against training time",
    "Accuracy against size",
    "Accuracy against computation",
}
LEARNING = (0.8, 0.9, 0.95)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("search") / "two"
    two_models(folder)
    add_final_runs(folder)
    return draw(read_search(folder))


def plot(drawn: Drawn, key: str) -> Plot:
    (found,) = [each for each in drawn.plots if each.key == key]
    return found


def reasons(drawn: Drawn) -> dict[str, str]:
    return {each.title: each.reason for each in drawn.left_out}


def test_a_finished_search_gets_every_plot_with_a_sentence(drawn):
    slices = {f"Slice: {name}" for name in ("model", "lr", "batch_size", "optimizer", "momentum")}
    tested = {
        f"{what}: {m}"
        for what in ("Confusion matrix", "Misclassified")
        for m in ("lenet", "resnet")
    }
    assert {each.title for each in drawn.plots} == ALL_TITLES | slices | tested
    assert set(reasons(drawn)) == {"Pareto front", "Parameter importances"}
    for each in drawn.plots:
        assert is_key(
            each.key, ("lenet", "resnet")
        )  # a report removes outdated plots by their keys
        assert each.sentence.endswith(".")
        assert "nan" not in each.sentence
        if each.figure is not None:
            json.loads(each.figure.to_json())


def test_keys_may_name_files_and_are_unique(drawn):
    keys = [each.key for each in drawn.plots]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[\w-]+", key) for key in keys)


def test_the_history_names_the_best_trial_and_its_time(drawn):
    assert_named("#11 0.9850 12", plot(drawn, "history").sentence)


def test_stopped_trials_count_in_the_history(drawn):
    points = next(t for t in plot(drawn, "history").figure.data if t.name == "trial")
    # Three trials were stopped after one epoch, one failed after one epoch, one has none.
    assert list(points.x) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]
    assert points.customdata[0] == pytest.approx(0.6)
    assert points.y[0] == pytest.approx(0.4)


def test_the_curves_count_the_ends_of_trials_and_mark_the_rungs(drawn):
    curves = plot(drawn, "curves")
    # Trials with an epoch; trained to the end, stopped, failed; stopped trials and their epoch.
    assert re.findall(r"\d+", curves.sentence)[:6] == ["11", "7", "3", "1", "3", "1"]
    assert [shape.x0 for shape in curves.figure.layout.shapes] == [1]
    names = {trace.name for trace in curves.figure.data}
    assert names == {"trained to the end", "stopped early", "failed"}


def test_the_curves_of_a_search_without_rungs_have_no_marks(tmp_path: Path):
    results = make_search(tmp_path / "s", LENET, [Course({}, LEARNING)] * 2, scheduler="median")
    curves = plot(draw(results), "curves")
    assert not curves.figure.layout.shapes
    assert "rung" not in curves.sentence


def test_the_first_epoch_is_correlated_with_the_last(drawn):
    # 0.7 after an epoch, behind the 0.71, 0.73, 0.75 and 0.77 of the other four of ResNet.
    assert_named("#11 5 11 1", plot(drawn, "intermediate").sentence)


def test_shares_of_few_trials_are_noise_and_not_shown(drawn):
    assert_named("50", reasons(drawn)["Parameter importances"])


def many_trials(folder: Path, space: str = LENET) -> Drawn:
    """Draw 56 trials in which lr decides after epoch 1, and dropout later, for a few."""
    rng = random.Random(0)  # noqa: S311
    courses = []
    for index in range(56):
        lr, dropout = rng.uniform(-4, -1), rng.uniform(0, 0.5)
        first = 0.5 + 0.1 * lr
        courses.append(
            Course(
                {"lr": 10**lr, "dropout": dropout},
                (first,) if index % 4 else (first, first, first + dropout),
            )
        )
    return draw(make_search(folder, space, courses))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    schedule = "  lr_schedule: {type: categorical, choices: [constant, cosine]}\n"
    momentum = "  momentum: {type: float, low: 0, high: 0.9, when: {lr_schedule: cosine}}\n"
    return many_trials(tmp_path_factory.mktemp("many") / "s", LENET + schedule + momentum)


def test_importances_are_of_one_epoch_with_intervals(many):
    importances = plot(many, "importances")
    (bars,) = importances.figure.data
    shares = dict(zip(bars.y, bars.x, strict=True))
    assert set(shares) == {"lr", "dropout"}
    assert sum(bars.x) == pytest.approx(1)
    # On a plain scale lr would explain little: half of its values lie in 3% of the range.
    assert shares["lr"] > 0.8
    for share, (low, high) in zip(bars.x, bars.customdata, strict=True):
        assert 0 <= low <= share <= high <= 1
        assert high > low
    assert_named("56 1 momentum lr_schedule", importances.sentence)


def test_a_schedule_is_compared_by_trials_that_reached_the_last_epoch(many):
    schedule = plot(many, "slice-lr_schedule")
    (points,) = schedule.figure.data
    assert len(points.x) == 14
    assert_named("3 lr_schedule", schedule.sentence)


def test_slices_name_the_best_choice_and_range(drawn):
    assert_named("resnet 0.7200 6 lenet", plot(drawn, "slice-model").sentence)
    sentence = plot(drawn, "slice-lr").sentence
    assert_named("3 1 lr", sentence)
    assert " 0.001" in sentence  # the best range
    assert " -0." in sentence  # the rank correlation
    assert plot(drawn, "slice-optimizer").figure.layout.xaxis.categoryarray == ("sgd", "adam")


@pytest.mark.parametrize("values", [(0.183, 5.88), (0.3, 9), (0.7, 14), (2, 80), (60, 47e6)])
def test_a_logarithmic_axis_has_several_round_ticks(values):
    figure = go.Figure()
    set_ticks(figure.layout.xaxis, values, str)
    ticks = figure.layout.xaxis.tickvals
    assert 3 <= len(ticks) <= 8
    assert {f"{tick:e}"[0] for tick in ticks} <= set("125")
    assert all(float(f"{tick:.0e}") == pytest.approx(tick) for tick in ticks)


def test_no_rank_correlation_is_named_from_fewer_than_five_trials(tmp_path: Path):
    courses = [Course({"lr": 10.0**-n}, (0.5, 0.5 + 0.1 * n)) for n in range(1, 5)]
    few = draw(make_search(tmp_path / "few", LENET, courses))
    assert "rank correlation" not in plot(few, "slice-lr").sentence
    courses.append(Course({"lr": 0.05}, (0.5, 0.55)))
    more = draw(make_search(tmp_path / "more", LENET, courses))
    assert "rank correlation" in plot(more, "slice-lr").sentence


def optimizers_tried(folder: Path, **tried: list[float]) -> Drawn:
    courses = [
        Course({"optimizer": optimizer, "lr": 0.001 * (1 + index)}, (value,) * 3)
        for optimizer, values in tried.items()
        for index, value in enumerate(values)
    ]
    return draw(make_search(folder, TWO_MODELS, courses))


@pytest.mark.parametrize(
    ("tried", "found"),
    [
        ({"adam": [0.9, 0.91, 0.92, 0.93, 0.94, 0.95], "sgd": [0.2, 0.3, 0.4, 0.5, 0.6]}, True),
        ({"adam": [0.9, 0.91, 0.92, 0.93, 0.94, 0.95], "sgd": [0.2, 0.3]}, False),
        ({"adam": [0.1007] * 5 + [0.2], "sgd": [0.1007] * 6}, False),
        ({"adam": [0.80, 0.84, 0.88, 0.92, 0.96], "sgd": [0.79, 0.83, 0.87, 0.91, 0.97]}, False),
    ],
    ids=["clear", "too few", "tie", "noise"],
)
def test_a_choice_is_the_best_only_if_the_difference_is_significant(tmp_path, tried, found):
    sentence = plot(optimizers_tried(tmp_path / "s", **tried), "slice-optimizer").sentence
    assert ("the best optimizer is adam" in sentence) is found


def test_the_size_plot_compares_the_architectures(drawn):
    facts = "resnet 0.9850 11,178,378 181 lenet 0.8800"
    assert_named(facts, plot(drawn, "cost-size").sentence)


def test_flops_are_computed_at_the_image_size_of_the_search(drawn):
    assert_named("resnet 0.9850 283 MFLOPs 340", plot(drawn, "cost-flops").sentence)


def test_confusion_is_summed_over_the_seeds(drawn):
    confusion = plot(drawn, "confusion-lenet")
    assert_named("2 lenet 19 2,000 4 9 15", confusion.sentence)


def test_misclassified_digits_have_captions_with_the_predicted_class(drawn):
    images = plot(drawn, "misclassified-lenet")
    captions = [picture.caption for picture in images.pictures]
    assert captions == [
        "7 as 1, 98%",
        "4 as 9, 90%",
        "4 as 9, 80%",
    ]
    assert_named("3 4 9 2", images.sentence)
    assert all(picture.uri.startswith("data:image/png;base64,") for picture in images.pictures)


def test_a_new_search_gives_reasons_instead_of_plots(tmp_path: Path):
    drawn = draw(make_search(tmp_path / "s", TWO_MODELS, []))
    assert drawn.plots == []
    assert reasons(drawn)["Learning curves"]


def test_without_a_finished_epoch_only_the_timeline_is_drawn(tmp_path: Path):
    failed = Course({"lr": 0.1}, reason="diverged: train_loss is nan")
    drawn = draw(make_search(tmp_path / "s", TWO_MODELS, [failed, failed]))
    assert [each.key for each in drawn.plots] == ["timeline"]
    assert_named("2", drawn.plots[0].sentence)


def test_an_interrupted_trial_gets_a_bar_as_long_as_it_trained(tmp_path: Path):
    courses = [Course({}, LEARNING), Course({}, (0.5, 0.6), ends=False, seconds=4.0)]
    drawn = draw(make_search(tmp_path / "s", LENET, courses, num_samples=8))
    (bars,) = [t for t in plot(drawn, "timeline").figure.data if t.name == "not ended"]
    assert list(bars.x) == [8000]


def test_imported_trials_are_not_counted(tmp_path: Path):
    courses = [Course({}, LEARNING)] * 2
    drawn = draw(make_search(tmp_path / "s", LENET, courses, taken_over=3))
    assert_named("1 2", plot(drawn, "history").sentence)
    bars = [number for trace in plot(drawn, "timeline").figure.data for number in trace.y]
    assert bars == [3, 4]


def test_equal_trials_give_no_importances(tmp_path: Path):
    drawn = draw(make_search(tmp_path / "s", LENET, [Course({}, (0.1, 0.1, 0.1))] * 9))
    for title in ("Parallel coordinates", "Contour", "Rank", "Slices"):
        assert_named("val_accuracy", reasons(drawn)[title])


def test_a_single_parameter_cannot_be_compared_with_another(tmp_path: Path):
    space = LENET[: LENET.index("  dropout")]
    courses = [Course({}, (0.1 + i / 20,) * 3) for i in range(9)]
    drawn = draw(make_search(tmp_path / "s", space, courses))
    assert_named("2", reasons(drawn)["Contour"])
    assert plot(drawn, "slice-lr")


@pytest.mark.parametrize("accuracy", [1.0, 0.0])
def test_confusion_without_errors_or_with_errors_only_is_drawn(tmp_path: Path, accuracy: float):
    drawn = draw(make_search(tmp_path / "s", LENET, [Course({}, (accuracy,) * 3)] * 2))
    axis = plot(drawn, "curves").figure.layout.yaxis
    assert list(axis.ticktext) == [f"{accuracy:g}"]


def test_each_further_objective_gets_a_pareto_front(tmp_path: Path):
    courses = [
        Course({"model": ("lenet", "resnet")[i % 2]}, (0.5, 0.6, 0.7 + i / 40), seconds=9.0 - i)
        for i in range(8)
    ]
    objective = "val_accuracy,parameters,train_seconds"
    drawn = draw(make_search(tmp_path / "s", TWO_MODELS, courses, objective=objective))
    # Trial 7 is the best and the fastest, trial 6 is the best of the small networks.
    sentence = plot(drawn, "pareto-parameters").sentence
    assert_named("2 8 #7 0.8750 11,178,378 #6 0.8500 61,706", sentence)
    assert_named("#7", plot(drawn, "pareto-train_seconds").sentence)
    assert reasons(drawn)["Learning curves"]
    assert plot(drawn, "history")


def test_early_accuracies_are_correlated_only_where_a_trial_trained_longer(tmp_path: Path):
    """An accuracy that is also the best one of its trial would raise the correlation."""
    short = [Course({"lr": 0.001 * (n + 1)}, (0.1 + n / 100,)) for n in range(9)]
    longer = [Course({"lr": 0.01 * (n + 1)}, (0.5 + n / 100, 0.9 - n / 100)) for n in range(5)]
    drawn = draw(make_search(tmp_path / "s", LENET, short + longer))
    assert_named("5 -1.00", plot(drawn, "intermediate").sentence)
    drawn = draw(make_search(tmp_path / "few", LENET, short + longer[:4]))
    assert "correlation" not in plot(drawn, "intermediate").sentence


def test_drawing_does_not_change_the_journal(tmp_path: Path):
    results = two_models(tmp_path / "s")
    before = (tmp_path / "s" / "study.journal").read_bytes()
    draw(results)
    assert (tmp_path / "s" / "study.journal").read_bytes() == before


def test_parallel_coordinates_have_no_more_axes_than_can_be_read(tmp_path: Path):
    names = ("weight_decay", "label_smoothing", "augment_strength", "clip_norm", "ema", "momentum")
    more = "".join(f"  {name}: {{type: float, low: 0.1, high: 0.2}}\n" for name in names)
    space = LENET + more + "  augment: {type: categorical, choices: [shift, affine]}\n"
    courses = [Course({"lr": 0.01 + n / 100}, (0.5 + n / 20,) * 3) for n in range(9)]
    drawn = draw(make_search(tmp_path / "s", space, courses))
    axes = plot(drawn, "parallel").figure.layout.xaxis.ticktext
    assert len(axes) == 1 + 8  # val_accuracy and the first of nine parameters
    assert "augment" not in axes


def test_lines_and_points_have_the_number_and_the_values_of_their_trial(tmp_path: Path):
    """Optuna sorts the lines by the choices of a categorical parameter that are numbers."""
    courses = [
        Course({"lr": 0.001 * (n + 1), "batch_size": size}, (0.5 + (n * 7 % 11) / 100,) * 3)
        for n, size in enumerate((64, 32) * 5)
    ]
    space = LENET + "  batch_size: {type: categorical, choices: [32, 64]}\n"
    results = make_search(tmp_path / "s", space, courses)
    drawn = draw(results)
    records = {f"#{record.number}": record for record in results.records}

    lines = plot(drawn, "parallel").figure.data
    numbers = [line.hovertemplate.removesuffix("<extra></extra>") for line in lines]
    accuracies = [records[number].val_accuracy for number in numbers]
    assert accuracies == sorted(accuracies)
    axes = plot(drawn, "parallel").figure.layout.xaxis.ticktext
    at = [axis.replace("<br>", "") for axis in axes].index("batch_size")
    for line, number in zip(lines, numbers, strict=True):
        accuracy = records[number].val_accuracy
        span = max(accuracies) - min(accuracies)
        assert line.y[0] == pytest.approx((accuracy - min(accuracies)) / span)
        assert line.y[at] == (records[number].config["batch_size"] == 64)

    points, *_ = plot(drawn, "rank").figure.data
    layout = plot(drawn, "rank").figure.layout
    for values, axis in ((points.x, layout.xaxis), (points.y, layout.yaxis)):
        assert [records[number].config[axis.title.text] for number in points.text] == [
            pytest.approx(float(value)) for value in values
        ]


def test_the_rank_plot_has_a_place_for_each_choice_of_a_categorical_parameter(tmp_path: Path):
    choices = (0.0, 0.99, 0.999)
    courses = [
        Course({"lr": 0.01, "ema": choices[n % 3], "dropout": n / 40}, (0.5 + n / 100,) * 3)
        for n in range(9)
    ]
    space = LENET + "  ema: {type: categorical, choices: [0.0, 0.99, 0.999]}\n"
    figure = plot(draw(make_search(tmp_path / "s", space, courses)), "rank").figure
    points, *_ = figure.data
    shown = {figure.layout.xaxis.title.text: (points.x, figure.layout.xaxis)}
    shown[figure.layout.yaxis.title.text] = (points.y, figure.layout.yaxis)
    values, axis = shown["ema"]
    assert axis.type == "category"
    # Plotly places values that are not listed behind the listed ones.
    assert list(axis.categoryarray) == ["0.0", "0.99", "0.999"]
    assert set(values) == set(axis.categoryarray)


def test_a_slice_colours_trial_numbers_otherwise_than_accuracies(drawn):
    (points,) = plot(drawn, "slice-lr").figure.data
    surface = plot(drawn, "contour").figure.data[0]
    assert points.marker.colorscale != surface.colorscale


def test_an_exploited_trial_counts_with_the_hyperparameters_of_the_compared_epoch(tmp_path: Path):
    courses = [Course({"lr": 0.01 * (n + 1)}, (0.5, 0.6 + 0.01 * n)) for n in range(4)]
    courses.append(Course({"lr": 1e-4}, (0.1, 0.99)))
    results = make_search(tmp_path / "pbt", LENET, courses)
    target = results.records[-1]
    params = {"model": "lenet", "lr": 0.05, "dropout": 0.1}
    target.exploits.append({"epoch": 1, "donor": 3, "params": params})
    (points, *_) = plot(draw(results), "slice-lr").figure.data
    assert 0.05 not in points.x
    assert dict(zip(points.x, points.customdata, strict=True))[1e-4] == pytest.approx(0.1)


EFFECT_PLOTS = ("slice-lr", "slice-optimizer", "parallel", "contour", "rank")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Draw a search whose trials with adam are stopped early, although they are ahead."""
    ahead, behind = (0.6,), (0.4, 0.7, 0.9)
    courses = [
        Course(
            {"model": "lenet", "optimizer": "sgd" if late else "adam", "lr": 0.001 * (n + 1)},
            tuple(value + n / 1000 for value in (behind if late else ahead)),
        )
        for n, late in enumerate((True, False) * 5)
    ]
    fatal = {"model": "lenet", "optimizer": "adam", "lr": 0.09}
    courses.append(Course(fatal, reason="diverged: train_loss is nan"))
    return draw(make_search(tmp_path_factory.mktemp("stopped") / "s", TWO_MODELS, courses))


def test_hyperparameters_are_compared_after_an_epoch_that_all_trials_reached(stopped):
    for key in EFFECT_PLOTS:
        assert_named(["epoch 1"], plot(stopped, key).sentence)
    sentence = plot(stopped, "slice-optimizer").sentence
    assert_named("adam 0.6040 6 sgd 0.4040 5", sentence)
    (points,) = plot(stopped, "slice-optimizer").figure.data
    assert max(points.customdata) == pytest.approx(0.609)


def test_a_diverged_trial_counts_as_the_worst_beside_a_slice(stopped):
    assert_named(["1 diverged"], plot(stopped, "slice-optimizer").sentence)


def test_the_colour_bar_of_a_slice_has_whole_trial_numbers(tmp_path: Path):
    courses = [Course({"lr": 0.01 * (n + 1)}, (0.5 + n / 100,) * 3) for n in range(4)]
    (points,) = plot(draw(make_search(tmp_path / "s", LENET, courses)), "slice-lr").figure.data
    assert points.marker.colorbar.dtick == 1


@pytest.mark.parametrize(
    "accuracies", [(0.100694, 0.0902778), (0.42881, 0.42883), (0.97, 0.98123), (0.5, 0.500001)]
)
def test_accuracies_near_each_other_have_short_ticks_at_even_distances(accuracies):
    figure = stretch(go.Figure(go.Scatter(x=[1, 2], y=accuracies)), "val_accuracy")
    labels = figure.layout.yaxis.ticktext
    assert 1 <= len(labels) <= 8
    assert len({*labels}) == len(labels)
    ticks = [float(label) for label in labels]
    distances = {round(high - low, 7) for low, high in itertools.pairwise(sorted(ticks))}
    assert len(distances) <= 1


@pytest.mark.parametrize("values", [(0.003,), (0.003, 0.0035), (0.0011, 0.0018), (9e-4, 2e-3)])
def test_a_short_logarithmic_axis_shows_at_least_two_ticks(values):
    axis = go.Figure().layout.xaxis
    set_ticks(axis, values, str)
    low, high = axis.range or (math.log10(min(values)), math.log10(max(values)))
    assert len([tick for tick in axis.tickvals if low <= math.log10(tick) <= high]) >= 2


def test_a_search_with_stages_compares_trials_of_the_last_stage(
    tmp_path: Path,
):
    space = LENET + "fidelity: [{epochs: 2, fraction: 0.1}]\n"
    accuracies = [(0.9, 0.99), (0.8, 0.9, 0.91), (0.7, 0.98), (0.8, 0.9, 0.93)]
    courses = [Course({}, course) for course in accuracies]
    drawn = draw(make_search(tmp_path / "s", space, courses, fraction=1.0))
    assert [shape.x0 for shape in plot(drawn, "curves").figure.layout.shapes] == [2]
    history = plot(drawn, "history")
    points = next(t for t in history.figure.data if t.name == "trial")
    assert list(points.x) == [1, 3]
    assert_named("#3 0.9300 4 2", history.sentence)  # of the second stage
