import json
from dataclasses import replace

import numpy as np
import pytest

from tests.messages import assert_named
from tests.tuning.settings import settings_in
from tune_mnist.tuning.final.misclassified import Misclassified, write_misclassified
from tune_mnist.tuning.final.runs import (
    FinalRun,
    final_folder,
    read_final_runs,
    write_final_run,
)
from tune_mnist.tuning.final.selection import (
    choose,
    describe_plan,
    drop_checkpoints,
    drop_outdated,
)
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.spaces.space import load_space
from tune_mnist.tuning.storage.shared_folder import SharedFolder

IMAGES = 1_000


def options(**given):
    return SearchOptions.for_space(load_space("lenet"), **given)


def settings(tmp_path, given):
    return replace(settings_in(tmp_path, given.max_epochs), seed=given.seed)


def record(number, accuracy, model="lenet", state=TrialState.COMPLETE):
    made = TrialRecord(number, f"id{number}", {"model": model, "lr": 0.1 / (number + 1)}, state)
    made.best_epoch, made.val_accuracy = 1, accuracy
    return made


def chosen(tmp_path, records, **given):
    wanted = options(**given)
    return choose(records, wanted, settings(tmp_path, wanted), IMAGES)


def made(plan):
    return FinalRun(
        model=plan.model,
        trial=plan.trial,
        seed=plan.config.seed,
        config=plan.config.flat(),
        train_images=plan.train_images,
        test_accuracy=0.9,
        confusion=[[9, 1], [1, 9]],
        train_seconds=1.0,
        best=plan.best,
    )


def test_the_best_of_each_architecture_is_chosen(tmp_path):
    records = [record(0, 0.8), record(1, 0.9), record(2, 0.85, "resnet"), record(3, 0.9)]
    plans = chosen(tmp_path, records)
    assert [(plan.model, plan.trial) for plan in plans] == [("lenet", 1), ("resnet", 2)]
    assert plans[0].config.lr == records[1].config["lr"]


@pytest.mark.parametrize("state", [TrialState.DIVERGED, TrialState.FAILED])
def test_a_trial_without_a_result_is_never_the_best(tmp_path, state):
    plans = chosen(tmp_path, [record(0, 0.8), record(1, 0.9, state=state)])
    assert [plan.trial for plan in plans] == [0]
    assert chosen(tmp_path, [record(1, 0.9, state=state)]) == []


def test_an_interrupted_trial_can_be_the_best(tmp_path):
    plans = chosen(tmp_path, [record(0, 0.8), record(1, 0.9, state=TrialState.INTERRUPTED)])
    assert [plan.trial for plan in plans] == [1]


def test_seeds_count_up_from_that_of_the_search(tmp_path):
    (first,) = chosen(tmp_path, [record(0, 0.8)], seed=2**32 - 2)
    assert [run.config.seed for run in first.seeded(3)] == [2**32 - 2, 2**32 - 1, 0]
    assert first.seeded(3)[0] == first


def test_finalists_are_the_best_different_configurations_of_each_architecture(tmp_path):
    records = [record(number, 0.8 + number / 100) for number in range(4)]
    records += [record(4, 0.9, "resnet"), record(5, 0.99, state=TrialState.DIVERGED)]
    records[2].config = records[3].config
    plans = chosen(tmp_path, records, finalists=3)
    assert [(plan.model, plan.trial, plan.best) for plan in plans] == [
        ("lenet", 3, True),
        ("lenet", 1, False),
        ("lenet", 0, False),
        ("resnet", 4, True),
    ]
    names = [run.name for plan in plans for run in plan.seeded(2)]
    assert len(set(names)) == len(names)


def exploited(number, accuracy, lr):
    """Return a trial whose best epoch, the second, has another learning rate than the first."""
    one = record(number, accuracy)
    one.best_epoch = 2
    one.exploits = [{"epoch": 1, "donor": 0, "params": {**one.config, "lr": lr}}]
    return one


def test_finalists_differ_in_the_configurations_that_are_trained(tmp_path):
    records = [record(0, 0.95), exploited(1, 0.9, lr=0.1 + 1e-16), exploited(2, 0.85, lr=0.03)]
    records[2].config = records[0].config
    plans = chosen(tmp_path, records, finalists=3)
    assert [(plan.trial, plan.config.lr) for plan in plans] == [(0, 0.1), (2, 0.03)]


def test_epochs_default_to_those_of_the_search(tmp_path):
    assert chosen(tmp_path, [record(0, 0.8)], max_epochs=4)[0].config.max_epochs == 4
    given = {"max_epochs": 4, "final_epochs": 7}
    assert chosen(tmp_path, [record(0, 0.8)], **given)[0].config.max_epochs == 7


def leave(directory, plan, count=2):
    """Write the files of a final evaluation."""
    for run in plan.seeded(count):
        write_final_run(directory, made(run))
    nothing = np.zeros(0, np.int64)
    write_misclassified(
        final_folder(directory, plan.model), Misclassified(nothing, nothing, nothing, nothing)
    )
    (final_folder(directory, plan.model) / "model.pt").touch()


def test_finished_runs_of_the_same_plan_are_kept(tmp_path):
    (plan,) = chosen(tmp_path, [record(0, 0.8)])
    leave(tmp_path, plan)
    assert drop_outdated(tmp_path, plan.seeded(1)) == [made(run) for run in plan.seeded(2)]
    assert len(read_final_runs(tmp_path)) == 2


@pytest.mark.parametrize(
    ("records", "given"),
    [
        ([record(0, 0.8), record(1, 0.9)], {}),
        ([record(0, 0.8)], {"final_epochs": 3}),
    ],
    ids=["better trial", "other epochs"],
)
def test_runs_of_another_configuration_are_removed_with_their_files(tmp_path, records, given):
    (old,) = chosen(tmp_path, [record(0, 0.8)])
    leave(tmp_path, old)
    kept = chosen(tmp_path, [record(5, 0.8, "resnet")])[0]
    leave(tmp_path, kept)
    new = chosen(tmp_path, records, **given)
    assert {run.model for run in drop_outdated(tmp_path, [*new, kept])} == {"resnet"}
    assert not final_folder(tmp_path, "lenet").exists()
    assert final_folder(tmp_path, "resnet").exists()


def finished(directory, plans):
    for plan in plans:
        for run in plan.seeded(2):
            write_final_run(directory, made(run))


def trials_of(runs):
    return sorted({run.trial for run in runs})


def test_a_finalist_fewer_costs_its_own_runs_only(tmp_path):
    records = [record(number, 0.9 - number / 100) for number in range(3)]
    finished(tmp_path, chosen(tmp_path, records, finalists=3))
    assert len(read_final_runs(tmp_path)) == 6
    left = drop_outdated(tmp_path, chosen(tmp_path, records, finalists=2))
    assert trials_of(left) == trials_of(read_final_runs(tmp_path)) == [0, 1]


def test_another_best_finalist_costs_the_runs_of_its_architecture(tmp_path):
    """Its weights are those that are kept, and an earlier run as second best kept none."""
    finished(tmp_path, chosen(tmp_path, [record(0, 0.8), record(1, 0.7)], finalists=2))
    again = chosen(tmp_path, [record(0, 0.8), record(1, 0.85)], finalists=2)
    assert drop_outdated(tmp_path, again) == read_final_runs(tmp_path) == []


def test_files_of_other_origin_are_kept(tmp_path):
    (old,) = chosen(tmp_path, [record(0, 0.8)])
    leave(tmp_path, old)
    folder = final_folder(tmp_path, "lenet")
    (folder / "seeds.json").touch()
    (folder / "seed-0.json.bak").touch()
    (folder / "thesis").mkdir()
    assert drop_outdated(tmp_path, chosen(tmp_path, [record(1, 0.9)])) == []
    assert {path.name for path in folder.iterdir()} == {"seeds.json", "seed-0.json.bak", "thesis"}


def test_runs_on_other_images_are_removed(tmp_path):
    wanted = options()
    old, new = (
        choose([record(0, 0.8)], wanted, settings(tmp_path, wanted), images)
        for images in (IMAGES, IMAGES // 2)
    )
    leave(tmp_path, old[0])
    assert drop_outdated(tmp_path, new) == []


def test_a_run_with_unknown_fields_is_repeated(tmp_path):
    (plan,) = chosen(tmp_path, [record(0, 0.8)])
    leave(tmp_path, plan, 1)
    path = final_folder(tmp_path, "lenet") / "seed-0.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"config": content["config"] | {"fused": True}}))
    assert drop_outdated(tmp_path, [plan]) == []


def test_no_run_resumes_from_a_checkpoint_of_another_configuration(tmp_path):
    store = SharedFolder(tmp_path / "checkpoints", "this")
    runs = [
        *chosen(tmp_path, [record(0, 0.8)])[0].seeded(2),
        *chosen(tmp_path, [record(1, 0.8)]),
        *chosen(tmp_path, [record(0, 0.8)], final_epochs=3),
    ]
    places = {run.checkpoints(store).at(1) for run in runs}
    assert len(places) == len(runs)
    for place in places:
        place.mkdir(parents=True)
    drop_checkpoints(store, runs[:1])
    assert [place for place in places if place.exists()] == [runs[0].checkpoints(store).at(1)]


def test_description_of_the_final_evaluation():
    plan = describe_plan(options(seed=4, final_epochs=3), 60_000, 10_000)
    assert_named("4 6 60,000 3 10,000", plan)  # seeds, images, epochs
    assert_named(["3 best"], describe_plan(options(finalists=3), 9, 9))
    assert_named(["seed 0"], describe_plan(options(final_seeds=1), 60_000, 10_000))
    assert describe_plan(options(final_seeds=0), 60_000, 10_000) == "none"
