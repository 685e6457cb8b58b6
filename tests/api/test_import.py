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


def test_a_worker_trains_without_libraries_that_training_does_not_need():
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from tune_mnist.data import DataSplit\n"
        "from tune_mnist.training import OPTIMIZERS, TrainConfig, Trainer, resolve_compute\n"
        "import tune_mnist.tuning.trials.trainable\n"
        "assert 'scipy' not in sys.modules\n"
        "import tune_mnist.tuning.final.final_training\n"
        "images, few = np.zeros((8, 28, 28), np.uint8), np.arange(4)\n"
        "data = DataSplit(images, np.arange(8) % 2, few, few + 4, 2)\n"
        "for optimizer in OPTIMIZERS:\n"
        "    config = TrainConfig(model='lenet', lr=0.01, optimizer=optimizer)\n"
        "    Trainer(config, data, resolve_compute('cpu')).run_epoch()\n"
        "heavy = {'torch._dynamo', 'sympy', 'sklearn', 'matplotlib', 'plotly', 'mlflow'}\n"
        "heavy |= {'torchvision'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists_and_has_a_docstring():
    for name in tune_mnist.__all__:
        assert getattr(tune_mnist, name).__doc__
    assert set(tune_mnist.__all__) <= set(dir(tune_mnist))


def test_an_unknown_name_raises_attribute_error():
    assert not hasattr(tune_mnist, "run_everything")
