"""Class names of a data set in the tables and plots of its search."""

import numpy as np
import pytest

from tests.messages import assert_refused
from tests.reporting.searches import Search
from tune_mnist.data import Dataset
from tune_mnist.reporting.summary import search_tables
from tune_mnist.reporting.text_format import axis_labels

NAMES = ("cat", "<b>dog</b>")


@pytest.fixture
def search(tmp_path):
    """Return a search on pictures of two classes, with a final run."""
    pixels, labels = np.zeros((2, 64, 64, 3), np.uint8), np.arange(2)
    dataset = Dataset("pets", pixels, labels, pixels, labels, NAMES)
    search = Search(tmp_path / "search", dataset=dataset)
    search.trial(0.5, 0.6, 0.7, model="lenet")
    search.final("lenet", 0, 0, [[8, 2], [0, 10]])
    return search


def test_tables_name_the_classes(search):
    tables = {table.name: table for table in search_tables(search.read())}
    assert tables["recall"].cells["class"].tolist() == list(NAMES)
    confused = tables["confused"].cells
    assert confused[["class", "classified as"]].to_numpy().tolist() == [["cat", "<b>dog</b>"]]


def test_computation_is_counted_for_the_channels_and_classes_of_the_data(search):
    costs = {table.name: table for table in search_tables(search.read())}["costs"]
    (mflops,) = costs.values["mflops"]
    # Each input channel adds 28x28 positions times 6 maps of 5x5 weights to the first convolution.
    grey = 0.832  # for one channel and two classes
    assert mflops == pytest.approx(grey + 2 * 2 * 28 * 28 * 6 * 25 / 1e6, abs=0.01)


def test_class_names_that_do_not_fit_the_final_runs_are_refused(search):
    search.final("lenet", 0, 0, [[8, 2, 0], [0, 10, 0], [0, 0, 10]])
    assert_refused("experiment.json data.class_names 2 3", search.read)


def test_axis_labels_are_short_unique_and_escaped():
    assert axis_labels(["cat", "<b>dog</b>"]) == ["cat", "&lt;b&gt;dog&lt;/b&gt;"]
    long = axis_labels([f"{'x' * 40}{number}{'y' * 40}" for number in range(3)])
    assert len(set(long)) == 3
    assert max(map(len, long)) < 30
