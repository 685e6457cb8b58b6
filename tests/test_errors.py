"""Messages of our own pydantic validators: what the value must be, and what it is, each once."""

import json
import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.messages import assert_refused
from tune_mnist.data.form import DataForm
from tune_mnist.errors import UserError, validation_error
from tune_mnist.stored_values import Scalar
from tune_mnist.training.ensemble_file import Ensemble, EnsembleTest
from tune_mnist.tuning.final.runs import FinalRun
from tune_mnist.tuning.recording.journal_distributions import Distribution
from tune_mnist.tuning.recording.journal_lines import JournalChecker, Moment
from tune_mnist.tuning.recording.trial_attributes import Loss
from tune_mnist.tuning.searching.portfolio import PortfolioFile, portfolio_of
from tune_mnist.tuning.spaces.parameters import Parameter, YamlScalar
from tune_mnist.tuning.spaces.space import load_space
from tune_mnist.tuning.spaces.space_file import SpaceFile

RANGE = {"type": "float", "low": 0.0, "high": 1.0}
SPACE = {"description": "", "model": "lenet", "parameters": {}}
FORM = {"class_names": ["a", "b"]}
PREDICTIONS = {"errors": 2, "misclassified": [7, 7], "calibration_error": 0.1}
CANDIDATE = {"trial": 1, "model": "lenet", "epoch": 1, "val_accuracy": 0.9, "temperature": 1.0}
ENSEMBLE = {"val_images": 9, "val_accuracy": 0.9}
RUN = {"model": "lenet", "trial": 0, "seed": 0, "config": {}, "train_images": 1}
RUN |= {"test_accuracy": 0.9, "train_seconds": 1.0}
CREATED = {"op_code": 4, "worker_id": "", "study_id": 0, "datetime_start": None}
UNIT = json.dumps(
    {
        "name": "FloatDistribution",
        "attributes": {"low": 0.0, "high": 1.0, "step": None, "log": False},
    }
)


def stages(*changes: dict[str, float]) -> dict[str, object]:
    """Return a space file with stages of one epoch each, apart from the changes."""
    return SPACE | {"fidelity": [{"epochs": 1} | each for each in changes]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (Scalar, [1]),
        (Scalar, float("nan")),
        (YamlScalar, [1]),
        (YamlScalar, float("inf")),
        (Loss, "much"),
        (Moment, "yesterday"),
        (Distribution, "{}"),
        (Parameter, {"type": "categorical", "choices": []}),
        (Parameter, {"type": "categorical", "choices": ["must be a", "must be a"]}),
        (Parameter, {"type": "categorical", "choices": [[1]]}),
        (Parameter, RANGE | {"low": 2.0}),
        (Parameter, RANGE | {"log": True}),
        (Parameter, RANGE | {"low": 0.1, "log": True, "step": 0.1}),
        (Parameter, RANGE | {"step": 1e-9}),
        (Parameter, RANGE | {"step": 0.3}),
        (SpaceFile, SPACE | {"baselines": [{"lr": [1]}]}),
        (SpaceFile, stages({})),
        (SpaceFile, stages({"fraction": 0.1}, {"fraction": 0.1})),
        (SpaceFile, stages({"fraction": 0.5}, {"fraction": 0.1, "epochs": 2})),
        (PortfolioFile, {"description": "", "model": "lenet", "configurations": [{"lr": [1]}]}),
        (DataForm, FORM | {"name": "\x1b[2J"}),
        (DataForm, FORM | {"class_names": ["a", "a"]}),
        (DataForm, FORM | {"channels": 2}),
        (FinalRun, RUN | {"confusion": [[1, 2], [3]]}),
        (FinalRun, RUN | {"confusion": [[10**9, 0], [0, 0]]}),
        (Ensemble, ENSEMBLE | {"candidates": [CANDIDATE | {"count": 1}] * 2}),
        (EnsembleTest, {"images": 9, "ensemble": PREDICTIONS, "single": PREDICTIONS}),
    ],
)
def test_a_message_says_once_what_a_value_must_be(schema, value):
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(schema).validate_python(value)
    kinds = [details["type"] for details in raised.value.errors()]
    assert set(kinds) <= {"value_error", "broken_rule"}, "not an error of a validator of ours"
    message = str(validation_error(raised.value, schema, "file"))
    assert message.startswith("file: ")
    assert message.count("must") <= 1
    assert message.count("but is") <= 1


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"lr": 0.5}},
        {"params": {"lr": 7.0}, "distributions": {"lr": UNIT}},
        {"state": 1, "datetime_complete": "2026-01-01T00:00:00"},
        {"state": 3},
        {"datetime_start": "yesterday"},
    ],
)
def test_a_message_about_a_journal_says_once_what_a_value_must_be(change):
    with pytest.raises(UserError) as raised:
        JournalChecker().checked(json.dumps(CREATED | change).encode())
    assert str(raised.value).count("must") <= 1
    assert str(raised.value).count("but is") <= 1


def test_a_value_in_a_portfolio_file_is_named_with_its_place(tmp_path):
    (tmp_path / "lenet.yaml").write_text(
        "{description: d, model: lenet, configurations: [{lr: [1]}]}"
    )
    facts = [str(tmp_path / "lenet.yaml"), "configurations.0.lr", "[1]"]
    assert_refused(facts, portfolio_of, load_space("lenet"), tmp_path)


def test_the_last_line_of_a_forced_end_has_no_control_characters():
    code = "from tune_mnist.errors import end_at_once; end_at_once('to resume: \\x1b[2J', 3)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "to resume: \\x1b[2J\n")
