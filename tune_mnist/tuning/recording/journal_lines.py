"""Schema of the lines in a study's journal, to check each line before Optuna reads it."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from tune_mnist.errors import UserError, broken_rule, explained, reason
from tune_mnist.stored_json import StrictModel
from tune_mnist.stored_values import Finite, Scalar, Text, Whole
from tune_mnist.tuning.recording.journal_distributions import Distribution, check_value
from tune_mnist.tuning.recording.trial_attributes import TrialAttributes
from tune_mnist.tuning.spaces.space_file import CheaperStage

STUDY_NAME = "tune_mnist"
MAX_LINE = 4_000_000
"""Maximum length of a line in bytes; the longest lines of a search have a few thousand."""

_FINISHED = (1, 2, 3)
_RUNNING, _COMPLETE = 0, 1


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError("a date and time in ISO 8601") from None
    return text


Moment = Annotated[str, AfterValidator(_moment)]
State = Annotated[int, Field(ge=0, le=4)]


class _LinePart(StrictModel, extra="ignore"):
    """Part of a journal line. Unknown keys are ignored: later versions of Optuna may add keys."""


class StudyAttributes(_LinePart):
    """User attributes of a study, set by a search."""

    queue: list[dict[str, Scalar]] = Field(default_factory=list)
    prepared: bool = False
    first_of_portfolio: Whole = 0
    stages: list[CheaperStage] = Field(default_factory=list)
    chance_level: Finite = 0.0
    guessing_level: Finite = 0.0
    closed_round: Whole = 0
    ended: Text = ""


class StudySystemAttributes(_LinePart):
    """System attributes of a study, set by Optuna."""

    metric_names: list[Text] = Field(default_factory=list, alias="study:metric_names")


class TrialSystemAttributes(_LinePart):
    """System attributes of a trial, set by Optuna and its samplers."""

    fixed_params: dict[str, Scalar] = Field(default_factory=dict)
    search_space: dict[str, list[Scalar]] = Field(default_factory=dict)
    grid_id: Whole = 0
    cma_generation: Whole = Field(default=0, alias="cma:generation")


class _Line(_LinePart):
    worker_id: Text


class _OfStudy(_Line):
    study_id: Literal[0]


class _OfTrial(_Line):
    trial_id: Whole


class _CreateStudy(_Line):
    op_code: Literal[0]
    study_name: Literal["tune_mnist"]
    directions: list[Annotated[int, Field(ge=1, le=2)]] = Field(min_length=1, max_length=8)


class _StudyUserAttribute(_OfStudy):
    op_code: Literal[2]
    user_attr: StudyAttributes


class _StudySystemAttribute(_OfStudy):
    op_code: Literal[3]
    system_attr: StudySystemAttributes


class _Ending(_Line):
    """Fields for the state and values of a trial, shared by two kinds of lines."""

    state: State = _RUNNING
    values: Annotated[list[Finite], Field(min_length=1, max_length=8)] | None = None
    datetime_start: Moment | None = None
    datetime_complete: Moment | None = None

    @model_validator(mode="after")
    def _complete(self) -> "_Ending":
        if self.state in _FINISHED and self.datetime_complete is None:
            raise broken_rule("datetime_complete is missing, although the trial has ended")
        return self


class _CreateTrial(_Ending, _OfStudy):
    op_code: Literal[4]
    datetime_start: Moment | None  # required, unlike in the base class
    value: Finite | None = None
    distributions: dict[str, Distribution] = Field(default_factory=dict)
    params: dict[str, Finite] = Field(default_factory=dict)
    user_attrs: TrialAttributes = TrialAttributes()
    system_attrs: TrialSystemAttributes = TrialSystemAttributes()
    intermediate_values: dict[Annotated[str, Field(pattern=r"^[0-9]{1,9}$")], Finite] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _parameters(self) -> "_CreateTrial":
        if set(self.params) != set(self.distributions):
            raise broken_rule("params and distributions must have the same keys")
        for name, value in self.params.items():
            check_value(value, self.distributions[name])
        if self.state == _COMPLETE and (self.value is None) == (self.values is None):
            raise broken_rule("either value or values must be given, as the trial is complete")
        return self


class _Parameter(_OfTrial):
    op_code: Literal[5]
    param_name: Text
    param_value_internal: Finite
    distribution: Distribution

    @model_validator(mode="after")
    def _contained(self) -> "_Parameter":
        check_value(self.param_value_internal, self.distribution)
        return self


class _StateChange(_Ending, _OfTrial):
    op_code: Literal[6]
    state: State
    values: Annotated[list[Finite], Field(min_length=1, max_length=8)] | None

    @model_validator(mode="after")
    def _dated(self) -> "_StateChange":
        if self.state == _RUNNING and self.datetime_start is None:
            raise broken_rule("datetime_start is missing, although the trial has started")
        if self.state == _COMPLETE and self.values is None:
            raise broken_rule("values is missing, although the trial is complete")
        return self


class _Epoch(_OfTrial):
    op_code: Literal[7]
    step: Whole
    intermediate_value: Finite


class _TrialUserAttribute(_OfTrial):
    op_code: Literal[8]
    user_attr: TrialAttributes


class _TrialSystemAttribute(_OfTrial):
    op_code: Literal[9]
    system_attr: TrialSystemAttributes


_LINE: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        _CreateStudy
        | _StudyUserAttribute
        | _StudySystemAttribute
        | _CreateTrial
        | _Parameter
        | _StateChange
        | _Epoch
        | _TrialUserAttribute
        | _TrialSystemAttribute,
        Field(discriminator="op_code"),
    ]
)


class JournalChecker:
    """Checker for the lines of a journal. The lines must be passed in order.

    Optuna itself ignores lines about trials that do not exist. For other faults it raises internal
    exceptions, possibly much later.
    """

    def __init__(self) -> None:
        self._begun = False
        self._trials = 0

    def checked(self, line: bytes) -> dict[str, Any]:
        """Check the next line of the journal, and return its content.

        Args:
            line: Line of the journal, as JSON.

        Raises:
            UserError: The line cannot have been written by a search or by Optuna. The message
                names the invalid key.
        """
        try:
            operation = _LINE.validate_json(line)
        except ValidationError as error:
            raise UserError(_explained(error)) from None
        if isinstance(operation, _CreateStudy):
            # Each resume appends another line of this kind; Optuna ignores it.
            self._begun = True
        elif not self._begun:
            raise UserError("the line comes before the line that creates the study")
        elif isinstance(operation, _CreateTrial):
            self._trials += 1
        elif isinstance(operation, _OfTrial) and operation.trial_id >= self._trials:
            raise UserError(
                f"trial_id is {operation.trial_id}, but the trial has not been created yet"
            )
        content: dict[str, Any] = json.loads(line)
        for key in ("user_attr", "system_attr"):
            if key in content and len(content[key]) != 1:
                raise UserError(f"{key} must contain exactly one key")
        return content


def _explained(error: ValidationError) -> str:
    first = error.errors()[0]
    # The first part of a location is the operation, which is not a key of the line.
    key = ".".join(str(part) for part in first["loc"][1:])
    match first["type"]:
        case "json_invalid":
            return f"the line is not JSON ({reason(first)})"
        case "union_tag_invalid" | "union_tag_not_found":
            return "op_code must be 0 or from 2 to 9, the operations that a search writes"
        case "missing":
            return f"'{key}' is missing"
        case "extra_forbidden":
            return f"unknown key '{key}'"
        case _:
            return explained(first, key, "the line")
