"""Contract of searchers and schedulers, tested for each registered pair."""

import pytest
from optuna.trial import TrialState as StudyState
from ray.exceptions import RayActorError, RayTaskError

from tests.messages import assert_refused
from tests.tuning.contract.simulated_search import (
    MAX_EPOCHS,
    NUM_SAMPLES,
    SPACE,
    Fault,
    SimulatedSearch,
)
from tune_mnist.errors import UserError
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.estimate import expected_epochs
from tune_mnist.tuning.ray_internals.settings import ENVIRONMENT
from tune_mnist.tuning.recording.trial_record import TrialState
from tune_mnist.tuning.schedulers.options import OWN_OPTIONS, SchedulerOptions
from tune_mnist.tuning.schedulers.registry import SCHEDULERS, scheduler_class, scheduler_names
from tune_mnist.tuning.searching.portfolio import Portfolio
from tune_mnist.tuning.searching.registry import searcher_class, searcher_names
from tune_mnist.tuning.trials.reports import ended_early

KILLED_AFTER = 4
"""Epochs of each session of a search that is killed repeatedly."""


@pytest.fixture(scope="module", autouse=True)
def environment_of_a_search():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


def options_of(searcher: str, scheduler: str, **given: int) -> SearchOptions:
    return SearchOptions.for_space(
        SPACE,
        searcher=searcher,
        scheduler=scheduler,
        num_samples=NUM_SAMPLES,
        max_epochs=MAX_EPOCHS,
        **given,
    )


def go_together(searcher: str, scheduler: str) -> bool:
    try:
        options_of(searcher, scheduler)
    except UserError:
        return False
    return True


PAIRS = [
    (searcher, scheduler)
    for searcher in searcher_names()
    for scheduler in SCHEDULERS
    if go_together(searcher, scheduler)
]
all_pairs = pytest.mark.parametrize(("searcher", "scheduler"), PAIRS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Function that returns the uninterrupted search of a pair with one worker; runs it once."""
    runs: dict[tuple[str, str], SimulatedSearch] = {}

    def run(searcher: str, scheduler: str) -> SimulatedSearch:
        if (searcher, scheduler) not in runs:
            folder = tmp_path_factory.mktemp("undisturbed")
            runs[searcher, scheduler] = SimulatedSearch(folder, searcher, scheduler).run()
        return runs[searcher, scheduler]

    return run


def check_whole(search: SimulatedSearch) -> None:
    """Check that every trial has ended, and that each epoch was trained exactly once."""
    assert [record.number for record in search.records] == list(range(NUM_SAMPLES))
    assert all(record.state.ended for record in search.records)
    assert TrialState.INTERRUPTED not in [record.state for record in search.records]
    assert all(trial.state.is_finished() for trial in search.study.trials)
    assert len(search.study.trials) == NUM_SAMPLES
    assert not search.components.searcher.handed_out()
    assert len(set(search.trained)) == len(search.trained)
    for record in search.records:
        epochs = [epoch for number, epoch in search.trained if number == record.number]
        assert epochs == list(range(1, len(epochs) + 1))
        assert record.epochs == len(epochs)
    kind = scheduler_class(search.scheduler)
    assert kind.draws_ahead or search.most_active <= search.workers


def test_every_searcher_and_scheduler_is_tested():
    assert {searcher for searcher, _ in PAIRS} == set(searcher_names())
    assert {scheduler for _, scheduler in PAIRS} == set(SCHEDULERS)


@all_pairs
def test_the_best_trial_is_trained_to_the_last_epoch(undisturbed, searcher, scheduler):
    search = undisturbed(searcher, scheduler)
    check_whole(search)
    kind = scheduler_class(scheduler)
    epochs = set(search.epochs().values())
    assert max(epochs) == MAX_EPOCHS
    assert (min(epochs) < MAX_EPOCHS) == kind.stops_early
    assert any(record.exploits for record in search.records) == kind.exploits


@all_pairs
def test_a_search_killed_repeatedly_ends_like_an_uninterrupted_one(
    undisturbed, tmp_path, searcher, scheduler
):
    straight = undisturbed(searcher, scheduler)
    search = SimulatedSearch(tmp_path / "killed", searcher, scheduler)
    kind = scheduler_class(scheduler)
    cut = KILLED_AFTER if kind.resumable else None
    while not search.run(cut).is_over():
        assert search.runs < NUM_SAMPLES * MAX_EPOCHS, "it gets nowhere"
    check_whole(search)
    assert search.history() == straight.history()
    assert search.epochs() == straight.epochs()
    if kind.pauses_pending:  # no trial is started that would have to wait at once
        assert search.restarts <= straight.restarts + search.runs


@pytest.mark.parametrize("searcher", searcher_names())
def test_another_seed_gives_another_search(undisturbed, tmp_path, searcher):
    straight = undisturbed(searcher, "none")
    search = SimulatedSearch(tmp_path / "other", searcher, "none", seed=1).run()
    assert search.history() != straight.history()


def faults() -> Fault:
    """Trial 1 diverges, 2 fails at every attempt, 3 and 4 fail once."""
    once = {
        (3, 1): RayActorError(error_msg="the worker died"),
        (4, 2): RayTaskError("train", "RuntimeError: once", RuntimeError("once")),
    }

    def fault(number, epoch):
        if number == 1:
            return ended_early("diverged: train_loss is nan", diverged=True)
        if number == 2:
            return RayTaskError("train", "RuntimeError: bad", RuntimeError("bad"))
        return once.pop((number, epoch), None)

    return fault


@all_pairs
def test_no_trial_is_lost_if_trials_workers_and_the_driver_fail(tmp_path, searcher, scheduler):
    search = SimulatedSearch(tmp_path / "faults", searcher, scheduler, workers=3, fault=faults())
    if scheduler_class(scheduler).resumable:
        search.run(cut=9)
    search.run()
    check_whole(search)
    broken = {
        record.number: record.state
        for record in search.records
        if record.state in (TrialState.DIVERGED, TrialState.FAILED)
    }
    assert broken == {1: TrialState.DIVERGED, 2: TrialState.FAILED}
    assert [trial.number for trial in search.study.trials if trial.state is StudyState.FAIL] == [
        *broken
    ]
    assert all(search.records[number].reason for number in broken)


@all_pairs
def test_a_search_ends_if_every_trial_fails(tmp_path, searcher, scheduler):
    tries = []

    def fault(number, epoch):
        tries.append(number)
        return RayTaskError("train", "RuntimeError: bad", RuntimeError("bad"))

    search = SimulatedSearch(tmp_path / "bad", searcher, scheduler, workers=2, fault=fault).run()
    check_whole(search)
    assert {record.state for record in search.records} == {TrialState.FAILED}
    assert sorted(tries) == sorted(2 * list(range(NUM_SAMPLES)))


@all_pairs
def test_a_search_ends_if_all_accuracies_are_equal(tmp_path, searcher, scheduler):
    search = SimulatedSearch(
        tmp_path / "equal", searcher, scheduler, workers=2, accuracy=lambda _: 0.1
    ).run()
    check_whole(search)
    assert not any(record.exploits for record in search.records)


@pytest.mark.parametrize(
    "searcher", [name for name in searcher_names() if not searcher_class(name).learns]
)
def test_a_searcher_that_does_not_learn_ignores_results(undisturbed, tmp_path, searcher):
    search = SimulatedSearch(
        tmp_path / "other", searcher, "none", accuracy=lambda skill: 1 / (1 + skill)
    ).run()
    drawn = [trial.params for trial in search.study.trials]
    assert drawn == [trial.params for trial in undisturbed(searcher, "none").study.trials]


POOR = Portfolio(
    (
        {"model": "lenet", "lr": 0.05, "dropout": 0.4},
        {"model": "resnet", "lr": 0.05, "dropout": 0.3},
    ),
    left_out=0,
)
"""Configurations that every scheduler would stop early."""


@pytest.mark.parametrize(
    ("searcher", "scheduler"),
    [pair for pair in PAIRS if pair[0] == "random" and scheduler_class(pair[1]).stops_early],
)
def test_a_portfolio_runs_first_and_to_its_end(tmp_path, searcher, scheduler):
    search = SimulatedSearch(tmp_path / "search", searcher, scheduler, portfolio=POOR)
    kind = scheduler_class(scheduler)
    cut = KILLED_AFTER if kind.resumable else None
    while not search.run(cut).is_over():
        assert search.runs < NUM_SAMPLES * MAX_EPOCHS, "no progress"
    check_whole(search)
    assert [search.study.trials[number].params for number in (1, 2)] == [*POOR.configurations]
    assert {search.records[number].state for number in (1, 2)} == {TrialState.COMPLETE}
    # With one worker, no other trial runs between the epochs of a portfolio trial.
    for number in (1, 2):
        places = [at for at, (trained, _) in enumerate(search.trained) if trained == number]
        assert places == list(range(places[0], places[0] + MAX_EPOCHS))
    assert max(at for at, (number, _) in enumerate(search.trained) if number == 2) < min(
        at for at, (number, _) in enumerate(search.trained) if number > 2
    )
    assert min(search.epochs().values()) < MAX_EPOCHS


def test_a_resumed_search_counts_the_trials_of_its_portfolio(tmp_path):
    search = SimulatedSearch(tmp_path / "search", "random", "asha", portfolio=POOR)
    search.run(cut=1)
    assert (search.portfolio_trials, search.portfolio_left) == (2, 2)
    search.portfolio = None  # a resumed search does not read the portfolio
    while not search.run(cut=4).is_over():
        assert search.portfolio_trials == 2
    assert search.run().is_over()
    assert (search.portfolio_trials, search.portfolio_left) == (2, 0)


@pytest.mark.parametrize("option", OWN_OPTIONS)
@pytest.mark.parametrize("scheduler", scheduler_names())
def test_an_option_is_accepted_or_refused_in_one_line(scheduler, option):
    kind = scheduler_class(scheduler)
    given = {option: SearchOptions.model_fields[option].default + 1}
    if option in kind.accepts:
        assert (
            getattr(options_of("random", scheduler, **given).scheduling, option) == given[option]
        )
        return
    facts = [f"--{option.replace('_', '-')}", str(given[option]), "--scheduler"]
    assert_refused(facts, options_of, "random", scheduler, **given)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_expected_epochs_and_rungs_are_possible(scheduler):
    options = SchedulerOptions(scheduler, MAX_EPOCHS, num_samples=NUM_SAMPLES)
    kind = scheduler_class(scheduler)
    assert kind.accepts <= set(OWN_OPTIONS)
    most = NUM_SAMPLES * MAX_EPOCHS
    epochs = expected_epochs(NUM_SAMPLES, options)
    assert NUM_SAMPLES <= epochs < most if kind.stops_early else epochs == most
    rungs = kind.comparison_epochs(options)
    assert list(rungs) == sorted(set(rungs))
    assert all(1 <= rung < MAX_EPOCHS for rung in rungs)
