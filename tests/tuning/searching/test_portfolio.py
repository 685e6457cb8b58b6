"""Shipped portfolios of configurations that a search tries first."""

import re
from pathlib import Path

import pytest

from tests.messages import assert_named, assert_refused
from tune_mnist.models.registry import SHIPPED
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.preparation import read_portfolio
from tune_mnist.tuning.searching.portfolio import SHARE, Portfolio, portfolio_of
from tune_mnist.tuning.spaces.space import load_space, parse_space, shipped_spaces

SPACE = """
description: two optimizers
model: {model}
parameters:
  lr: {{type: float, low: 0.001, high: 0.1}}
  optimizer: {{type: categorical, choices: [sgd, adam]}}
  momentum: {{type: float, low: 0.0, high: 0.9, when: {{optimizer: sgd}}}}
"""
FILE = """
description: for tests
model: lenet
configurations:
  - {lr: 0.01, optimizer: sgd, momentum: 0.5}
  - {lr: 0.5, optimizer: adam}
  - {lr: 0.01, optimizer: adam, momentum: 0.5}
  - {lr: 0.01, optimizer: adam, dropout: 0.1}
  - {lr: 0.02, optimizer: adam}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lenet.yaml").write_text(FILE)
    return tmp_path


def space(model: str = "lenet"):
    return parse_space(SPACE.format(model=model), Path("two.yaml"))


def test_configurations_outside_the_space_are_omitted_and_counted(folder):
    portfolio = portfolio_of(space(), folder)
    assert portfolio.configurations == (
        {"lr": 0.01, "optimizer": "sgd", "momentum": 0.5},
        {"lr": 0.02, "optimizer": "adam"},
    )
    assert portfolio.left_out == 3
    described = portfolio.describe()
    assert re.findall(r"\d+", described) == ["2", "5", "3"]
    assert all(name in described for name in ("lr", "momentum", "dropout"))
    assert "optimizer" not in described


def test_a_portfolio_without_a_fitting_configuration_is_not_used_and_says_why(folder):
    text = SPACE.format(model="lenet").replace("low: 0.001", "low: 0.05")
    portfolio = portfolio_of(parse_space(text, Path("two.yaml")), folder)
    assert (portfolio.configurations, portfolio.left_out) == ((), 5)
    assert "lr" in portfolio.outside
    described = portfolio.describe()
    assert re.findall(r"\d+", described) == ["5"]
    assert all(name in described for name in portfolio.outside)


def test_configurations_name_their_network_in_a_space_of_several(folder):
    several = space("{type: categorical, choices: [alexnet, lenet]}")
    portfolio = portfolio_of(several, folder)
    assert {each["model"] for each in portfolio.configurations} == {"lenet"}


def test_a_network_without_a_file_has_no_portfolio(folder):
    assert portfolio_of(space("resnet"), folder) is None


def test_a_damaged_file_is_named(folder):
    (folder / "resnet.yaml").write_text("model: resnet\n")
    assert_refused([str(folder / "resnet.yaml")], portfolio_of, space("resnet"), folder)


def test_the_portfolio_gets_at_most_a_quarter_of_the_trials():
    many = Portfolio(tuple({"lr": number / 100} for number in range(6)), left_out=0)
    assert len(many.shortened(16).configurations) == 4
    assert len(many.shortened(100).configurations) == 6
    assert_named(f"4 6 {SHARE}", many.shortened(16).describe())
    assert re.findall(r"\d+", many.shortened(100).describe()) == ["6"]


def test_shipped_portfolios_fit_the_shipped_space_of_their_network():
    files = sorted((shipped_spaces() / "portfolio").glob("*.yaml"))
    assert {file.stem for file in files} <= set(SHIPPED)
    for file in files:
        portfolio = portfolio_of(load_space(file.stem))
        assert portfolio.left_out == 0
        assert 2 <= len(portfolio.configurations) <= 8


@pytest.mark.parametrize("given", [{"portfolio": False}, {"searcher": "grid"}, {"num_samples": 3}])
def test_searches_without_a_portfolio(given):
    steps = parse_space(
        "description: steps\nmodel: lenet\n"
        "parameters: {lr: {type: categorical, choices: [0.001, 0.01]}}\n",
        Path("steps.yaml"),
    )
    assert read_portfolio(steps, SearchOptions.for_space(steps, **given)) is None
