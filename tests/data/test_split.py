import math

import numpy as np
import pytest

from tests.messages import assert_refused
from tune_mnist.data import Dataset, default_fraction, split_dataset, train_val_indices


def dataset(labels: np.ndarray) -> Dataset:
    images = np.zeros((len(labels), 28, 28), np.uint8)
    return Dataset("made", images, labels.astype(np.int64), images[:10], labels[:10])


@pytest.fixture(scope="module")
def large() -> Dataset:
    """Data set with as many images as MNIST, and ten classes of different sizes."""
    rng = np.random.default_rng(0)
    shares = np.linspace(1, 2, 10)
    return dataset(rng.choice(10, 60_000, p=shares / shares.sum()))


def test_the_parts_are_disjoint_and_have_the_given_sizes(large: Dataset) -> None:
    split = split_dataset(large)
    assert (len(split.train), len(split.val)) == (48_000, 12_000)
    assert split.train.dtype == split.val.dtype == np.int64
    both = np.concatenate([split.train, split.val])
    assert np.array_equal(np.sort(both), np.arange(60_000))
    assert split.num_classes == 10


def test_images_are_not_copied(large: Dataset) -> None:
    split = split_dataset(large, fraction=0.1)
    assert split.images is large.train_images
    assert split.labels is large.train_labels


@pytest.mark.parametrize(("fraction", "val_fraction"), [(1.0, None), (0.1, None), (1.0, 0.25)])
def test_every_class_has_the_same_share_of_each_part(
    large: Dataset, fraction: float, val_fraction: float | None
) -> None:
    split = split_dataset(large, fraction, val_fraction)
    whole = np.bincount(large.train_labels) / 60_000
    part = np.bincount(large.train_labels[split.val]) / len(split.val)
    assert part == pytest.approx(whole, abs=1 / len(split.val))


def test_the_split_is_always_the_same(large: Dataset) -> None:
    first, second = split_dataset(large, 0.3), split_dataset(large, 0.3)
    assert np.array_equal(first.train, second.train)
    assert np.array_equal(first.val, second.val)


def test_fraction_takes_the_first_training_images(large: Dataset) -> None:
    whole, tenth = split_dataset(large), split_dataset(large, 0.1)
    assert np.array_equal(tenth.train, whole.train[:4_800])


@pytest.mark.parametrize(
    ("fraction", "val_fraction", "expected"),
    [
        (0.1, None, 2_000),  # a tenth would be 1,200
        (0.5, None, 6_000),
        (0.1, 0.1, 1_200),
        (0.1, 1.0, 12_000),
    ],
)
def test_the_size_of_the_validation_part(
    large: Dataset, fraction: float, val_fraction: float | None, expected: int
) -> None:
    split = split_dataset(large, fraction, val_fraction)
    assert len(np.unique(split.val)) == len(split.val) == expected
    assert set(split.val) <= set(split_dataset(large).val)


def test_a_small_validation_part_is_used_whole(digits: Dataset) -> None:
    split = split_dataset(digits, fraction=0.1)
    assert len(split.train) == round(0.1 * 1149)
    assert len(split.val) == 288


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
@pytest.mark.parametrize("name", ["fraction", "val_fraction"])
def test_fractions_out_of_range_are_refused(digits: Dataset, name: str, share: float) -> None:
    assert_refused([name, "0", "1", f"{share:g}"], split_dataset, digits, **{name: share})


@pytest.mark.parametrize("name", ["fraction", "val_fraction"])
def test_fractions_too_small_for_the_classes_are_refused(digits: Dataset, name: str) -> None:
    assert_refused([name, "0.001", "10"], split_dataset, digits, **{name: 0.001})


def test_a_class_of_one_image_is_refused_by_name() -> None:
    assert_refused("made 1 2", split_dataset, dataset(np.array([0] * 50 + [1] * 50 + [2])))


def test_fewer_validation_images_than_classes_are_refused() -> None:
    assert_refused("made", split_dataset, dataset(np.repeat(np.arange(10), 2)))


def test_more_labels_than_images_are_refused() -> None:
    assert_refused("20 51", split_dataset, dataset(np.repeat([0, 50], 50)))


def test_the_joined_part_has_the_first_images_of_both_parts(large: Dataset) -> None:
    split = split_dataset(large)
    assert np.array_equal(np.sort(train_val_indices(split)), np.arange(60_000))
    tenth = train_val_indices(split, 0.1)
    assert np.array_equal(tenth, np.concatenate([split.train[:4_800], split.val[:1_200]]))


@pytest.mark.parametrize("fraction", [1e-9, 0.0, 2.0])
def test_a_joined_part_too_small_for_its_classes_is_refused(large: Dataset, fraction) -> None:
    assert_refused("final_fraction", train_val_indices, split_dataset(large), fraction)


@pytest.mark.parametrize(
    ("images", "wanted", "expected"),
    [
        (60_000, 0.1, 4_800),
        (10_000, 0.1, 4_000),
        (1_437, 0.1, 1_149),
        (50, 0.1, 40),
        (1_437, 1.0, 1_149),
    ],
)
def test_the_default_fraction_keeps_thousands_of_images_or_all(images, wanted, expected):
    train = images - math.ceil(0.2 * images)
    assert round(default_fraction(wanted, images) * train) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("counts", "guess", "learned"),
    [
        ([300] * 100, 0.012, 0.10),  # a tenth is ten times the accuracy of a guess
        ([3_000] * 10, 0.105, 0.15),
        ([29_700, 300], 0.9901, 0.995),
        ([99_000, 1_000], 0.99, 0.9925),
    ],
)
def test_only_an_accuracy_within_the_errors_of_a_guess_withholds_work(
    counts, guess, learned
) -> None:
    split = split_dataset(dataset(np.repeat(np.arange(len(counts)), counts)))
    assert max(counts) / sum(counts) <= guess < split.guessing_level < learned
    assert split.guessing_level <= split.chance_level


def test_few_validation_images_withhold_more(large: Dataset) -> None:
    few, many = (split_dataset(large, val_fraction=share) for share in (0.05, 1.0))
    assert few.guessing_level > many.guessing_level
