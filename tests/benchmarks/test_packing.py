import time

from benchmarks.packing import (
    AT_A_TIME,
    PackedWorker,
    config_of,
    counts_that_fit,
    rate,
    table,
)
from tests.messages import assert_refused


def test_a_worker_counts_its_batches_in_a_time_interval(digits_split):
    worker = PackedWorker(config_of("lenet:16", 28), digits_split, "cpu", "fp32")
    worker.warm_up()
    through = []
    for seconds in (0.4, 4, 40):  # on a busy machine, a short interval may have no batch
        begin = time.time() + 0.2
        end = begin + seconds
        if through := worker.batches_between(begin, end):
            break
    times = [when for when, _ in through]
    assert times == sorted(times)
    assert begin <= times[0]
    assert times[-1] < end <= time.time()
    rest = len(digits_split.train) % 16
    assert {images for _, images in through} <= {16, rest}


def test_a_rate_is_measured_from_the_first_to_the_last_batch():
    assert rate([(10.0, 64), (12.0, 64), (14.0, 32)]) == (64 + 32) / 4


def test_a_case_is_checked_before_anything_starts():
    config = config_of("resnet:8", 64)
    assert (config.model, config.batch_size, config.image_size) == ("resnet", 8, 64)
    assert_refused("--case lenet", config_of, "lenet", 28)
    assert_refused("'lanet'", config_of, "lanet:8", 28)


def test_numbers_of_workers_start_at_one_and_end_at_the_cores():
    assert counts_that_fit((), 2) == [1, 2]
    assert counts_that_fit((), 64) == list(AT_A_TIME)
    assert counts_that_fit((3,), 4) == [1, 3]
    assert_refused("--at-a-time 2", counts_that_fit, (4,), 2)


def test_ratios_compare_medians_with_a_single_worker():
    rates = {("lenet:64", 1): [10.0, 90.0, 20.0], ("lenet:64", 2): [30.0, 40.0, 50.0]}
    found = table(rates, gpu=True).set_index("workers")
    assert found.loc[2, "images_per_second"] == 40
    assert list(found["ratio_to_one_alone"]) == [1, 2]
