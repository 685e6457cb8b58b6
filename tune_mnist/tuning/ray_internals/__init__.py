"""All code that depends on private parts of Ray.

A private part is a module, class, attribute, argument or message that Ray does not document as
public. A minor release of Ray may change it, so ``pyproject.toml`` sets an upper bound on Ray's
version. No module outside this package uses a private part
(``tests/tuning/ray_internals/test_boundary.py``). Each hook states its reason and the upstream
issue, and has a test in ``tests/tuning/ray_internals/test_canaries.py`` that fails when Ray
changes the private part.

Modules:
    settings: Environment variables and constants of Ray, and arguments of ``ray.init``.
    authentication: Token settings, and health requests to the head node of a cluster.
    controller: Tune's handling of dead workers, lost nodes and starting workers.
    schedulers: Status changes of trials, brackets of ASHA, pauses of the median rule.
    study_search: The Optuna study inside ``OptunaSearch``.
    task_names: Names of actor tasks in the dashboard.
"""
