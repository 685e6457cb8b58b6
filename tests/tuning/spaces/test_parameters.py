from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter


def test_steps_are_counted_in_decimals():
    dropout = FloatParameter(type="float", low=0.0, high=0.3, step=0.1)
    assert dropout.contains(0.1 + 0.1)
    assert not dropout.contains(0.25)
    assert str(dropout) == "a number from 0 to 0.3 in steps of 0.1"


def test_true_is_not_one():
    assert not CategoricalParameter(type="categorical", choices=[1, 2]).contains(True)
    assert not FloatParameter(type="float", low=0, high=2).contains(True)
