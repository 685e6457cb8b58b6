"""Population based training on a cluster that loses a node."""

from types import SimpleNamespace

from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.population import PopulationBasedTraining
from tune_mnist.tuning.schedulers.protocol import SearchLink
from tune_mnist.tuning.spaces.space import load_space


class Controller:
    """The part of Ray's controller that the scheduler uses."""

    def __init__(self):
        self.trained = []

    def pause_trial(self, trial, should_checkpoint):
        assert not should_checkpoint
        trial.status = "PAUSED"

    def _schedule_trial_train(self, trial):
        self.trained.append(trial)


def test_a_waiting_trial_gives_its_worker_to_a_trial_that_lost_its_node():
    told = []
    population = PopulationBasedTraining(
        SchedulerOptions("pbt", max_epochs=4, num_samples=2, max_concurrent=2)
    )
    population.connect(
        SearchLink(load_space("lenet"), (), lambda: False, 0, told.append, told.append)
    )
    controller = Controller()
    trials = [
        SimpleNamespace(config={"number": number, "model": "lenet"}, status="RUNNING")
        for number in range(2)
    ]
    for trial in trials:
        population.on_trial_add(controller, trial)
    waits, loses = trials
    report = {"epoch": 1, "val_accuracy": 0.5}
    assert population.on_trial_result(controller, waits, report) == "NOOP"

    loses.status = "PENDING"
    assert population.choose_trial_to_run(controller) is None
    assert waits.status == "RUNNING"  # its node has room for both
    population.max_concurrent = 1
    assert population.choose_trial_to_run(controller) is None
    assert waits.status == "PAUSED"

    loses.status = "RUNNING"
    assert population.on_trial_result(controller, loses, report) == "NOOP"
    assert population.choose_trial_to_run(controller) is None
    assert controller.trained == [loses]
    assert told == [1]  # the round is complete; no trial exploits one of equal accuracy
    loses.status = "TERMINATED"
    population.on_trial_complete(controller, loses, report)
    assert population.choose_trial_to_run(controller) is waits
