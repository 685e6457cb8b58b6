import math

import pytest
import torch

from tune_mnist.errors import UserError
from tune_mnist.training import TrainConfig, resolve_compute


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model": "resnett", "lr": 0.1}, ["'resnett'", "did you mean 'resnet'?"]),
        ({"model": "lenet", "lr": 0.1, "optimizer": "adm"}, ["'adm'", "'adam'"]),
        ({"model": "lenet", "lr": 0}, ["lr must be", "but is 0", "greater than 0"]),
        ({"model": "lenet", "lr": "fast"}, ["lr must be", "but is 'fast'", "number"]),
        ({"model": "lenet", "lr": 0.1, "batch_size": 0}, ["batch_size must be", "but is 0"]),
        (
            {"model": "lenet", "lr": 0.1, "dropout": 1},
            ["dropout must be", "but is 1", "less than 1"],
        ),
        ({"model": "lenet", "lr": 0.1, "momentun": 0.9}, ["'momentun'", "'momentum'"]),
        ({"model": "lenet"}, ["'lr' is missing"]),
        ({"model": "lenet", "lr": math.nan}, ["lr must be", "but is nan"]),
        ({"model": "lenet", "lr": math.inf}, ["lr must be", "but is inf", "finite"]),
        ({"model": "lenet", "lr": "0.1"}, ["lr must be", "but is '0.1'", "number"]),
        ({"model": "lenet", "lr": True}, ["lr must be", "but is True", "number"]),
        ({"model": "lenet", "lr": 0.1, "dropout": math.nan}, ["dropout must be", "but is nan"]),
        ({"model": "lenet", "lr": 0.1, "momentum": 1.0}, ["momentum must be", "but is 1.0"]),
        (
            {"model": "lenet", "lr": 0.1, "weight_decay": math.inf},
            ["weight_decay must be", "but is inf"],
        ),
        (
            {"model": "lenet", "lr": 0.1, "batch_size": 64.0},
            ["batch_size must be", "but is 64.0", "whole"],
        ),
        (
            {"model": "lenet", "lr": 0.1, "batch_size": 10**9},
            ["batch_size must be", "but is 1000000000"],
        ),
        (
            {"model": "lenet", "lr": 0.1, "image_size": 10**5},
            ["image_size must be", "but is 100000", "1024"],
        ),
        ({"model": "lenet", "lr": 0.1, "seed": 2**70}, ["seed must be"]),
    ],
)
def test_an_invalid_value_is_refused_by_key_in_one_line(values, words):
    with pytest.raises(UserError) as caught:
        TrainConfig.checked(**values)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_options_of_the_network_may_be_given_in_both_forms():
    both = {"model_options": {"width": 5}, "model.pooling": "max"}
    assert TrainConfig.checked(model="lenet", lr=0.1, **both).model_options == {
        "width": 5,
        "pooling": "max",
    }
    again = {"model_options": {"width": 5}, "model.width": 5}
    assert TrainConfig.checked(model="lenet", lr=0.1, **again).model_options == {"width": 5}
    with pytest.raises(UserError, match=r"model.width is 4, but model_options gives 5"):
        TrainConfig.checked(model="lenet", lr=0.1, **(again | {"model.width": 4}))
    with pytest.raises(UserError, match="model_options must be a mapping"):
        TrainConfig.checked(model="lenet", lr=0.1, **{"model_options": 3, "model.width": 5})


def test_auto_uses_bf16_only_with_hardware_support():
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert resolve_compute("cpu", "auto").bf16 == native
    assert resolve_compute("cpu", "fp32").memory_format is torch.contiguous_format
    assert resolve_compute("cpu", "bf16").memory_format is torch.channels_last


@pytest.mark.parametrize(
    ("device", "precision", "words"),
    [("gpu", "auto", "unknown device 'gpu'"), ("cpu", "fp16", "'fp16' (did you mean 'bf16'?)")],
)
def test_unknown_names_are_refused(device, precision, words):
    with pytest.raises(UserError) as caught:
        resolve_compute(device, precision)
    assert words in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_refused():
    with pytest.raises(UserError, match="no CUDA GPU"):
        resolve_compute("cuda")
