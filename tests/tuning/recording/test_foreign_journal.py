"""A journal from somebody else: one line with file and line, whatever stands in it."""

import json
from pathlib import Path

import pytest

from tests.messages import assert_refused
from tests.reporting.searches import PARAMETERS, Search
from tune_mnist.reporting.stored_search import read_search
from tune_mnist.tuning.recording.study import JOURNAL, STUDY_NAME, load_study, open_storage

CREATE_STUDY, STUDY_SYSTEM, CREATE_TRIAL, PARAMETER, STATE, EPOCH, ATTRIBUTE = 0, 3, 4, 5, 6, 7, 8


@pytest.fixture
def search(tmp_path):
    made = Search(tmp_path / "demo")
    made.trial(0.8, 0.9, 0.95)
    made.trial(0.6, 0.65, takeovers=[{"epoch": 1, "donor": 0, "params": dict(PARAMETERS)}])
    return made


def change(directory: Path, op_code: int, apply, has: str = "") -> None:
    """Change the last line of an operation that has a key, anywhere in it."""
    path = directory / JOURNAL
    lines = path.read_text().splitlines()
    for number, line in reversed(list(enumerate(lines))):
        if json.loads(line)["op_code"] == op_code and f'"{has}' in line:
            log = json.loads(line)
            apply(log)
            lines[number] = json.dumps(log)
            path.write_text("\n".join(lines) + "\n")
            return
    raise AssertionError(f"no line with op_code {op_code} and {has}")


def refused(read, directory: Path, *facts: str) -> None:
    """Check that a journal is refused in one line that names the file and some facts."""
    assert_refused([str(directory / JOURNAL), *facts], read, directory)


LINES = {
    "a number": ("5", "mapping 5"),
    "null": ("null", "mapping None"),
    "a list": ("[]", "mapping []"),
    "a text": ('"x"', "mapping 'x'"),
    "nested": ("[" * 100_000, "JSON recursion"),
    "5000 digits": ('{"op_code": ' + "9" * 5_000 + "}", "JSON number"),
    "unknown operation": ('{"op_code": 99, "worker_id": "x"}', "op_code"),
    "deleted study": ('{"op_code": 1, "worker_id": "x", "study_id": 0}', "op_code"),
    "operation a text": ('{"op_code": "8", "worker_id": "x"}', "op_code"),
    "no operation": ("{}", "op_code"),
    "a missing trial": (
        '{"op_code": 8, "worker_id": "x", "trial_id": 99, "user_attr": {"node": "x"}}',
        "trial_id 99",
    ),
    "two attributes": (
        '{"op_code": 8, "worker_id": "x", "trial_id": 0, "user_attr": {"node": "", "reason": ""}}',
        "user_attr one",
    ),
    **{
        f"study's {key} of another type": (
            json.dumps({"op_code": 2, "worker_id": "x", "study_id": 0, "user_attr": {key: value}}),
            f"user_attr.{key}",
        )
        for key, value in {
            "first_of_portfolio": "x",
            "stages": "x",
            "chance_level": [0.2],
            "guessing_level": "low",
            "ended": ["all trials have ended"],
        }.items()
    },
    "not UTF-8": (b"\xff\xfe\x00", "JSON"),
    "longer than a line may be": (b" " * 5_000_000, "longer 4,000,000"),
}


@pytest.mark.parametrize("read", [load_study, open_storage, read_search])
@pytest.mark.parametrize("case", LINES)
def test_an_invalid_line_is_refused(search, read, case):
    line, facts = LINES[case]
    path = search.directory / JOURNAL
    count = path.read_bytes().count(b"\n")
    with path.open("ab") as journal:
        journal.write((line.encode() if isinstance(line, str) else line) + b"\n")
    refused(read, search.directory, f"line {count + 1}:", *facts.split())


def set_progress(**values):
    def apply(log):
        log["user_attr"]["progress"] |= values

    return apply


def replace(key, value):
    def apply(log):
        log[key] = value

    return apply


VALUES = {
    "progress a text": (ATTRIBUTE, "progress", replace("user_attr", {"progress": "abc"})),
    "progress null values": (ATTRIBUTE, "progress", set_progress(val_accuracy=None)),
    "progress with an unknown key": (ATTRIBUTE, "progress", set_progress(foo=1)),
    "accuracy a text": (ATTRIBUTE, "progress", set_progress(val_accuracy="high")),
    "accuracy above 1": (ATTRIBUTE, "progress", set_progress(val_accuracy=1.5)),
    "accuracy NaN": (ATTRIBUTE, "progress", set_progress(val_accuracy=float("nan"))),
    "epochs a number in quotes": (ATTRIBUTE, "progress", set_progress(epochs="3")),
    "last a list": (ATTRIBUTE, "progress", set_progress(last=[1])),
    "seconds infinite": (ATTRIBUTE, "progress", set_progress(train_seconds=float("inf"))),
    "takeovers no list": (ATTRIBUTE, "takeovers", replace("user_attr", {"takeovers": 5})),
    "a takeover no mapping": (ATTRIBUTE, "takeovers", replace("user_attr", {"takeovers": [5]})),
    "directions no list": (CREATE_STUDY, "", replace("directions", 2)),
    "an unknown direction": (CREATE_STUDY, "", replace("directions", [7])),
    "another study": (CREATE_STUDY, "", replace("study_name", "x")),
    "a value beyond its distribution": (PARAMETER, "lr", replace("param_value_internal", 7.5)),
    "a choice that is not there": (PARAMETER, "optimizer", replace("param_value_internal", 9)),
    "half a choice": (PARAMETER, "optimizer", replace("param_value_internal", 0.5)),
    "a distribution that is no JSON": (PARAMETER, "lr", replace("distribution", "{")),
    "an unknown distribution": (
        PARAMETER,
        "lr",
        replace("distribution", '{"name": "Other", "attributes": {}}'),
    ),
    "steps too small for decimals": (
        PARAMETER,
        "lr",
        replace(
            "distribution",
            '{"name": "FloatDistribution", "attributes":'
            ' {"low": 0.0, "high": 1e300, "log": false, "step": 1e-300}}',
        ),
    ),
    "an unknown state": (STATE, "", replace("state", 9)),
    "an end without a time": (STATE, "datetime_complete", replace("datetime_complete", None)),
    "a time that overflows": (
        STATE,
        "datetime_start",
        replace("datetime_start", "0001-01-01T00:00:00+23:59"),
    ),
    "a value that is a text": (EPOCH, "", replace("intermediate_value", "0.5")),
    "a value that is infinite": (EPOCH, "", replace("intermediate_value", float("inf"))),
    "fixed parameters no mapping": (
        CREATE_TRIAL,
        "",
        replace("system_attrs", {"fixed_params": 5}),
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_an_invalid_value_is_refused(search, case):
    op_code, has, apply = VALUES[case]
    change(search.directory, op_code, apply, has)
    refused(load_study, search.directory, "line")


def complete_without_values(log):
    log["state"], log["values"] = 1, [0.5, 0.5]


def drop_parameter(log):
    log["op_code"], log["step"], log["intermediate_value"] = EPOCH, 1, 0.5


OTHERS = {
    "minimises": (CREATE_STUDY, "", replace("directions", [1]), "minimize"),
    "two objectives": (CREATE_STUDY, "", replace("directions", [2, 1]), "values 2"),
    "too many values": (STATE, "datetime_complete", complete_without_values, "values 1"),
    "an accuracy above 1": (EPOCH, "", replace("intermediate_value", 2), "from 0 to 1"),
    "step 0": (EPOCH, "", replace("step", 0), "count 1"),
    "an epoch that the search has not": (EPOCH, "", replace("step", 99), "reach 99"),
    "best after the last epoch": (ATTRIBUTE, "progress", set_progress(best_epoch=3), "best_epoch"),
    "a donor that is not there": (
        ATTRIBUTE,
        "takeovers",
        lambda log: log["user_attr"]["takeovers"][0].update(donor=50),
        "trial 50",
    ),
    "a takeover with an unknown model": (
        ATTRIBUTE,
        "takeovers",
        lambda log: log["user_attr"]["takeovers"][0]["params"].update(model="x/../../y"),
        "unknown 'x/../../y'",
    ),
    "a takeover that lacks lr": (
        ATTRIBUTE,
        "takeovers",
        lambda log: log["user_attr"]["takeovers"][0]["params"].pop("lr"),
        "missing 'lr'",
    ),
    "another parameter": (PARAMETER, "lr", replace("param_name", "rate"), "parameter 'rate'"),
    "a lost parameter": (PARAMETER, "model", drop_parameter, "lacks model"),
    "another range": (
        PARAMETER,
        "lr",
        lambda log: log.update(distribution=log["distribution"].replace("0.0001", "0.0002")),
        "lr distribution",
    ),
    "a fixed value outside of the space": (
        CREATE_TRIAL,
        "fixed",
        lambda log: log["system_attrs"]["fixed_params"].update(lr=50.0),
        "outside 'lr' 50.0",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_study_of_another_search_is_refused(search, case):
    op_code, has, apply, facts = OTHERS[case]
    change(search.directory, op_code, apply, has)
    refused(read_search, search.directory, *facts.split())


def test_notes_of_a_dashboard_are_accepted(search):
    before = read_search(search.directory).trials
    load_study(search.directory).set_user_attr("note", {"of": ["a", "dashboard"]})
    storage = open_storage(search.directory)
    study = storage.get_study_id_from_name(STUDY_NAME)
    storage.set_study_system_attr(study, "dashboard:note", "text")
    assert read_search(search.directory).trials.equals(before)


@pytest.mark.parametrize("read", [load_study, open_storage])
def test_a_folder_instead_of_the_journal_is_refused(tmp_path, read):
    (tmp_path / JOURNAL).mkdir()
    refused(read, tmp_path)
