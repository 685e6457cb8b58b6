import pytest

from tests.messages import assert_named
from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter, IntParameter


def test_steps_are_counted_in_decimals():
    dropout = FloatParameter(type="float", low=0.0, high=0.3, step=0.1)
    assert dropout.contains(0.1 + 0.1)
    assert not dropout.contains(0.25)
    assert_named("0 0.3 0.1", str(dropout))


def test_true_is_not_one():
    assert not CategoricalParameter(type="categorical", choices=[1, 2]).contains(True)
    assert not FloatParameter(type="float", low=0, high=2).contains(True)


@pytest.mark.parametrize("step", [1e-320, 5e-324, 1e-9])
def test_a_step_with_too_many_values_is_refused(step):
    # A denormal step is 0 in a process in which PyTorch flushes denormals.
    with pytest.raises(ValueError, match="step"):
        FloatParameter(type="float", low=0.1, high=1, step=step)


def test_long_integer_ranges_are_not_listed():
    assert IntParameter(type="int", low=1, high=10**17).values() is None
    assert IntParameter(type="int", low=0, high=10**17, step=10**16).values() is not None


def test_values_that_optuna_suggests_are_contained():
    dropout = FloatParameter(type="float", low=0.0, high=0.5, step=0.1)
    assert dropout.values() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert dropout.contains(0.1 + 0.2)  # 0.30000000000000004
    assert not dropout.contains(0.31)
