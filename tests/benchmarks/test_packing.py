import pytest

from benchmarks.packing import Options, PackedWorker, check_room
from tune_mnist.errors import UserError
from tune_mnist.tuning.cluster.connection import Resources


def test_a_worker_trains_whole_epochs_for_the_time_given(digits_split):
    options = Options(image_size=28, images=32, seconds=0.01, precision="fp32")
    worker = PackedWorker("lenet:16", digits_split, options, "cpu")
    worker.warm_up()
    assert worker.images_per_second() > 0


def test_more_workers_than_cores_are_refused():
    two_cores = Resources(cpus=2, gpus=0, nodes=1, dashboard=None)
    check_room((1, 2), two_cores)
    with pytest.raises(UserError, match="--at-a-time 4: each worker takes a CPU core, and there"):
        check_room((1, 4), two_cores)
