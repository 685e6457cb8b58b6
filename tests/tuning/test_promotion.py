import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import ray
from ray import cloudpickle, tune
from ray.tune.search import Searcher

from tune_mnist.tuning.promotion import (
    PromotionAsha,
    assign_bracket,
    bracket_shares,
    rung_epochs,
)

QUALITIES = (0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6)


def accuracy(quality, epoch):
    return quality * (1 - 0.5**epoch)


def train(config):
    """A learning curve that keeps its own checkpoint, and a log of the epochs really trained."""
    checkpoint = Path(config["folder"], "checkpoints", str(config["number"]))
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
    """Hands out given configurations: the unfinished first, new ones when they are wanted."""

    def __init__(self, configs, scheduler, unfinished=()):
        super().__init__(metric="val_accuracy", mode="max")
        self.scheduler = scheduler
        self.unfinished = list(unfinished)
        self.coming = list(configs)
        self.number = {}
        self.values = defaultdict(dict)
        self.ended = set()

    def suggest(self, trial_id):
        if self.unfinished:
            config = self.unfinished.pop(0)
        elif not self.coming:
            return Searcher.FINISHED
        elif not self.scheduler.wants_new_trial():
            return None
        else:
            config = self.coming.pop(0)
        self.number[trial_id] = config["number"]
        return config

    def on_trial_result(self, trial_id, result):
        self.values[self.number[trial_id]][result["epoch"]] = result["val_accuracy"]

    def on_trial_complete(self, trial_id, result=None, error=False):
        if result:
            self.on_trial_result(trial_id, result)
        self.ended.add(self.number[trial_id])


class Cut(tune.Stopper):
    """Ends the search after a number of results, as if the driver had been killed."""

    def __init__(self, results):
        self.left = results

    def __call__(self, trial_id, result):
        self.left -= 1
        return False

    def stop_all(self):
        return self.left <= 0


class Run:
    """A search over do-nothing trials; can be cut and resumed."""

    def __init__(self, folder, qualities=QUALITIES, fails_at=None, max_epochs=9, **options):
        self.folder = folder
        (folder / "checkpoints").mkdir()
        self.options = {"max_epochs": max_epochs, "num_samples": len(qualities), **options}
        self.configs = [
            {
                "number": number,
                "quality": quality,
                "folder": str(folder),
                "max_epochs": max_epochs,
                "fails_at": (fails_at or {}).get(number),
            }
            for number, quality in enumerate(qualities)
        ]
        self.values, self.ended = defaultdict(dict), set()

    def go(self, cut=None):
        self.scheduler = PromotionAsha(**self.options)
        for number, values in self.values.items():
            self.scheduler.replay(number, values, number in self.ended)
        searcher = Handout(
            [config for config in self.configs if config["number"] not in self.values],
            self.scheduler,
            [c for c in self.configs if c["number"] in self.values.keys() - self.ended],
        )
        self.results = tune.Tuner(
            tune.with_resources(train, {"cpu": 1}),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=self.scheduler,
                num_samples=len(self.configs),
                reuse_actors=True,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            run_config=tune.RunConfig(
                name=f"ray-{len(list(self.folder.iterdir()))}",
                storage_path=str(self.folder),
                stop=Cut(cut) if cut else None,
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
    """The epochs of one worker, told straight from the paper; and the end, from our docstring."""
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
def cluster():
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # Ray's workers cannot import it
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_rungs_lie_below_the_last_epoch():
    assert rung_epochs(9, 1, 3) == (1, 3)
    assert rung_epochs(10, 1, 3) == (1, 3, 9)
    assert rung_epochs(20, 2, 2) == (2, 4, 8, 16)
    assert rung_epochs(3, 3, 3) == ()


def test_brackets_get_shares_as_in_hyperband():
    assert bracket_shares(1, 2, 3) == (1.0,)
    assert bracket_shares(3, 2, 3) == pytest.approx((3 / 5.5, 1.5 / 5.5, 1 / 5.5))
    assert len(bracket_shares(9, 2, 3)) == 3  # one that has no rung is enough


def test_a_trials_bracket_depends_on_its_number_and_the_seed_alone():
    shares = bracket_shares(3, 2, 3)
    brackets = [assign_bracket(number, shares, seed=1) for number in range(300)]
    assert [assign_bracket(n, shares, seed=1) for n in reversed(range(300))] == brackets[::-1]
    assert [assign_bracket(n, shares, seed=2) for n in range(300)] != brackets
    counts = Counter(brackets)
    assert counts[0] > counts[1] > counts[2] > 0


@pytest.mark.e2e
@pytest.mark.usefixtures("cluster")
class TestRealSearch:
    def test_one_worker_does_as_algorithm_2_says(self, tmp_path):
        run = Run(tmp_path, max_concurrent=1).go()
        assert run.log == algorithm_2(QUALITIES)
        assert run.last_epochs[2] == 9
        assert run.scheduler.pruned == {n for n, epoch in run.last_epochs.items() if epoch < 9}
        assert run.ended == set(range(9))
        assert run.results.num_terminated == 9
        print("WORKERS", len(run.workers))

    @pytest.mark.parametrize(
        "qualities",
        [(0.4,), (0.4, 0.6), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)],
        ids=["one trial", "too few for the first rung", "for the second, and each looks better"],
    )
    def test_the_best_trains_all_its_epochs_however_few_there_are(self, tmp_path, qualities):
        run = Run(tmp_path, qualities, max_concurrent=1).go()
        assert run.log == algorithm_2(qualities)
        assert run.last_epochs[len(qualities) - 1] == 9
        print("WORKERS", len(run.workers))

    def test_two_workers_train_no_epoch_twice_and_leave_nobody_behind(self, tmp_path):
        run = Run(tmp_path, max_concurrent=2).go()
        assert max(Counter(run.log).values()) == 1
        assert set(run.last_epochs.values()) <= {1, 3, 9}
        best_three = {2, 6, 4}
        assert best_three <= {n for n, epoch in run.last_epochs.items() if epoch >= 3}
        assert run.last_epochs[2] == 9
        assert run.scheduler.pruned == {n for n, epoch in run.last_epochs.items() if epoch < 9}
        assert run.results.num_terminated == 9
        print("WORKERS", len(run.workers), run.log)

    @pytest.mark.parametrize("cut", [3, 4, 5, 12])
    def test_a_search_cut_anywhere_ends_as_if_it_had_not_been(self, tmp_path, cut):
        run = Run(tmp_path, max_concurrent=1).go(cut)
        assert len(run.ended) < 9
        run.go()
        assert run.log == algorithm_2(QUALITIES)
        assert run.ended == set(range(9))

    def test_a_trial_that_fails_holds_nobody_up(self, tmp_path):
        run = Run(tmp_path, fails_at={0: 1, 2: 2, 6: 5}, max_concurrent=2).go()
        assert run.results.num_errors == 3
        assert run.results.num_terminated == 6
        assert 9 in run.last_epochs.values()
        assert run.ended == set(range(9))

    def test_brackets_start_at_their_own_rung(self, tmp_path):
        qualities = tuple(number / 12 for number in range(12))
        run = Run(tmp_path, qualities, max_concurrent=2, brackets=3).go()
        shares = bracket_shares(3, 2, 3)
        brackets = [assign_bracket(number, shares, seed=0) for number in range(12)]
        assert set(brackets) == {0, 1, 2}
        for number, bracket in enumerate(brackets):
            assert run.last_epochs[number] >= (1, 3, 9)[bracket]
        assert max(Counter(run.log).values()) == 1
        assert run.results.num_terminated == 12
