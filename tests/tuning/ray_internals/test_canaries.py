"""Existence and behaviour of each private part of Ray that tuning/ray_internals uses.

A failing test names the hook that a new version of Ray breaks.
"""

import inspect
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import grpc
import numpy as np
import optuna
import pytest
import ray
from ray.actor import ActorHandle
from ray.air.constants import EXPR_ERROR_FILE
from ray.air.execution._internal import actor_manager
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune import tune as ray_tune
from ray.tune.execution.class_cache import _ActorClassCache
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler
from ray.tune.utils.callback import _create_default_callbacks

from tests.e2e.commands import python
from tune_mnist.private_folder import SESSION_PATH
from tune_mnist.tuning.ray_internals import authentication, controller, settings
from tune_mnist.tuning.ray_internals.schedulers import (
    ContinuingMedian,
    SeededAsha,
    UnbufferedScheduler,
    WholeBracketsHyperBand,
    continue_held,
    pause_pending,
)
from tune_mnist.tuning.ray_internals.study_search import OpenOptunaSearch
from tune_mnist.tuning.recording.trial_record import ERROR_FILE

RAY = Path(ray.__file__).parent


@dataclass(frozen=True)
class Key:
    """The attributes of a trial that schedulers without pauses use."""

    trial_id: str


ASHA = {"metric": "val_accuracy", "mode": "max", "time_attr": "epoch", "max_t": 9}


def parameters(function):
    return list(inspect.signature(function).parameters)


def draw_nothing(trial):
    """Search space without parameters."""


def contains(folder, word, pattern="*.py"):
    return any(word in path.read_bytes() for path in folder.rglob(pattern))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_maybe_reuse_cached_actor", ["self", "trial"]),
        ("_actor_failed", ["self", "tracked_actor", "exception"]),
        ("_actor_stopped", ["self", "tracked_actor"]),
        ("_trial_task_failure", ["self", "trial", "exception"]),
        ("_process_trial_failure", ["self", "trial", "exception"]),
        ("_unstage_trial_with_resources", ["self", "trial"]),
        ("_schedule_trial_actor", ["self", "trial"]),
        ("_schedule_trial_train", ["self", "trial"]),
        ("_set_trial_status", ["self", "trial", "status"]),
    ],
)
def test_the_controller_has_the_overridden_and_called_methods(name, expected):
    assert parameters(getattr(TuneController, name)) == expected


@pytest.mark.e2e
@pytest.mark.usefixtures("small_ray")
def test_the_controller_has_the_attributes_that_are_read(tmp_path):
    made = controller.OneNodeController(
        storage=SimpleNamespace(
            experiment_fs_path=str(tmp_path),
            experiment_driver_staging_path=str(tmp_path),
            storage_fs_path=str(tmp_path),
            syncer=None,
        ),
        checkpoint_period=1,
    )
    assert made._trial_to_actor == made._actor_to_trial == {}
    assert made._resetting_trials == set()
    assert isinstance(made._class_cache, controller._ActorClasses)
    assert callable(made._actor_manager.is_actor_started)
    assert callable(made._actor_manager.clear_actor_task_futures)


def test_tune_creates_its_controller_by_the_replaced_name():
    assert ray_tune.TuneController is TuneController or issubclass(
        ray_tune.TuneController, TuneController
    )
    assert "runner = TuneController(" in inspect.getsource(ray_tune.run)


def test_the_death_of_an_idle_worker_is_reported_before_its_task():
    source = inspect.getsource(actor_manager.RayActorManager._actor_task_failed)
    assert source.index("tracked_actor._on_error") < source.index("tracked_actor_task._on_error")


def test_the_actor_class_comes_from_the_replaced_cache():
    assert vars(_ActorClassCache())["_cache"] == {}
    assert parameters(_ActorClassCache.get) == ["self", "trainable_cls"]


def test_a_preempted_worker_does_not_count_as_a_failure_of_its_trial():
    trial = SimpleNamespace(run_metadata=SimpleNamespace(num_failures=0))
    Trial._handle_ray_actor_error(trial, RayActorError(error_msg="gone", preempted=True))
    assert trial.run_metadata.num_failures == 0
    Trial._handle_ray_actor_error(trial, RayActorError(error_msg="gone"))
    assert trial.run_metadata.num_failures == 1
    assert "_handle_ray_actor_error" in inspect.getsource(Trial.handle_error)


def test_rays_message_about_a_lost_node_is_unchanged():
    head = RAY / "core" / "src" / "ray" / "gcs" / "gcs_server"
    assert controller.NODE_DIED.encode() in head.read_bytes()


def test_a_worker_killed_for_its_memory_fails_only_its_task():
    told = []
    actor = SimpleNamespace(actor_id=1, _on_error=lambda *_: told.append("worker"))
    task = SimpleNamespace(_tracked_actor=actor, _on_error=lambda *_: told.append("task"))
    manager = SimpleNamespace(_failed_actor_ids=set(), _cleanup_actor=lambda **_: None)
    fail = partial(actor_manager.RayActorManager._actor_task_failed, manager, task)
    with controller.memory_kills_survived():
        fail(OutOfMemoryError("too much"))
    assert actor_manager.RayActorError is RayActorError
    assert told == ["worker", "task"]


def test_tune_counts_callbacks_by_the_replaced_function():
    counted = ray_tune.air_usage.tag_callbacks
    assert parameters(counted) == ["callbacks"]
    assert "air_usage.tag_callbacks(callbacks)" in inspect.getsource(ray_tune.run)
    with controller.no_callbacks_counted():
        assert not ray_tune.air_usage.tag_callbacks([controller.SilentProgress()])
    assert ray_tune.air_usage.tag_callbacks is counted


def test_tune_adds_no_progress_callback_of_its_own(monkeypatch):
    monkeypatch.setenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
    callbacks = _create_default_callbacks([controller.SilentProgress()])
    assert sum(isinstance(each, TrialProgressCallback) for each in callbacks) == 1


def test_a_pending_trial_can_be_paused_and_a_waiting_one_continued():
    done = []
    trial = SimpleNamespace(init_local_path=lambda: done.append("folder"))
    tune_controller = SimpleNamespace(
        _set_trial_status=lambda _, status: done.append(status),
        _schedule_trial_train=lambda _: done.append("epoch"),
    )
    pause_pending(tune_controller, trial)
    continue_held(tune_controller, trial)
    assert done == ["folder", Trial.PAUSED, "epoch"]
    assert parameters(Trial.init_local_path) == ["self"]


def test_tune_asks_a_scheduler_for_its_metric_and_buffering():
    made = UnbufferedScheduler()
    assert made.metric == "val_accuracy"
    assert not made.supports_buffered_results
    assert {made.CONTINUE, made.PAUSE, made.STOP, made.NOOP} == {
        *(TrialScheduler.CONTINUE, TrialScheduler.PAUSE),
        *(TrialScheduler.STOP, TrialScheduler.NOOP),
    }


def test_asha_uses_the_given_brackets_and_rungs():
    scheduler = SeededAsha(seed=0, rungs=(2, 5), brackets=2, **ASHA)
    assert [[epoch for epoch, _ in each._rungs] for each in scheduler._brackets] == [[5, 2], [5]]
    scheduler = SeededAsha(seed=0, rungs=(2,), **ASHA)
    decisions = []
    for number, value in enumerate((0.9, 0.8, 0.7, 0.1)):
        trial = SimpleNamespace(trial_id=str(number))
        scheduler.on_trial_add(None, trial)
        result = {"epoch": 2, "val_accuracy": value}
        decisions.append(scheduler.on_trial_result(None, trial, result))
    assert (decisions[0], decisions[-1]) == (TrialScheduler.CONTINUE, TrialScheduler.STOP)
    assert issubclass(SeededAsha, AsyncHyperBandScheduler)


def test_bracket_probabilities_equal_those_of_ray(monkeypatch):
    odds = []
    monkeypatch.setattr(np.random, "choice", lambda _, p: odds.append(p) or 0)
    scheduler = AsyncHyperBandScheduler(brackets=2, **ASHA)
    scheduler.on_trial_add(None, SimpleNamespace(trial_id="0"))
    sizes = np.array([len(bracket._rungs) for bracket in scheduler._brackets])
    assert odds[0] == pytest.approx(np.exp(sizes) / np.exp(sizes).sum())


def test_the_median_rule_continues_where_ray_pauses():
    rule = ContinuingMedian(grace_period=1, metric="val_accuracy", mode="max", time_attr="epoch")
    trial = Key("0")
    rule.on_trial_add(None, trial)
    for epoch in (2, 900):
        result = {"epoch": epoch, "val_accuracy": 0.5}
        assert rule.on_trial_result(None, trial, result) == TrialScheduler.CONTINUE
    assert "_on_insufficient_samples" in inspect.getsource(MedianStoppingRule.on_trial_result)


def test_hyperband_fills_each_place_of_a_bracket_once():
    scheduler = WholeBracketsHyperBand(**ASHA)
    assert not scheduler.has_room()
    trials, room = [Key(str(number)) for number in range(5)], []
    for trial in trials[:4]:
        scheduler.on_trial_add(None, trial)
        room.append(scheduler.has_room())
    assert room == [True, True, False, True]
    scheduler.on_trial_remove(None, trials[0])
    scheduler.on_trial_add(None, trials[4])
    brackets = [bracket.current_trials() for bracket in scheduler._hyperbands[0]]
    assert brackets == [trials[1:3], trials[3:]]


def test_the_study_of_optuna_search_can_be_read_and_its_trials_repeated():
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="one", direction="maximize")
    earlier = study.ask()
    search = OpenOptunaSearch(
        space=draw_nothing,
        metric="val_accuracy",
        mode="max",
        storage=storage,
        study_name="one",
    )
    assert search.study.study_name == "one"
    search.suggest_again("a", study.trials[earlier.number])
    search.suggest("a")
    search.suggest("b")
    assert [search.trial(name).number for name in "ab"] == [earlier.number, earlier.number + 1]


@pytest.mark.parametrize("name", [*settings.ENVIRONMENT, settings.PRELOADED_MODULES])
def test_ray_reads_the_environment_variable(name):
    if name == "OMP_WAIT_POLICY":  # OpenMP reads it
        return
    compiled = name.removeprefix("RAY_").encode()
    folder = RAY / ("tune" if name.startswith("TUNE_") else "_private")
    if compiled.islower():
        assert compiled in (RAY / "core" / "src" / "ray" / "raylet" / "raylet").read_bytes()
    else:
        folders = (folder, RAY / "tune", RAY / "_common")
        assert any(contains(each, name.encode()) for each in folders)


def test_ray_writes_the_error_of_a_trial_to_the_file_that_is_named():
    assert EXPR_ERROR_FILE == ERROR_FILE


def test_ray_has_the_error_of_a_slow_start():
    source = (RAY / "_private" / "node.py").read_text()
    # The text is divided over several lines of code.
    assert settings.START_TIMEOUT in re.sub(r'"\s+"', "", source)
    assert "raylet_start_wait_time_s = 30\n" in source


def test_ray_uses_loopback_when_clusters_are_disabled():
    code = (
        "from ray._private import services\n"
        "from tune_mnist.tuning.ray_internals import settings\n"
        "settings.set_cluster_enabled(False)\n"
        "print(settings.is_cluster_enabled(), services.get_node_ip_address())"
    )
    enabled, address = python("-c", code).stdout.split()
    assert (enabled, address) in (("False", "127.0.0.1"), ("False", "::1"))
    assert settings.CLUSTER_VARIABLE == "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


def test_ray_init_accepts_the_private_arguments(tmp_path):
    given = settings.init_arguments(tmp_path, 10**9)
    assert given["object_store_memory"] + given["_memory"] == 10**9
    source = inspect.getsource(inspect.unwrap(ray.init))
    assert all(f'"{name}"' in source for name in given if name.startswith("_"))
    assert settings.init_arguments(tmp_path, None).keys() == {"_temp_dir"}


def test_a_job_stores_its_modules_in_the_environment(monkeypatch):
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
    assert not settings.job_ships_modules()
    monkeypatch.setenv(
        settings.RAY_JOB_CONFIG_JSON_ENV_VAR, '{"runtime_env": {"py_modules": ["x"]}}'
    )
    assert settings.job_ships_modules()
    assert "RAY_JOB_CONFIG_JSON_ENV_VAR in os.environ" in inspect.getsource(
        inspect.unwrap(ray.init)
    )


def test_an_actor_handle_keeps_its_methods_in_the_replaced_attribute():
    assert "self._method_shells[item].bind(self)" in inspect.getsource(ActorHandle.__getattr__)


def test_a_missing_local_head_is_no_error(monkeypatch):
    def none(*given):
        raise ConnectionError("no cluster")

    monkeypatch.setattr(authentication, "canonicalize_bootstrap_address", none)
    assert authentication.local_head() is None


@pytest.mark.e2e
def test_the_head_of_a_cluster_answers_the_bare_request(small_ray):
    """The head accepts the token, and rejects a request without a token."""
    head = ray.get_runtime_context().gcs_address
    assert authentication.request_health(head, with_token=True) is grpc.StatusCode.OK
    answer = authentication.request_health(head, with_token=False)
    assert authentication.uses_token() == (answer is grpc.StatusCode.UNAUTHENTICATED)


@pytest.mark.e2e
@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="Linux lists its sockets there")
def test_sockets_of_ray_have_paths_of_the_assumed_length(small_ray):
    session = Path(ray._private.worker._global_node.get_session_dir_path())
    folder = session.parents[1]
    paths = [
        line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "/" in line
    ]
    ours = [path for path in paths if path.startswith(f"{folder}{os.sep}ray")]
    assert ours
    assert max(map(len, ours)) <= len(str(folder)) + SESSION_PATH
