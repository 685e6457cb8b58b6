from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tests.messages import assert_refused
from tests.tuning.studies import study_in
from tune_mnist.tuning.recording.study import JOURNAL, STUDY_NAME, load_study, open_storage
from tune_mnist.tuning.recording.trial_store import own_trials
from tune_mnist.tuning.searching.portfolio import Portfolio
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.searching.warm_start import is_prepared, prepare_study, select_trials
from tune_mnist.tuning.spaces.space import parse_space

SPACE = """
description: two numbers
model: lenet
parameters:
  lr: {type: float, low: 0.1, high: 0.5}
  dropout: {type: float, low: 0.0, high: 0.5}
baselines: [{lr: 0.2}]
"""


def space():
    return parse_space(SPACE, Path("two.yaml"))


def add(study: optuna.Study, value: float, state=TrialState.COMPLETE, **parameters: float) -> None:
    study.add_trial(
        optuna.trial.create_trial(
            state=state,
            value=value,
            params=parameters,
            distributions={
                name: optuna.distributions.FloatDistribution(0, 10) for name in parameters
            },
            intermediate_values={1: value / 2, 2: value},
        )
    )


def taken_over(directory: Path, new=None, comparable=("lenet", "resnet"), model="lenet"):
    return select_trials(load_study(directory), directory, new or space(), model, comparable)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    study = study_in(tmp_path / "earlier")
    add(study, 0.9, lr=0.3, dropout=0.1)
    add(study, 0.95, lr=9.0, dropout=0.2)  # lr outside the new space
    add(study, 0.5, lr=0.4, dropout=0.3)
    add(study, 0.97, state=TrialState.PRUNED, lr=0.15, dropout=0.4)
    add(study, 0.99, momentum=0.5)  # nothing in common
    return tmp_path / "earlier"


def test_earlier_trials_inform_the_sampler_but_are_not_own_trials(tmp_path, earlier):
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 10, taken_over(earlier))
    imported = [trial for trial in study.trials if trial.state.is_finished()]
    assert [trial.params for trial in imported] == [
        {"lr": 0.3, "dropout": 0.1},
        {"dropout": 0.2},
        {"lr": 0.4, "dropout": 0.3},
        {"lr": 0.15, "dropout": 0.4},
    ]
    assert imported[3].state is TrialState.PRUNED
    assert imported[0].intermediate_values == {1: 0.45, 2: 0.9}
    assert imported[0].user_attrs["warm_start"] == "earlier #0"
    assert {trial.state for trial in own_trials(study)} == {TrialState.WAITING}
    assert is_prepared(study)


def test_only_trials_not_reused_as_a_whole_are_queued(tmp_path, earlier):
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 10, taken_over(earlier))
    queue = [trial.system_attrs["fixed_params"] for trial in own_trials(study)]
    assert queue == [{"dropout": 0.2}, {"lr": 0.2}]


def test_a_reused_baseline_is_not_repeated(tmp_path):
    study = study_in(tmp_path / "earlier")
    add(study, 0.9, lr=0.2, dropout=0.1)
    new = study_in(tmp_path / "new")
    prepare_study(new, space(), 10, taken_over(tmp_path / "earlier"))
    assert own_trials(new) == []


def test_incomparable_searches_give_configurations_only(tmp_path, earlier):
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 10, taken_over(earlier, comparable=()))
    assert not [trial for trial in study.trials if trial.state.is_finished()]
    tried = []
    for _ in range(4):
        trial = study.ask()
        space().sample(trial)
        tried.append(trial.params)
    assert tried[0]["dropout"] == 0.2
    assert tried[1] == {"lr": 0.3, "dropout": 0.1}
    assert tried[2] == {"lr": 0.4, "dropout": 0.3}
    assert tried[3]["lr"] == 0.2


def drawn(study: optuna.Study, new, count: int) -> list[dict]:
    """Return the configurations of the next trials."""
    study.sampler = create_sampler("tpe", new, 10, seed=0, chance_level=0.1)
    found = []
    for _ in range(count):
        trial = study.ask()
        new.sample(trial)
        found.append(trial.params)
    return found


def test_the_best_configurations_of_a_larger_space_are_run_first(tmp_path):
    """Their results are those of other configurations, which had a momentum as well."""
    before = study_in(tmp_path / "earlier")
    for lr, value in ((0.2, 0.6), (0.25, 0.9), (0.3, 0.7), (0.35, 0.8)):
        add(before, value, lr=lr, dropout=0.1, momentum=0.5)
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 10, taken_over(tmp_path / "earlier"))
    best = [{"lr": lr, "dropout": 0.1} for lr in (0.25, 0.35, 0.3)]
    found = drawn(load_study(tmp_path / "new"), space(), 4)
    assert found[:3] == best
    assert found[3]["lr"] == 0.2  # the baseline has not been tried without a momentum


CONDITIONAL = """
description: dropout for one optimizer
model: lenet
parameters:
  lr: {type: float, low: 0.1, high: 0.5}
  optimizer: {type: categorical, choices: [sgd, adam]}
  dropout: {type: float, low: 0.0, high: 0.5, when: {optimizer: sgd}}
"""


def test_a_configuration_with_a_value_that_no_longer_exists_is_run_first(tmp_path):
    before = study_in(tmp_path / "earlier")
    new = parse_space(CONDITIONAL, Path("conditional.yaml"))
    before.add_trial(
        optuna.trial.create_trial(
            value=0.9,
            params={"lr": 0.3, "optimizer": "adam", "dropout": 0.1},
            distributions={name: each.distribution() for name, each in new.parameters.items()},
        )
    )
    study = study_in(tmp_path / "new")
    prepare_study(study, new, 10, taken_over(tmp_path / "earlier", new))
    assert drawn(study, new, 1) == [{"lr": 0.3, "optimizer": "adam"}]


def test_a_configuration_is_queued_once(tmp_path):
    text = SPACE.replace(
        "[{lr: 0.2}]",
        "[{lr: 0.3, dropout: 0.1}, {lr: 0.2}, {dropout: 0.1, lr: 0.30000000000000004}]",
    )
    study = study_in(tmp_path / "new")
    prepare_study(study, parse_space(text, Path("two.yaml")), 10, None)
    queue = [trial.system_attrs["fixed_params"] for trial in own_trials(study)]
    assert queue == [{"lr": 0.3, "dropout": 0.1}, {"lr": 0.2}]


def test_a_portfolio_follows_the_baselines_and_is_marked(tmp_path):
    study = study_in(tmp_path / "new")
    found = ({"lr": 0.2, "dropout": 0.1}, {"lr": 0.4, "dropout": 0.1})
    prepare_study(study, space(), 10, None, Portfolio(found, left_out=0))
    queue = [trial.system_attrs["fixed_params"] for trial in own_trials(study)]
    assert queue == [{"lr": 0.2}, *found]
    assert [trial.user_attrs.get("portfolio", False) for trial in study.trials] == [
        False,
        True,
        True,
    ]
    assert {trial.state for trial in study.trials} == {TrialState.WAITING}


def test_at_most_num_samples_configurations_are_queued(tmp_path, earlier):
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 2, taken_over(earlier))
    assert len(own_trials(study)) == 2


def test_an_earlier_search_without_common_parameters_is_refused(tmp_path):
    study = study_in(tmp_path / "other")
    add(study, 0.9, momentum=0.3)
    assert_refused([str(tmp_path / "other")], taken_over, tmp_path / "other")


def test_trials_with_changed_hyperparameters_are_ignored(tmp_path):
    earlier = study_in(tmp_path / "earlier")
    trial = earlier.ask({"lr": optuna.distributions.FloatDistribution(0.1, 0.5)})
    trial.set_user_attr("takeovers", [{"epoch": 1, "donor": 1, "params": {"lr": 0.2}}])
    earlier.tell(trial, 0.9)
    add(earlier, 0.8, lr=0.4)
    new = study_in(tmp_path / "new")
    prepare_study(new, space(), 3, taken_over(tmp_path / "earlier"))
    taken = [trial.params for trial in new.trials if trial.state.is_finished()]
    assert taken == [{"lr": 0.4}]


def queue_of(study: optuna.Study) -> list[tuple[TrialState, dict]]:
    return [
        (trial.state, trial.params or trial.system_attrs.get("fixed_params"))
        for trial in study.trials
    ]


def test_an_interrupted_warm_start_adds_no_trial_twice(tmp_path, earlier):
    prepare_study(study_in(tmp_path / "alone"), space(), 10, taken_over(earlier))
    lines = (tmp_path / "alone" / JOURNAL).read_bytes().splitlines(keepends=True)
    expected = queue_of(load_study(tmp_path / "alone"))
    for written in range(1, len(lines)):
        killed = tmp_path / f"killed-{written}"
        killed.mkdir()
        (killed / JOURNAL).write_bytes(b"".join(lines[:written]))
        study = optuna.load_study(storage=open_storage(killed), study_name=STUDY_NAME)
        if not is_prepared(study):
            prepare_study(study, space(), 10, taken_over(earlier))
        assert queue_of(study) == expected


def test_the_earlier_search_may_continue_during_the_warm_start(tmp_path, earlier):
    going_on = load_study(earlier)
    late = going_on.ask()
    add(going_on, 0.6, lr=0.25, dropout=0.45)
    prepare_study(study_in(tmp_path / "alone"), space(), 10, taken_over(earlier))
    lines = (tmp_path / "alone" / JOURNAL).read_bytes().splitlines(keepends=True)
    space().sample(late)
    going_on.tell(late, 0.99)  # becomes the best, and so the first of a queue created later
    for written in range(1, len(lines)):
        killed = tmp_path / f"killed-{written}"
        killed.mkdir()
        (killed / JOURNAL).write_bytes(b"".join(lines[:written]))
        study = optuna.load_study(storage=open_storage(killed), study_name=STUDY_NAME)
        queued_before = len(own_trials(study))
        prepare_study(study, space(), 10, taken_over(earlier))
        marks = [trial.user_attrs["warm_start"] for trial in study.trials if trial.values]
        assert len(set(marks)) == len(marks)
        assert {f"earlier #{number}" for number in (0, 1, 2, 3, 6)} <= set(marks)
        queue = [trial.system_attrs["fixed_params"] for trial in own_trials(study)]
        assert len(queue) == 2
        assert [each for each in queue if queue.count(each) > 1] == []
        assert queued_before == 0 or late.params not in queue


BOTH = SPACE.replace("model: lenet", "model: {type: categorical, choices: [lenet, resnet]}")


def finished(study: optuna.Study) -> list[dict]:
    return [trial.params for trial in study.trials if trial.state.is_finished()]


def test_accuracies_of_another_architecture_are_not_reused(tmp_path, earlier):
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 10, taken_over(earlier, model="resnet"))
    assert finished(study) == []
    queue = [trial.system_attrs["fixed_params"] for trial in own_trials(study)]
    assert queue[1] == {"lr": 0.3, "dropout": 0.1}  # its configurations are still tried


def test_trials_of_a_fixed_architecture_fit_a_space_of_several(tmp_path, earlier):
    both = parse_space(BOTH, Path("both.yaml"))
    study = study_in(tmp_path / "new")
    prepare_study(study, both, 10, taken_over(earlier, both, model="resnet"))
    assert {each["model"] for each in finished(study)} == {"resnet"}
    assert {"lr": 0.3, "dropout": 0.1, "model": "resnet"} in finished(study)


def test_only_architectures_of_the_space_are_reused(tmp_path):
    before = study_in(tmp_path / "earlier")
    both = parse_space(BOTH, Path("both.yaml"))
    for model, lr, value in (("lenet", 0.2, 0.8), ("resnet", 0.3, 0.99), ("lenet", 0.4, 0.7)):
        before.add_trial(
            optuna.trial.create_trial(
                value=value,
                params={"model": model, "lr": lr, "dropout": 0.1},
                distributions={
                    name: each.distribution() for name, each in both.parameters.items()
                },
            )
        )
    study = study_in(tmp_path / "new")
    prepare_study(study, space(), 10, taken_over(tmp_path / "earlier", model=None))
    assert finished(study) == [{"lr": 0.2, "dropout": 0.1}, {"lr": 0.4, "dropout": 0.1}]
    # A configuration of another architecture is not tried if the space's own have some.
    assert own_trials(study) == []


def test_only_accuracies_of_unchanged_networks_are_reused(tmp_path, earlier):
    both = parse_space(BOTH, Path("both.yaml"))
    study = study_in(tmp_path / "new")
    prepare_study(study, both, 10, taken_over(earlier, both, comparable=("resnet",)))
    assert finished(study) == []
    queue = [trial.system_attrs["fixed_params"] for trial in own_trials(study)]
    assert {"model": "lenet", "lr": 0.3, "dropout": 0.1} in queue
