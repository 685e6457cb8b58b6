from tune_mnist.data import DataForm
from tune_mnist.models.keywords import join_keys
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.storage.kept_models import read_config, write_config


def test_keywords_and_data_form_are_read_back(tmp_path):
    folder = tmp_path / "lenet"
    folder.mkdir()
    options = {"width": 3, "pooling": "max"}
    config = TrainConfig.checked(model="lenet", lr=0.1, **join_keys(options)).flat()
    form = DataForm(name="mine", channels=3, class_names=("cat", "dog", "owl"))
    noted = {"trial": 1, "epoch": 2, "val_accuracy": 0.5, "data": form.model_dump()}
    write_config(folder, config | noted)
    read = read_config(folder)
    assert read.model_options == options
    assert read.data == form
    write_config(folder, read.flat(only_set=True))
    assert read_config(folder) == read
