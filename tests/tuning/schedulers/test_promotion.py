import itertools
import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import cloudpickle, tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.schedulers.brackets import assign_bracket, bracket_shares
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.promotion import PromotionAsha
from tune_mnist.tuning.schedulers.protocol import EarlierTrial
from tune_mnist.tuning.schedulers.rungs import rung_epochs
from tune_mnist.tuning.spaces.space import parse_space

QUALITIES = (0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6)


def promotion(**options):
    return PromotionAsha(SchedulerOptions("asha-promotion", **options))


def accuracy(quality, epoch):
    return quality * (1 - 0.5**epoch)


def train(config):
    """Simulate a learning curve with a checkpoint, and log each trained epoch.

    If the configuration names another trial in ``after``, wait until this trial has started.
    """
    checkpoint = Path(config["folder"], "checkpoints", str(config["number"]))
    Path(config["folder"], f"{config['number']} has started").touch()
    while not Path(config["folder"], f"{config['after']} has started").exists():
        time.sleep(0.05)
    epoch = int(checkpoint.read_text()) if checkpoint.exists() else 0
    if epoch:
        tune.report({"epoch": epoch, "val_accuracy": accuracy(config["quality"], epoch)})
    while epoch < config["max_epochs"]:
        epoch += 1
        with Path(config["folder"], "log").open("a") as log:
            log.write(json.dumps([config["number"], epoch, os.getpid()]) + "\n")
        if epoch == config["fails_at"]:
            raise RuntimeError("diverged")
        checkpoint.write_text(str(epoch))
        tune.report({"epoch": epoch, "val_accuracy": accuracy(config["quality"], epoch)})


class Handout(Searcher):
    """Suggests given configurations: unfinished first, then new ones when they are wanted."""

    def __init__(self, configs, unfinished, wanted):
        super().__init__(metric="val_accuracy", mode="max")
        self.wanted = wanted
        self.unfinished = list(unfinished)
        self.coming = list(configs)
        self.number = {}
        self.values = defaultdict(dict)
        self.ended = set()
        self.results_at_start = {}

    def suggest(self, trial_id):
        if self.unfinished:
            config = self.unfinished.pop(0)
        elif not self.coming:
            return Searcher.FINISHED
        elif not self.wanted():
            return None
        else:
            config = self.coming.pop(0)
        self.number[trial_id] = config["number"]
        self.results_at_start[config["number"]] = sum(map(len, self.values.values()))
        return config

    def on_trial_result(self, trial_id, result):
        self.values[self.number[trial_id]][result["epoch"]] = result["val_accuracy"]

    def on_trial_complete(self, trial_id, result=None, error=False):
        if result:
            self.on_trial_result(trial_id, result)
        self.ended.add(self.number[trial_id])


class Cut(tune.Stopper):
    """Ends the search after a number of reports, as if the driver had been killed."""

    def __init__(self, results):
        self.left = results

    def __call__(self, trial_id, result):
        self.left -= 1
        return False

    def stop_all(self):
        return self.left <= 0


class Watch(tune.Callback):
    """Records started trials, and the maximum number of running and pending trials."""

    def __init__(self):
        self.started = []
        self.most = 0

    def on_trial_start(self, iteration, trials, trial, **info):
        self.started.append(trial.config["number"])

    def on_step_end(self, iteration, trials, **info):
        active = [trial for trial in trials if trial.status in (Trial.RUNNING, Trial.PENDING)]
        self.most = max(self.most, len(active))


class Run:
    """A search with simulated trials that can be interrupted and resumed."""

    def __init__(self, folder, qualities=QUALITIES, fails=None, after=None, **options):
        self.folder = folder
        (folder / "checkpoints").mkdir()
        self.options = {"max_epochs": 9, "rungs": (1, 3), **options}
        self.configs = [
            {
                "number": number,
                "quality": quality,
                "folder": str(folder),
                "max_epochs": 9,
                "fails_at": (fails or {}).get(number),
                "after": (after or {}).get(number, number),
            }
            for number, quality in enumerate(qualities)
        ]
        self.values, self.ended = defaultdict(dict), set()
        self.watch = Watch()

    def go(self, num_samples=None, cut=None, asks=True, **options):
        configs = self.configs[:num_samples]
        self.options |= options
        self.scheduler = promotion(num_samples=len(configs), **self.options)
        for number, values in self.values.items():
            self.scheduler.restore_trial(EarlierTrial(number, values, number in self.ended))
        searcher = self.searcher = Handout(
            [config for config in configs if config["number"] not in self.values],
            [c for c in configs if c["number"] in self.values.keys() - self.ended],
            wanted=self.scheduler.wants_new_trial if asks else lambda: True,
        )
        self.results = tune.Tuner(
            tune.with_resources(train, {"cpu": 1}),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=self.scheduler,
                num_samples=len(configs),
                reuse_actors=True,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name=f"ray-{len(list(self.folder.iterdir()))}",
                storage_path=str(self.folder),
                stop=Cut(cut) if cut else None,
                callbacks=[self.watch],
                verbose=0,
            ),
        ).fit()
        for number in searcher.number.values():
            self.values[number] |= searcher.values[number]
        self.ended |= searcher.ended
        return self

    @property
    def log(self):
        lines = (self.folder / "log").read_text().splitlines()
        return [tuple(json.loads(line)[:2]) for line in lines]

    @property
    def workers(self):
        return {json.loads(line)[2] for line in (self.folder / "log").read_text().splitlines()}

    @property
    def last_epochs(self):
        return dict(self.log)


def algorithm_2(qualities, max_epochs=9, eta=3):
    """Return the epochs of one worker by Algorithm 2 of the paper, and the end of each trial."""
    rungs = rung_epochs(max_epochs, 1, eta)
    reached = [[] for _ in rungs]
    promoted = [set() for _ in rungs]
    new, log = iter(range(len(qualities))), []

    def get_job():
        for k in reversed(range(len(rungs))):
            best = sorted(reached[k], key=lambda n: -qualities[n])[: len(reached[k]) // eta]
            for number in best:
                if number not in promoted[k]:
                    promoted[k].add(number)
                    return number, k + 1
        number = next(new, None)
        if number is not None:
            return number, 0
        for k in reversed(range(len(rungs))):
            waiting = [n for n in reached[k] if n not in promoted[k]]
            if waiting and max_epochs not in dict(log).values():
                number = max(waiting, key=lambda n: qualities[n])
                promoted[k].add(number)
                return number, k + 1
        return None

    while job := get_job():
        number, k = job
        start = rungs[k - 1] if k else 0
        end = rungs[k] if k < len(rungs) else max_epochs
        log += [(number, epoch) for epoch in range(start + 1, end + 1)]
        if k < len(rungs):
            reached[k].append(number)
    return log


@pytest.fixture(scope="module")
def cluster(small_ray):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it


def test_bracket_shares_equal_those_of_hyperband():
    assert bracket_shares(1, 2, 3) == (1.0,)
    assert bracket_shares(3, 2, 3) == pytest.approx((3 / 5.5, 1.5 / 5.5, 1 / 5.5))
    assert len(bracket_shares(9, 2, 3)) == 3  # only one bracket has no rung


def test_a_bracket_depends_on_trial_number_and_seed_only():
    shares = bracket_shares(3, 2, 3)
    brackets = [assign_bracket(number, shares, seed=1) for number in range(300)]
    assert [assign_bracket(n, shares, seed=1) for n in reversed(range(300))] == brackets[::-1]
    assert [assign_bracket(n, shares, seed=2) for n in range(300)] != brackets
    counts = Counter(brackets)
    assert counts[0] > counts[1] > counts[2] > 0


class Controller:
    """The part of Ray's controller that a decision uses."""

    def __init__(self, finished=False):
        self.search_alg = SimpleNamespace(is_finished=lambda: finished)

    def stop_trial(self, trial):
        """Ignore the end of a trial."""

    def _set_trial_status(self, trial, status):
        trial.status = status


class RaysTrial:
    """A trial in Ray's list of trials. Reads of its status are counted.

    Attributes:
        reads: Number of times that the status of any trial was read.
    """

    reads = 0

    def __init__(self, number, status):
        self.config = {"number": number}
        self._status = status

    @property
    def status(self):
        RaysTrial.reads += 1
        return self._status

    @status.setter
    def status(self, status):
        self._status = status

    def is_finished(self):
        return self.status in (Trial.TERMINATED, Trial.ERROR)

    def init_local_path(self):
        """Do nothing, since the trial writes no files."""


def scheduler(*values, num_samples=9, **options):
    """Return a scheduler with restored, unfinished trials 0, 1, ... and their values."""
    options = {"max_epochs": 9, "rungs": (1, 3), "max_concurrent": 1} | options
    made = promotion(num_samples=num_samples, **options)
    for number, by_epoch in enumerate(values):
        made.restore_trial(EarlierTrial(number, by_epoch, ended=False))
    return made


def add(made, number, status=Trial.RUNNING):
    trial = SimpleNamespace(config={"number": number}, status=status)
    made.on_trial_add(Controller(), trial)
    return trial


def report(made, trial, epoch, value, finished=False):
    result = {"epoch": epoch, "val_accuracy": value}
    return made.on_trial_result(Controller(finished), trial, result)


def test_a_repeated_report_at_a_rung_pauses_the_trial():
    made = scheduler()
    trial = add(made, 0)
    assert [report(made, trial, 1, 0.5) for _ in range(3)] == ["PAUSE"] * 3


def test_a_promoted_trial_continues_after_a_repeated_report():
    made = scheduler({1: 0.3}, {1: 0.2}, {1: 0.1})
    trials = [add(made, number, Trial.PAUSED) for number in range(3)]
    trials[0].status = Trial.RUNNING
    decisions = [report(made, trials[0], epoch, 0.3) for epoch in (1, 1, 2, 1, 2, 3, 3)]
    assert decisions == ["CONTINUE"] * 5 + ["PAUSE"] * 2


def test_the_best_of_three_trials_continues_without_a_pause():
    made = scheduler({1: 0.2}, {1: 0.1})
    for number in (0, 1):
        add(made, number, Trial.PAUSED)
    assert report(made, add(made, 2), 1, 0.3) == "CONTINUE"


def test_a_trial_that_cannot_be_promoted_stops():
    made = scheduler({1: 0.4}, {1: 0.3}, {1: 0.2})
    for number in range(3):
        add(made, number, Trial.PAUSED)
    assert report(made, add(made, 3), 1, 0.1) == "STOP"


def test_the_last_epoch_completes_a_trial():
    made = scheduler({1: 0.4, 2: 0.5})
    assert report(made, add(made, 0), 9, 0.9) == "STOP"


def test_no_new_trial_starts_while_another_needs_the_worker():
    made = scheduler({1: 0.3}, {1: 0.2}, {1: 0.1}, {1: 0.0})
    trials = [add(made, number, Trial.PAUSED) for number in range(3)]
    assert not made.wants_new_trial()  # the last restored trial has not been added yet
    add(made, 3, Trial.PAUSED)
    assert not made.wants_new_trial()  # the first trial can be promoted
    made.on_trial_remove(Controller(), trials[0])
    assert made.wants_new_trial()
    trial = add(made, 4)
    assert not made.wants_new_trial()  # the only worker is busy
    assert report(made, trial, 1, 0.15) == "PAUSE"
    assert not made.wants_new_trial()  # the trial is not paused yet
    trial.status = Trial.PAUSED
    assert made.wants_new_trial()


def held_back(made):
    """Return a running trial and a pending trial that was paused since a node has left."""
    running, pending = RaysTrial(0, Trial.RUNNING), RaysTrial(1, Trial.PENDING)
    for trial in (running, pending):
        made.on_trial_add(Controller(), trial)
    made.set_concurrency(1)
    assert made.choose_trial_to_run(Controller()) is None
    assert pending.status == Trial.PAUSED
    return running, pending


def test_a_held_back_trial_that_ray_starts_all_the_same_is_compared_like_others():
    made = scheduler(max_concurrent=2)
    best, started = held_back(made)
    started.status = Trial.RUNNING  # the worker that Ray had requested for it has started
    made.set_concurrency(2)
    assert not made.wants_new_trial()  # both workers are busy
    assert report(made, best, 1, 0.9) == "PAUSE"
    best.status = Trial.PAUSED
    assert made.wants_new_trial()
    assert report(made, started, 1, 0.1) == "PAUSE"


def test_a_held_back_trial_that_ray_ends_without_a_callback_is_not_waited_for():
    made = scheduler(max_concurrent=2)
    running, lost = held_back(made)
    lost.status = Trial.ERROR
    made.on_trial_complete(Controller(), running, {})
    made.choose_trial_to_run(Controller())
    assert made.wants_new_trial()


def test_a_held_back_trial_continues_before_a_trial_is_promoted():
    made = scheduler({1: 0.3}, {1: 0.2}, {1: 0.1}, max_concurrent=2)
    for number in range(3):
        made.on_trial_add(Controller(), RaysTrial(number, Trial.PAUSED))
    running, pending = (RaysTrial(number, Trial.PENDING) for number in (3, 4))
    for trial in (running, pending):
        made.on_trial_add(Controller(), trial)
    made.set_concurrency(1)
    made.choose_trial_to_run(Controller())
    assert [running.status, pending.status] == [Trial.PENDING, Trial.PAUSED]
    made.set_concurrency(2)
    assert made.choose_trial_to_run(Controller()) is pending
    pending.status = Trial.PENDING
    made.set_concurrency(3)
    assert made.choose_trial_to_run(Controller()).config["number"] == 0


def test_after_a_node_has_left_the_trials_that_were_added_last_are_held_back():
    made = scheduler({1: 0.3}, {1: 0.2}, {1: 0.1}, max_concurrent=2)
    trials = [RaysTrial(number, Trial.PAUSED) for number in range(3)]
    trials.append(RaysTrial(3, Trial.PENDING))
    for trial in trials:
        made.on_trial_add(Controller(), trial)
    promoted = made.choose_trial_to_run(Controller())
    assert promoted is trials[0]
    promoted.status = Trial.PENDING
    made.set_concurrency(1)
    made.choose_trial_to_run(Controller())
    assert [promoted.status, trials[3].status] == [Trial.PENDING, Trial.PAUSED]


def test_a_step_of_ray_does_not_look_at_the_trials_that_are_paused_at_a_rung():
    reads = []
    for paused in (30, 300):
        values = [{1: 0.001 * number} for number in range(paused)]
        made = scheduler(*values, num_samples=1000)
        for number in range(paused):
            made.on_trial_add(Controller(), RaysTrial(number, Trial.PAUSED))
        made.choose_trial_to_run(Controller())
        RaysTrial.reads = 0
        made.choose_trial_to_run(Controller())
        made.wants_new_trial()
        reads.append(RaysTrial.reads)
    assert reads[0] == reads[1]


def waiting(number, model):
    return SimpleNamespace(
        config={"number": number, "model": model},
        status=Trial.PAUSED,
        is_finished=lambda: False,
    )


def mixed(*trials, **options):
    """Return a scheduler with restored trials of two architectures, as (model, values)."""
    options = {"max_epochs": 9, "rungs": (1, 3), "max_concurrent": 1} | options
    made = promotion(num_samples=len(trials), architectures=2, **options)
    for number, (model, values) in enumerate(trials):
        made.restore_trial(EarlierTrial(number, values, ended=False, model=model))
    return made


def test_trials_are_compared_with_those_of_their_architecture():
    slow, fast = ({1: 0.1 + 0.01 * n} for n in range(3)), ({1: 0.9 + 0.01 * n} for n in range(3))
    made = mixed(*(("lenet", values) for values in slow), *(("resnet", values) for values in fast))
    trials = {number: waiting(number, "lenet" if number < 3 else "resnet") for number in range(6)}
    for trial in trials.values():
        made.on_trial_add(Controller(), trial)
    first = made.choose_trial_to_run(Controller())
    first.status = Trial.RUNNING
    assert report(made, first, 9, 0.95) == "STOP"
    made.on_trial_complete(Controller(), first, {})
    second = made.choose_trial_to_run(Controller())
    assert {first.config["number"], second.config["number"]} == {2, 5}


def test_each_architecture_has_a_fully_trained_trial():
    # A third of two trials of an architecture is less than one promotion.
    made = mixed(("lenet", {1: 0.1}), ("lenet", {1: 0.2}), ("resnet", {9: 0.9}))
    for number in range(2):
        made.on_trial_add(Controller(), waiting(number, "lenet"))
    made.on_trial_complete(Controller(), waiting(2, "resnet"), {})
    assert made.choose_trial_to_run(Controller(finished=True)).config["number"] == 1


@pytest.mark.e2e
@pytest.mark.usefixtures("cluster")
class TestRealSearch:
    def test_one_worker_follows_algorithm_2(self, tmp_path):
        run = Run(tmp_path, max_concurrent=1).go()
        assert run.log == algorithm_2(QUALITIES)
        assert run.last_epochs[2] == 9
        assert run.ended == set(range(9))
        assert run.results.num_terminated == 9
        assert len(run.workers) == 1  # reused by all trials
        # Each new trial was suggested after all earlier reports.
        started = {number: run.log.index((number, 1)) for number in range(9)}
        assert run.searcher.results_at_start == started

    @pytest.mark.parametrize(
        "qualities",
        [(0.4,), (0.4, 0.6), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)],
        ids=["one trial", "too few for the first rung", "for the second, and each looks better"],
    )
    def test_the_best_of_few_trials_is_fully_trained(self, tmp_path, qualities):
        run = Run(tmp_path, qualities, max_concurrent=1).go()
        assert run.log == algorithm_2(qualities)
        assert run.last_epochs[len(qualities) - 1] == 9

    def test_two_workers_repeat_no_epoch_and_end_all_trials(self, tmp_path):
        run = Run(tmp_path, after={0: 1}, max_concurrent=2).go()
        assert run.watch.most == 2
        assert len(run.workers) >= 2
        assert max(Counter(run.log).values()) == 1
        assert set(run.last_epochs.values()) <= {1, 3, 9}
        assert {n for n, epoch in run.last_epochs.items() if epoch >= 3} >= {2, 6, 4}
        assert run.last_epochs[2] == 9
        assert run.results.num_terminated == 9

    @pytest.mark.parametrize("cut", [5, pytest.param(12, marks=pytest.mark.slow)])
    def test_an_interrupted_search_ends_like_an_uninterrupted_one(self, tmp_path, cut):
        run = Run(tmp_path, max_concurrent=1).go(cut=cut)
        assert len(run.ended) < 9
        before, run.watch = len(run.log), Watch()
        run.go()
        assert run.log == algorithm_2(QUALITIES)
        assert run.ended == set(range(9))
        assert run.watch.most == 1
        # No trial was started that had to wait. One epoch may have been trained but not reported.
        assert set(run.watch.started) <= {number for number, _ in run.log[before - 1 :]}

    def test_interrupted_trials_resume_one_by_one_on_one_worker(self, tmp_path):
        qualities = (0.1, 0.2)
        run = Run(tmp_path, qualities, after={0: 1, 1: 0}, rungs=(5,), max_concurrent=2)
        run.go(cut=2)
        assert run.watch.most == 2
        run.watch, done = Watch(), len(run.log)
        run.go(max_concurrent=1)
        assert run.watch.most == 1
        assert max(Counter(run.log).values()) == 1
        assert [n for n, _ in itertools.groupby(run.log[done:], lambda line: line[0])] == [0, 1]
        assert run.last_epochs == {0: 5, 1: 9}

    def test_more_trials_can_be_added_to_a_finished_search(self, tmp_path):
        run = Run(tmp_path, max_concurrent=1).go(num_samples=4)
        assert run.log == algorithm_2(QUALITIES[:4])
        run.go()
        assert run.last_epochs == {0: 1, 1: 1, 2: 9, 3: 1, 4: 3, 5: 1, 6: 3, 7: 1, 8: 1}
        assert max(Counter(run.log).values()) == 1
        assert run.ended == set(range(9))

    def test_an_eager_searcher_does_not_exceed_the_workers(self, tmp_path):
        run = Run(tmp_path, QUALITIES[:4], max_concurrent=1).go(asks=False)
        assert run.watch.most == 1
        assert run.last_epochs == {0: 1, 1: 1, 2: 9, 3: 1}

    def test_a_failed_trial_blocks_no_other(self, tmp_path):
        run = Run(tmp_path, fails={2: 2}, max_concurrent=1).go()
        assert run.results.num_errors == 1
        assert run.results.num_terminated == 8
        assert run.last_epochs[2] == 2
        assert run.last_epochs[6] == 9
        assert run.ended == set(range(9))

    def test_each_bracket_starts_at_its_first_rung(self, tmp_path):
        qualities = tuple(number / 12 for number in range(12))
        run = Run(tmp_path, qualities, after={0: 1}, max_concurrent=2, brackets=3).go()
        shares = bracket_shares(3, 2, 3)
        brackets = [assign_bracket(number, shares, seed=0) for number in range(12)]
        assert set(brackets) == {0, 1, 2}
        for number, bracket in enumerate(brackets):
            assert run.last_epochs[number] >= (1, 3, 9)[bracket]
        assert max(Counter(run.log).values()) == 1
        assert run.results.num_terminated == 12


def test_a_trial_without_a_loss_ranks_last_among_equal_accuracies():
    """Journals of earlier versions have only the validation loss of the last epoch."""
    made = scheduler({1: 0.1}, {1: 0.1})
    made.restore_trial(EarlierTrial(2, {1: 0.1}, ended=False, losses={1: 2.3}))
    trials = {number: waiting(number, "") for number in range(3)}
    for trial in trials.values():
        made.on_trial_add(Controller(), trial)
    assert made.choose_trial_to_run(Controller()) is trials[2]


def test_equal_accuracies_are_ranked_by_validation_loss():
    made = scheduler()
    trials = [waiting(number, "") for number in range(3)]
    losses = [(0.1, 2.30), (0.9, 2.28), (0.5, 2.29)]
    for trial, (train_loss, val_loss) in zip(trials, losses, strict=True):
        made.on_trial_add(Controller(), trial)
        result = {"epoch": 1, "val_accuracy": 0.1, "train_loss": train_loss, "val_loss": val_loss}
        made.on_trial_result(Controller(), trial, result)
    assert made.choose_trial_to_run(Controller()) is trials[1]


def test_a_grid_may_have_more_trials_of_one_architecture():
    """The second of three trials can be promoted: six trials may be of its architecture."""
    text = """
description: two architectures
model: {type: categorical, choices: [lenet, resnet]}
parameters: {lr: {type: categorical, choices: [1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001]}}
"""
    space = parse_space(text, Path("grid.yaml"))
    options = SearchOptions.for_space(space, searcher="grid", num_samples=9, max_epochs=9)
    made = PromotionAsha(options.scheduling_for(space))
    for number, value in enumerate((0.9, 0.5)):
        made.restore_trial(EarlierTrial(number, {1: value}, ended=False, model="lenet"))
    made.on_trial_add(Controller(), waiting(0, "lenet"))
    made.on_trial_add(Controller(), waiting(1, "lenet"))
    trial = waiting(2, "lenet")
    trial.status = Trial.RUNNING
    made.on_trial_add(Controller(), trial)
    assert report(made, trial, 1, 0.7) == "PAUSE"
