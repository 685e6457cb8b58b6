import pytest

from tune_mnist.reporting.bins import group_of
from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter, IntParameter

LR = FloatParameter(type="float", low=1e-4, high=1e-1, log=True)
DROPOUT = FloatParameter(type="float", low=0.0, high=0.5)


@pytest.mark.parametrize(
    ("parameter", "value", "place", "label"),
    [
        (LR, 1e-4, 0, "1e-4 to 1e-3"),
        (LR, 9.99e-4, 0, "1e-4 to 1e-3"),
        (LR, 1e-3, 1, "1e-3 to 1e-2"),
        (LR, 1e-1, 2, "1e-2 to 1e-1"),
        (DROPOUT, 0.0, 0, "0 to 0.1"),
        (DROPOUT, 0.3, 3, "0.3 to 0.4"),
        (DROPOUT, 0.5, 4, "0.4 to 0.5"),
        (FloatParameter(type="float", low=2e-3, high=3e-3, log=True), 2e-3, 0, "1e-3 to 1e-2"),
        (IntParameter(type="int", low=2, high=5), 4, 2, "4"),
        (IntParameter(type="int", low=0, high=100), 59, 2, "40 to 60"),
        (IntParameter(type="int", low=32, high=96, step=32), 64, 1, "64"),
        (FloatParameter(type="float", low=0.0, high=0.5, step=0.1), 0.3, 3, "0.3"),
        (
            CategoricalParameter(type="categorical", choices=["cosine", "constant"]),
            "cosine",
            0,
            "cosine",
        ),
        (CategoricalParameter(type="categorical", choices=[64, 32]), 32, 1, "32"),
    ],
)
def test_a_value_gets_its_group_and_label(parameter, value, place, label):
    assert group_of(parameter, value) == (place, label)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.99), (0.07, 0.13), (-3.0, 8.0), (5.0, 5000.0)])
def test_every_value_is_within_the_bounds_of_its_group(low, high):
    parameter = FloatParameter(type="float", low=low, high=high)
    places = set()
    for step in range(101):
        value = low + (high - low) * step / 100
        place, label = group_of(parameter, value)
        first, last = map(float, label.split(" to "))
        assert first <= value <= last
        places.add(place)
    assert places == set(range(len(places)))
    assert len(places) <= 6
