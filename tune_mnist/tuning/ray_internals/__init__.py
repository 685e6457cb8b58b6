"""All code that depends on private parts of Ray.

A private part is a module, class, attribute, argument or message that Ray does not document as
public. A minor release of Ray may change it, so ``pyproject.toml`` sets an upper bound on Ray's
version. No module outside this package uses a private part
(``tests/tuning/ray_internals/test_boundary.py``). Each hook states its reason and the upstream
issue, and has a test in ``tests/tuning/ray_internals/test_canaries.py`` that fails when Ray
changes the private part.

Modules:
    settings: Environment variables, constants and arguments of ``ray.init``.
    authentication: Token settings, and bare requests to the head of a cluster.
    controller: Tune's event loop: dead workers, lost nodes, start of workers.
    schedulers: Status changes of trials, brackets of ASHA, pauses of the median rule.
    study_search: The Optuna study inside ``OptunaSearch``.
    task_names: Names of actor tasks in the dashboard.
"""
