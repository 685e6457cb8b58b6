import math
from pathlib import Path

import pytest
import torch

from tests.messages import assert_refused
from tune_mnist.training import TrainConfig, resolve_compute

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({"model": "resnett"}, "'resnett' 'resnet'"),
        ({"optimizer": "adm"}, "'adm' 'adam'"),
        ({"lr": 0}, ["lr", "greater than 0"]),
        ({"lr": "fast"}, "lr number 'fast'"),
        ({"batch_size": 0}, ["batch_size", "at least 1"]),
        ({"dropout": 1}, ["dropout", "less than 1"]),
        ({"momentun": 0.9}, "'momentun' 'momentum'"),
        ({"lr": math.nan}, "lr nan"),
        ({"lr": math.inf}, "lr finite inf"),
        ({"lr": "0.1"}, "lr number '0.1'"),
        ({"lr": True}, "lr number True"),
        ({"dropout": math.nan}, "dropout nan"),
        ({"momentum": 1.0}, ["momentum", "less than 1", "1.0"]),
        ({"weight_decay": math.inf}, "weight_decay inf"),
        ({"batch_size": 64.0}, "batch_size whole 64.0"),
        ({"batch_size": 10**9}, "batch_size 1000000000"),
        ({"image_size": 10**5}, "image_size 1024 100000"),
        ({"seed": 2**70}, "seed"),
    ],
)
def test_an_invalid_value_is_refused_by_key_in_one_line(values, facts):
    assert_refused(facts, TrainConfig.checked, **({"model": "lenet", "lr": 0.1} | values))


def test_a_missing_value_is_named():
    assert_refused("'lr'", TrainConfig.checked, model="lenet")


def test_options_of_the_network_may_be_given_in_both_forms():
    both = {"model_options": {"width": 5}, "model.pooling": "max"}
    assert TrainConfig.checked(model="lenet", lr=0.1, **both).model_options == {
        "width": 5,
        "pooling": "max",
    }
    again = {"model_options": {"width": 5}, "model.width": 5}
    assert TrainConfig.checked(model="lenet", lr=0.1, **again).model_options == {"width": 5}
    lenet = {"model": "lenet", "lr": 0.1}
    two = lenet | again | {"model.width": 4}
    assert_refused("model.width 4 model_options 5", TrainConfig.checked, **two)
    number = lenet | {"model_options": 3, "model.width": 5}
    assert_refused("model_options mapping 3", TrainConfig.checked, **number)


@pytest.mark.skipif(not CPUINFO.exists(), reason="Linux lists the features of a CPU there")
def test_auto_uses_bf16_only_with_hardware_support():
    native = not {"avx512_bf16", "amx_tile"}.isdisjoint(CPUINFO.read_text().split())
    assert resolve_compute("cpu", "auto").bf16 == native


def test_each_precision_has_its_memory_format():
    assert resolve_compute("cpu", "fp32").memory_format is torch.contiguous_format
    assert resolve_compute("cpu", "bf16").memory_format is torch.channels_last


@pytest.mark.parametrize(
    ("device", "precision", "facts"),
    [("gpu", "auto", "device 'gpu'"), ("cpu", "fp16", "precision 'fp16' 'bf16'")],
)
def test_unknown_names_are_refused(device, precision, facts):
    assert_refused(facts, resolve_compute, device, precision)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_refused():
    assert_refused("CUDA", resolve_compute, "cuda")
