"""All code that depends on private parts of Ray, and on nothing else of the search.

A private part is a module, class, attribute, argument or message that Ray does not document as its
interface: a minor release may change it. No module outside this package touches one
(``tests/tuning/ray_internals/test_boundary.py``). Each hook below states its reason and the
upstream issue, and has a canary in ``tests/tuning/ray_internals/test_canaries.py``, which fails
when Ray changes that part. ``pyproject.toml`` bounds Ray's version from above for that reason.

Modules:
    settings: environment variables, constants and arguments of ``ray.init``.
    authentication: token settings and bare requests to the head of a cluster.
    controller: Tune's event loop; workers that die, lost nodes, worker start-up.
    schedulers: status changes of trials; brackets of ASHA; pauses of the median rule.
    study_search: the Optuna study inside ``OptunaSearch``.
    task_names: names of actor tasks in the dashboard.
"""
