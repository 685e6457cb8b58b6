"""Names of tasks in the dashboard, which depend on private parts of Ray."""

import gc
from types import SimpleNamespace

import pytest
import ray
from ray.util.state import get_actor, list_tasks

from tests.waiting import PATIENCE, wait_until
from tune_mnist.tuning.ray_internals.task_names import NamedTasks


class Worker:
    def train(self):
        return "trained"

    def identity(self):
        return ray.get_runtime_context().get_actor_id()


def trial_on(actor, number):
    config = {"number": number, "model": "lenet", "lr": 0.1}
    return SimpleNamespace(config=config, temporary_state=SimpleNamespace(ray_actor=actor))


@pytest.fixture
def cluster(small_ray):
    """Address of this test's Ray; Ray's default is the one that was started last."""
    return ray.get_runtime_context().gcs_address


@pytest.mark.e2e
def test_a_reused_worker_has_the_name_of_its_trial(cluster):
    actor = ray.remote(Worker).options(num_cpus=0).remote()
    tasks = []
    for number in (3, 4):
        NamedTasks().on_trial_start(trial=trial_on(actor, number))
        tasks += [actor.train.remote(), actor.train.remote()]
    assert ray.get(tasks) == ["trained"] * 4
    names = {task.task_id().hex(): f"#{3 + i // 2} lenet lr=0.1" for i, task in enumerate(tasks)}

    def listed():
        # Other files have run tasks in this Ray, more than the default limit.
        return {
            task.task_id: task.name for task in list_tasks(cluster, limit=10_000, timeout=PATIENCE)
        }

    wait_until(lambda: names.items() <= listed().items(), every=0.5)


@pytest.mark.e2e
def test_a_worker_without_references_ends(cluster):
    actor = ray.remote(Worker).options(num_cpus=0).remote()
    NamedTasks().on_trial_start(trial=trial_on(actor, 3))
    ray.get(actor.train.remote())
    number = ray.get(actor.identity.remote())
    gc.disable()  # a reference cycle would be freed only by the next collection
    try:
        del actor
        wait_until(lambda: get_actor(number, cluster, timeout=PATIENCE).state == "DEAD")
    finally:
        gc.enable()


@pytest.mark.e2e
def test_a_worker_whose_tasks_cannot_be_named_still_trains(cluster):
    actor = ray.remote(Worker).options(num_cpus=0).remote()
    real = actor._method_shells["train"]
    # A future version of Ray whose methods have no options.
    actor._method_shells["train"] = SimpleNamespace(
        bind=lambda handle: SimpleNamespace(remote=real.bind(handle).remote)
    )
    NamedTasks().on_trial_start(trial=trial_on(actor, 3))
    assert ray.get(actor.train.remote()) == "trained"


@pytest.mark.e2e
def test_a_worker_without_a_train_method_still_works(cluster):
    class Other:
        def learn(self):
            return "learned"

    actor = ray.remote(Other).options(num_cpus=0).remote()
    NamedTasks().on_trial_start(trial=trial_on(actor, 3))
    assert ray.get(actor.learn.remote()) == "learned"
