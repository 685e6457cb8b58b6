"""A scheduler restored from the study makes the same decisions as before."""

from types import SimpleNamespace

import pytest

from tests.tuning.example_trial import METRICS
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers, trial_settings
from tune_mnist.tuning.recording.study import JOURNAL, open_storage
from tune_mnist.tuning.schedulers.registry import SCHEDULERS, scheduler_class
from tune_mnist.tuning.schedulers.restore import earlier_trials, most_queued, scheduler_for
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.spaces.space import load_space

SPACE = load_space("lenet")


def metrics(epoch, accuracy):
    return METRICS | {"epoch": epoch, "val_accuracy": accuracy}


def search_in(directory, scheduler):
    """Return the searcher and scheduler of a new or resumed search."""
    options = SearchOptions.for_space(SPACE, scheduler=scheduler, num_samples=9, max_epochs=9)
    searcher = StudySearch(
        SPACE,
        open_storage(directory),
        create_sampler("random", SPACE, 9, 0, 0.2),
        options.directions,
        options.max_epochs,
        1,
    )
    settings = trial_settings(options, Workers(1, 0, 1), directory)
    return searcher, scheduler_for(searcher, SPACE, options.scheduling_for(SPACE), settings, 1)


@pytest.mark.parametrize(
    ("scheduler", "accuracy", "decision"),
    [
        ("asha-stopping", 0.1, "STOP"),
        ("median", 0.1, "STOP"),
        ("asha-promotion", 0.99, "CONTINUE"),  # without earlier trials it would have to pause
    ],
)
def test_values_of_an_earlier_session_count(tmp_path, scheduler, accuracy, decision):
    searcher, _ = search_in(tmp_path, scheduler)
    for number in range(4):
        searcher.suggest(f"id{number}")
        for epoch in (1, 2, 3):
            searcher.on_trial_result(f"id{number}", metrics(epoch, 0.9 + number / 100))
        searcher.on_trial_complete(f"id{number}", metrics(3, 0.9 + number / 100))

    _, resumed = search_in(tmp_path, scheduler)
    trial = SimpleNamespace(config={"number": 4, "model": "lenet"}, status="RUNNING")
    controller = SimpleNamespace(search_alg=SimpleNamespace(is_finished=lambda: False))
    resumed.on_trial_add(controller, trial)
    assert resumed.on_trial_result(controller, trial, metrics(1, accuracy)) == decision


@pytest.mark.parametrize("scheduler", ["asha-stopping", "median"])
def test_a_report_repeated_after_a_resume_stops_no_trial(tmp_path, scheduler):
    searcher, first = search_in(tmp_path, scheduler)
    searcher.may_begin = lambda: True
    controller = SimpleNamespace(search_alg=SimpleNamespace(is_finished=lambda: False))
    trials = []
    for number in range(6):
        trial = SimpleNamespace(config=searcher.suggest(f"id{number}"), status="RUNNING")
        first.on_trial_add(controller, trial)
        trials.append(trial)
    # The worst trial was the first at its rung, without others to compare with. It is the last if
    # trials are restored in the order of their numbers.
    for number, accuracy in ((5, 0.1), (0, 0.9), (1, 0.91), (2, 0.92), (3, 0.93), (4, 0.94)):
        for epoch in (1, 2, 3)[: 1 if number == 5 else 3]:
            report = metrics(epoch, accuracy)
            assert first.on_trial_result(controller, trials[number], report) == "CONTINUE"
            searcher.on_trial_result(f"id{number}", report)

    _, resumed = search_in(tmp_path, scheduler)
    resumed.on_trial_add(controller, trials[5])
    decisions = [
        resumed.on_trial_result(controller, trials[5], metrics(epoch, 0.1)) for epoch in (1, 2, 3)
    ]
    assert decisions[0] == "CONTINUE"
    assert "STOP" in decisions  # trials of the earlier session count in later comparisons


def test_unfinished_trials_are_resumed_first_and_ended_ones_not(tmp_path):
    searcher, _ = search_in(tmp_path, "none")
    configs = [searcher.suggest("id0")]
    searcher.on_trial_result("id0", metrics(1, 0.5))
    searcher.on_trial_complete("id0", metrics(1, 0.5))
    configs.append(searcher.suggest("id1"))
    searcher.on_trial_result("id1", metrics(1, 0.5))

    resumed, _ = search_in(tmp_path, "none")
    assert resumed.suggest("again") == configs[1]
    resumed.on_trial_complete("again", metrics(2, 0.6))
    assert resumed.suggest("new")["number"] == 2
    assert [trial.number for trial in resumed.study.trials] == [0, 1, 2]


@pytest.mark.parametrize("stored_as", ["val_losses", "train_losses"])
def test_restored_trials_of_equal_accuracy_are_ranked_by_loss(tmp_path, stored_as):
    """Earlier versions stored the training losses, and the validation loss of the last epoch."""
    searcher, _ = search_in(tmp_path, "asha-promotion")
    for number, loss in enumerate((2.30, 2.28, 2.29)):
        searcher.suggest(f"id{number}")
        searcher.on_trial_result(f"id{number}", metrics(1, 0.1) | {"val_loss": loss})
    journal = tmp_path / JOURNAL
    journal.write_text(journal.read_text().replace('"val_losses"', f'"{stored_as}"'))
    resumed, _ = search_in(tmp_path, "asha-promotion")
    trials = earlier_trials(resumed.study, resumed.trial_store)
    assert [trial.losses for trial in trials] == [{1: 2.30}, {1: 2.28}, {1: 2.29}]


class HeldTrial(SimpleNamespace):
    """Hashable running trial, which HyperBand can look up."""

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    "name", [name for name in SCHEDULERS if not scheduler_class(name).draws_ahead]
)
def test_the_number_of_concurrent_trials_follows_the_cluster(tmp_path, name):
    searcher, scheduler = search_in(tmp_path, name)
    controller = SimpleNamespace(search_alg=SimpleNamespace(is_finished=lambda: False))
    begun = []

    def begin():
        config = searcher.suggest(f"id{len(begun)}")
        if config:
            trial = HeldTrial(config=config, status="RUNNING", is_finished=lambda: False)
            begun.append(trial)
            scheduler.on_trial_add(controller, trial)
        return config

    assert begin()
    assert not begin()
    scheduler.set_concurrency(3)
    assert begin()
    assert begin()
    assert not begin()
    scheduler.set_concurrency(2)
    searcher.on_trial_complete("id0", metrics(9, 0.5))
    scheduler.on_trial_remove(controller, begun[0])
    assert not begin()


def test_queued_configurations_may_exceed_the_share_of_an_architecture(tmp_path):
    searcher, _ = search_in(tmp_path, "asha-promotion")
    assert most_queued(searcher.study) == 0
    for model in ("vggnet", "lenet", "vggnet"):
        searcher.study.enqueue_trial({"model": model})
    assert most_queued(searcher.study) == 2
