"""Fidelity stages: validation, comparison of trials, and reports."""

from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest

from tests.messages import assert_named, assert_refused
from tests.tuning.recording.test_trial_record import epoch
from tests.tuning.studies import study_in
from tune_mnist.training import Fidelity, Stage
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.estimate import expected_epochs
from tune_mnist.tuning.recording.trial_record import TrialRecord, best_record, to_frame
from tune_mnist.tuning.schedulers.promotion import PromotionAsha
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.searching.warm_start import own_trials, prepare_study, select_trials
from tune_mnist.tuning.spaces.space import load_space, parse_space
from tune_mnist.tuning.spaces.stages import check_images, describe_stages, epoch_costs, report_of

SPACE = """
description: d
model: {model}
parameters:
  lr: {{type: float, low: 0.001, high: 0.1}}
fidelity: {fidelity}
defaults: {{image_size: 64, fraction: 0.5, max_epochs: 6}}
"""
STAGES = "[{epochs: 2, image_size: 28, fraction: 0.1}, {epochs: 4, image_size: 48}]"


def space(model="resnet", fidelity=STAGES):
    return parse_space(SPACE.format(model=model, fidelity=fidelity), Path("my.yaml"))


def options(*of, **given):
    return SearchOptions.for_space(space(*of), **given)


def test_missing_keys_of_a_stage_default_to_the_search():
    fidelity = options().fidelity(space())
    assert fidelity.stages == (Stage(2, 28, 0.1), Stage(4, 48, 0.5), Stage(6, 64, 0.5))
    assert options(image_size=96).fidelity(space()).stages[-1].image_size == 96
    plain = load_space("resnet")
    assert SearchOptions.for_space(plain).fidelity(plain) is None


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({"max_epochs": 4}, "my.yaml fidelity[2].epochs --max-epochs 4"),
        ({"image_size": 32}, "my.yaml fidelity[2].image_size --image-size 32"),
        ({"fraction": 0.05}, "my.yaml fidelity[1].fraction --fraction 0.05"),
        ({"scheduler": "none"}, "--scheduler none"),
        ({"scheduler": "hyperband"}, "--scheduler hyperband asha asha-stopping asha-promotion"),
        ({"scheduler": "median"}, "--scheduler median"),
        ({"scheduler": "pbt"}, "--scheduler pbt"),
        ({"objective": "val_accuracy,parameters"}, "--objective val_accuracy,parameters"),
        ({"grace_period": 2}, "--grace-period 2"),
    ],
)
def test_options_that_exclude_stages_are_refused(given, facts):
    assert_refused(facts, options, **given)


def test_lenet_allows_stages_by_fraction_only():
    facts = "my.yaml fidelity image_size lenet"
    assert_refused(facts, options, "lenet")
    assert_refused(facts, options, "{type: categorical, choices: [lenet, resnet]}")
    fewer = "[{epochs: 1, fraction: 0.1}]"
    assert len(options("lenet", fewer).fidelity(space("lenet", fewer)).stages) == 2


def test_a_stage_must_have_an_image_of_each_class(digits_split):
    few = Fidelity((Stage(1, 28, 0.001), Stage(2, 28, 1.0)))
    assert_refused("fidelity[1].fraction 0.001 1", check_images, few, digits_split)
    check_images(Fidelity((Stage(1, 28, 0.1), Stage(2, 28, 1.0))), digits_split)
    check_images(None, digits_split)


def decisions(scheduler, number, accuracies):
    """Return the decision at each epoch of a trial, until it pauses or stops."""
    trial = SimpleNamespace(config={"number": number}, status="RUNNING", is_finished=lambda: False)
    controller = SimpleNamespace(search_alg=SimpleNamespace(is_finished=lambda: False))
    scheduler.on_trial_add(controller, trial)
    made = []
    for count, accuracy in enumerate(accuracies, start=1):
        result = {"epoch": count, "val_accuracy": accuracy}
        made.append(scheduler.on_trial_result(controller, trial, result))
        if made[-1] != "CONTINUE":
            break
    return made


def scheduler_for(chosen):
    scheduling = chosen.scheduling_for(space())
    return scheduler_class(scheduling.name)(scheduling)


def test_promotion_pauses_trials_at_the_end_of_a_stage():
    made = scheduler_for(options(num_samples=9))
    assert isinstance(made, PromotionAsha)
    assert decisions(made, 0, [0.5] * 6) == ["CONTINUE", "PAUSE"]


def test_stopping_ends_trials_only_at_the_end_of_a_stage():
    chosen = options(scheduler="asha-stopping", num_samples=9)
    made = scheduler_for(chosen)
    good = ["CONTINUE"] * 5 + ["STOP"]
    assert [decisions(made, number, [0.9] * 6) for number in range(3)] == [good] * 3
    assert decisions(made, 3, [0.1] * 6) == ["CONTINUE", "STOP"]
    assert decisions(made, 4, [0.1, 0.95, 0.1, 0.1, 0.1]) == ["CONTINUE"] * 3 + ["STOP"]


def test_cheaper_epochs_lower_the_expected_time():
    fidelity = Fidelity((Stage(2, 28, 0.25), Stage(3, 56, 0.5)))
    assert epoch_costs(fidelity, 1.0) == [0.125, 0.125, 1.0]
    assert epoch_costs(fidelity, 0.0) == [0.25, 0.25, 1.0]
    scheduling = options(num_samples=9).scheduling_for(space())
    costs = epoch_costs(options().fidelity(space()), 0.8)
    assert expected_epochs(9, scheduling, costs) < expected_epochs(9, scheduling) / 2
    assert expected_epochs(9, scheduling, [1.0] * 6) == expected_epochs(9, scheduling)


def test_description_of_the_stages():
    fidelity = options().fidelity(space())
    stages = describe_stages(fidelity, fixed_size=False).split("; ")
    assert_named("1 2 28x28 0.1", stages[0])
    assert_named("3 4 48x48 0.5", stages[1])
    assert_named("5 6 64x64 0.5", stages[2])
    fixed = Fidelity((Stage(2, 32, 0.1), Stage(3, 32, 0.5)))
    assert "32x32" not in describe_stages(fixed, fixed_size=True)


def trial(number, *accuracies):
    record = TrialRecord(number, f"id{number}", {"model": "resnet", "lr": 0.1})
    fidelity = options().fidelity(space())
    for count, accuracy in enumerate(accuracies, start=1):
        record.add_epoch(epoch(count, accuracy) | report_of(fidelity, count, "resnet"))
    return record


def test_values_of_a_later_stage_rank_first():
    record = trial(0, 0.9, 0.8, 0.7, 0.75)
    assert (record.stage, record.best_epoch, record.val_accuracy) == (2, 4, 0.75)
    assert best_record([trial(1, 0.99, 0.99), record, trial(2, 0.5, 0.5, 0.6)]).number == 0


def test_the_table_has_stage_image_size_and_fraction():
    frame = to_frame([trial(0, 0.9), trial(1, 0.9, 0.8, 0.7), trial(2)])
    assert list(frame["stage"][:2]) == [1, 2]
    assert list(frame["image_size"][:2]) == [28, 48]
    assert list(frame["fraction"][:2]) == [0.1, 0.5]
    assert frame.loc[2, ["stage", "image_size", "fraction"]].isna().all()


def test_reports_of_lenet_have_its_input_size():
    noted = report_of(Fidelity((Stage(1, 64, 0.1), Stage(2, 64, 0.5))), 1, "lenet")
    assert noted == {"stage": 1, "image_size": 32, "fraction": 0.1}
    assert report_of(None, 1, "lenet") == {}


def progress(stage, value):
    last = {"train_loss": 0.5, "train_accuracy": 0.9, "val_loss": 0.5}
    last |= {"images_per_second": 100.0, "parameters": 61_706}
    done = {"epochs": 2, "best_epoch": 2, "val_accuracy": value, "stage": stage}
    return done | {"last": last, "train_seconds": 1.0}


def taken_over(earlier, searched):
    return select_trials(earlier, Path("earlier"), searched, searched.model, searched.models)


def test_a_warm_start_with_other_stages_reuses_configurations_only(tmp_path):
    earlier = study_in(tmp_path / "earlier")
    prepare_study(earlier, space(), 0, None)
    for lr, stage, value in ((0.01, 1, 0.99), (0.02, 3, 0.9), (0.03, 2, 0.95)):
        earlier.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState.PRUNED,
                params={"lr": lr},
                distributions={"lr": optuna.distributions.FloatDistribution(0.001, 0.1)},
                intermediate_values={1: 0.99, 2: value},
                user_attrs={"progress": progress(stage, value)},
            )
        )
    without = space(fidelity="[]")
    alike, plain = study_in(tmp_path / "alike"), study_in(tmp_path / "plain")
    prepare_study(alike, space(), 2, taken_over(earlier, space()))
    prepare_study(plain, without, 2, taken_over(earlier, without))
    assert (len(alike.trials), own_trials(alike)) == (3, [])
    queued = [each.system_attrs["fixed_params"]["lr"] for each in own_trials(plain)]
    assert (len(plain.trials), queued) == (2, [0.02, 0.03])
