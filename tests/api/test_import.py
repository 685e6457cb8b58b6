"""Import of the package, which is cheap, and its public names."""

import subprocess
import sys

import tune_mnist


def test_import_loads_neither_pytorch_nor_ray_until_a_name_is_used():
    code = (
        "import sys, tune_mnist\n"
        "heavy = {'torch', 'ray', 'optuna', 'pandas', 'plotly'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "tune_mnist.run_search\n"
        "assert {'torch', 'ray'} <= set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists_and_has_a_docstring():
    for name in tune_mnist.__all__:
        assert getattr(tune_mnist, name).__doc__
    assert set(tune_mnist.__all__) <= set(dir(tune_mnist))


def test_an_unknown_name_raises_attribute_error():
    assert not hasattr(tune_mnist, "run_everything")
