import pytest

from tune_mnist.reporting.spread import spread


def test_mean_deviation_and_students_t_interval():
    found = spread([0.90, 0.92, 0.94])
    assert found.mean == pytest.approx(0.92)
    assert found.sd == pytest.approx(0.02)
    # 97.5% quantile of Student's t distribution with two degrees of freedom: 4.3027.
    assert found.low == pytest.approx(0.92 - 4.3027 * 0.02 / 3**0.5, abs=1e-5)
    assert found.high == pytest.approx(0.92 + 4.3027 * 0.02 / 3**0.5, abs=1e-5)
    assert str(found) == "0.9200 ± 0.0200"
    assert found.interval == "0.8703 to 0.9697"


def test_one_value_has_no_deviation():
    found = spread([0.9])
    assert (str(found), found.interval, found.count) == ("0.9000", None, 1)


def test_the_interval_is_clipped_to_0_and_1():
    assert spread([0.9, 1.0]).high == 1.0
    assert spread([0.0, 0.1]).low == 0.0
