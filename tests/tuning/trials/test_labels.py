from tests.tuning.example_trial import CONFIG
from tune_mnist.tuning.trials.labels import describe_config, label


def test_description_of_a_configuration():
    assert describe_config({"model": "lenet", "lr": 0.1}) == "lenet lr=0.1"
    assert describe_config(CONFIG).endswith("batch=128 dropout=0.25 mom=0.9 wd=1e-05")


def test_the_label_has_number_and_configuration():
    assert label({"number": 12, "model": "lenet", "lr": 0.1}) == "#12 lenet lr=0.1"


def test_the_label_has_keywords_of_the_network():
    config = {"model": "mynet", "lr": 0.1, "lr_schedule": "cosine", "model.width": 32}
    assert describe_config(config) == "mynet lr=0.1 schedule=cosine width=32"
