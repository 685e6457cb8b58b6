import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from tune_mnist.data import Batches, prepare_batch, to_tensor

CPU = torch.device("cpu")
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
    ),
]


def numbered(count: int) -> tuple[Tensor, Tensor]:
    """Return images whose pixels and label are the number of the image."""
    numbers = torch.arange(count)
    return numbers.to(torch.uint8)[:, None, None].expand(-1, 28, 28).contiguous(), numbers


def batches(
    indices: list[int],
    batch_size: int,
    seed: int | None = None,
    size: int = 28,
    device: torch.device = CPU,
    channels_last: bool = False,
) -> Batches:
    images, labels = numbered(200)
    return Batches(
        images,
        labels,
        torch.tensor(indices),
        batch_size,
        size=size,
        resize=True,
        device=device,
        shuffle=None if seed is None else torch.Generator().manual_seed(seed),
        channels_last=channels_last,
    )


def epoch(source: Batches) -> list[int]:
    return torch.cat([labels for _, labels in source]).tolist()


@pytest.mark.parametrize("device", DEVICES)
def test_images_and_labels_keep_the_order_of_the_indices(device: str) -> None:
    source = batches([5, 3, 199, 0, 7], 2, device=torch.device(device))
    found = list(source)
    assert len(source) == len(found) == 3
    assert source.num_images == 5
    assert epoch(source) == [5, 3, 199, 0, 7]
    for images, labels in found:
        assert images.dtype == torch.float32
        assert images.shape == (len(labels), 1, 28, 28)
        assert images.device.type == labels.device.type == device
        assert torch.allclose(images[:, 0, 9, 9] * 255, labels.float())


@pytest.mark.parametrize("device", DEVICES)
def test_a_shuffled_epoch_has_each_image_once(device: str) -> None:
    chosen = list(range(0, 200, 2))
    source = batches(chosen, 16, seed=1, device=torch.device(device))
    first, second = epoch(source), epoch(source)
    assert sorted(first) == sorted(second) == chosen
    assert first != second
    assert first != chosen


def test_the_same_seed_gives_the_same_order() -> None:
    chosen = list(range(100))
    one, same, other = (batches(chosen, 16, seed=seed) for seed in (1, 1, 2))
    epochs = [epoch(one), epoch(one)]
    assert epochs == [epoch(same), epoch(same)]
    assert epochs[0] != epoch(other)


def test_training_skips_a_last_batch_of_one_image() -> None:
    source = batches(list(range(9)), 4, seed=0)
    assert (len(source), source.num_images) == (2, 8)
    assert [len(labels) for _, labels in source] == [4, 4]
    assert len({*epoch(source), *epoch(source), *epoch(source)}) == 9


@pytest.mark.parametrize(
    ("count", "batch_size", "seed", "sizes"),
    [
        (9, 4, None, [4, 4, 1]),  # evaluation: nothing is skipped
        (10, 4, 0, [4, 4, 2]),
        (1, 4, 0, [1]),
        (3, 1, 0, [1, 1, 1]),
    ],
)
def test_other_incomplete_batches_are_kept(
    count: int, batch_size: int, seed: int | None, sizes: list[int]
) -> None:
    source = batches(list(range(count)), batch_size, seed)
    assert [len(labels) for _, labels in source] == sizes
    assert (len(source), source.num_images) == (len(sizes), count)


def test_images_are_channels_last_if_asked() -> None:
    images, _ = next(iter(batches([1, 2], 2, size=32, channels_last=True)))
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_padding_adds_zeros_on_all_sides() -> None:
    pixels = torch.full((2, 28, 28), 255, dtype=torch.uint8)
    images = prepare_batch(pixels, 32, resize=False)
    assert images.shape == (2, 1, 32, 32)
    assert images[:, :, 2:30, 2:30].eq(1).all()
    assert images.sum() == 2 * 28 * 28


def test_resizing_interpolates_between_pixels() -> None:
    pixels = torch.zeros(1, 28, 28, dtype=torch.uint8)
    pixels[:, :, 14:] = 255
    row = prepare_batch(pixels, 56, resize=True)[0, 0, 30]
    assert row.shape == (56,)
    assert row[26:30].tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.mark.parametrize("resize", [True, False])
def test_images_of_the_input_size_are_only_scaled(resize: bool) -> None:
    pixels = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    assert torch.equal(prepare_batch(pixels, 28, resize)[:, 0], pixels / 255)


def test_images_are_prepared_in_another_precision() -> None:
    pixels = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    images = prepare_batch(pixels, 32, resize=False, dtype=torch.bfloat16)
    assert images.dtype == torch.bfloat16
    assert images.max() == 1


@pytest.mark.parametrize("resize", [True, False])
def test_larger_images_are_reduced_without_cropping(resize: bool) -> None:
    pixels = torch.zeros(1, 64, 64, dtype=torch.uint8)
    pixels[:, :, :2] = pixels[:, :, -2:] = 255  # nothing is cropped: both edges remain
    images = prepare_batch(pixels, 32, resize=resize)
    assert images.shape == (1, 1, 32, 32)
    assert images[0, 0, :, [0, -1]].min() > 0.5
    assert images.mean() == pytest.approx(4 / 64, abs=0.01)


def test_channels_come_first() -> None:
    pixels = torch.randint(0, 256, (2, 40, 40, 3), dtype=torch.uint8)
    for size in (28, 40, 56):
        images = prepare_batch(pixels, size, resize=True)
        assert images.shape == (2, 3, size, size)
    assert torch.equal(prepare_batch(pixels, 40, resize=True)[1, 2], pixels[1, :, :, 2] / 255)


def test_tensors_share_the_memory_of_read_only_arrays() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    array.flags.writeable = False
    tensor = to_tensor(array)
    assert tensor.data_ptr() == array.ctypes.data
    assert tensor.tolist() == array.tolist()


def test_read_only_arrays_raise_no_warning() -> None:
    # In a separate process, as PyTorch shows this warning only once.
    code = (
        "import numpy as np; from tune_mnist.data import to_tensor;"
        "array = np.frombuffer(b'abc', np.uint8); to_tensor(array)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_data_set_is_not_copied_on_the_cpu() -> None:
    images, labels = numbered(50)
    source = Batches(images, labels, torch.tensor([4]), 1, size=28, resize=True, device=CPU)
    images[4] = 255
    assert next(iter(source))[0].eq(1).all()
