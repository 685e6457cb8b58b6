"""Search spaces: found by name or path, checked against what can be trained, and drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError, did_you_mean, unknown
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.models.registry import get_architecture
from tune_mnist.quoting import quoted
from tune_mnist.training import REQUIRED, SEARCHABLE
from tune_mnist.tuning.spaces.architectures import check_trainable, typical_options
from tune_mnist.tuning.spaces.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
)
from tune_mnist.tuning.spaces.space_file import (
    CheaperStage,
    SpaceDefaults,
    SpaceFile,
    parse_space_file,
)
from tune_mnist.tuning.spaces.yaml_text import read_text

ENDINGS = (".yaml", ".yml")
_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class SearchSpace:
    """What a search may choose from.

    Attributes:
        name: the file's name without its ending.
        path: the file.
        text: the file's content.
        description: one line for people.
        model: the architecture, or None if it is itself a parameter.
        parameters: by name, in an order in which conditions come before what depends on them.
        baselines: configurations to try first.
        fidelity: the cheaper stages that each trial begins with.
        defaults: what a search does unless told otherwise.
    """

    name: str
    path: Path
    text: str
    description: str
    model: str | None
    parameters: dict[str, FloatParameter | IntParameter | CategoricalParameter]
    baselines: tuple[dict[str, Any], ...]
    fidelity: tuple[CheaperStage, ...]
    defaults: SpaceDefaults

    @property
    def models(self) -> tuple[str, ...]:
        """All architectures it can choose."""
        if self.model is not None:
            return (self.model,)
        choices = self.parameters["model"]
        assert isinstance(choices, CategoricalParameter)  # noqa: S101 - as load_space built it
        return tuple(str(choice) for choice in choices.choices)

    @property
    def typical_networks(self) -> dict[str, dict[str, Any]]:
        """Values for the keywords of each architecture, from the middle of their ranges."""
        return {
            model: typical_options(self.parameters, self.models, model) for model in self.models
        }

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of what is searched."""
        return tuple(self.parameters)

    def count_numbers(self) -> int:
        """Return how many parameters are numbers that exist in every configuration."""
        return sum(
            not isinstance(parameter, CategoricalParameter) and not parameter.when
            for parameter in self.parameters.values()
        )

    def exists(self, name: str, drawn: Mapping[str, Any]) -> bool:
        """Return whether a configuration with these values has a parameter.

        Args:
            name: Of the parameter.
            drawn: Values of the parameters that its condition names, if they exist.
        """
        return _exists(self.parameters[name], drawn)

    def sample(self, trial: Any) -> dict[str, Any]:
        """Draw a configuration, parameter by parameter (Optuna's define-by-run).

        Args:
            trial: an Optuna trial, or Ray's stand-in for one that notes what is drawn.

        Returns:
            What is not drawn but fixed: the model, unless it is a parameter.
        """
        drawn: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            if _exists(parameter, drawn):
                drawn[name] = parameter.suggest(trial, name)
        return {} if self.model is None else {"model": self.model}


def load_space(name_or_path: str) -> SearchSpace:
    """Read a search space, one of the shipped ones by name or any by path.

    Raises:
        UserError: there is none, or something in it is wrong; names file, key and value.
    """
    path = _find(name_or_path)
    return parse_space(read_text(path), path)


def parse_space(text: str, path: Path) -> SearchSpace:
    """Build a search space from the text of its file.

    Args:
        text: what stands in the file.
        path: of the file; its name without the ending is the space's.

    Raises:
        UserError: something in it is wrong; names file, key and value.
    """
    file = parse_space_file(text, path)
    try:
        return _checked(path, file, text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def shipped_spaces() -> Path:
    """Return the folder of the spaces that come with the project."""
    installed = _PACKAGE / "search_spaces"
    return installed if installed.is_dir() else _PACKAGE.parent / "search_spaces"


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if len(path.parts) > 1 or path.suffix in ENDINGS:
        if not path.is_file():
            raise UserError(f"search space {path}: there is no such file")
        return path
    shipped = {file.stem: file for file in sorted(shipped_spaces().glob("*.yaml"))}
    if name_or_path not in shipped:
        error = unknown("search space", name_or_path, shipped)
        raise UserError(f"{error}, or give the path of a YAML file")
    return shipped[name_or_path]


def _checked(path: Path, file: SpaceFile, text: str) -> SearchSpace:
    if not file.parameters and isinstance(file.model, str):
        raise UserError(
            "parameters: an empty space: there is nothing to search, name at least one"
        )
    parameters: dict[str, Any] = dict(file.parameters)
    for name in parameters:
        if name not in SEARCHABLE and not name.startswith(MODEL_PREFIX):
            hint = did_you_mean(name, SEARCHABLE)
            raise UserError(
                f"parameters: unknown parameter {quoted(name)}{hint}: known are"
                f" {', '.join(SEARCHABLE)} and {MODEL_PREFIX}<keyword of the network>"
            )
    if not isinstance(file.model, str):
        parameters = {"model": file.model} | parameters
        _check_always_there("model", parameters)
    else:
        get_architecture(file.model)
    for name in REQUIRED:
        _check_always_there(name, parameters)
    ordered = _ordered(parameters)
    model = file.model if isinstance(file.model, str) else None
    models = [model] if model is not None else _model_choices(ordered["model"])
    check_trainable(ordered, models, "parameters")
    for number, baseline in enumerate(file.baselines, start=1):
        _check_baseline(f"baselines[{number}]", baseline, ordered)
    return SearchSpace(
        name=path.stem,
        path=path,
        text=text,
        description=file.description,
        model=model,
        parameters=ordered,
        baselines=tuple(dict(baseline) for baseline in file.baselines),
        fidelity=tuple(file.fidelity),
        defaults=file.defaults,
    )


def _ordered(parameters: dict[str, Any]) -> dict[str, Any]:
    """Sort so that every parameter comes after those its ``when`` names."""
    for name, parameter in parameters.items():
        for other in parameter.when:
            place = f"{_key(name)}.when"
            if other not in parameters:
                raise UserError(
                    f"{place}: '{other}' is not a parameter of this space"
                    f"{did_you_mean(other, parameters)}"
                )
            if isinstance(parameters[other], FloatParameter):
                raise UserError(
                    f"{place}.{other}: {other} is {parameters[other]}, which hardly ever takes"
                    " one exact value: name a categorical or int parameter"
                )
            if not parameter.needs(other):
                raise UserError(f"{place}.{other} = []: can never be: name at least one value")
            for value in parameter.needs(other):
                if not parameters[other].contains(value):
                    raise UserError(
                        f"{place}.{other} = {quoted(value)}: can never be: {other} is"
                        f" {parameters[other]}{_close(value, parameters[other])}"
                    )
    try:
        order = TopologicalSorter({n: p.when.keys() for n, p in parameters.items()})
        return {name: parameters[name] for name in order.static_order()}
    except CycleError as error:
        raise UserError(
            f"parameters: {' -> '.join(error.args[1])}: each exists only when the next does"
        ) from None


def _check_always_there(name: str, parameters: dict[str, Any]) -> None:
    """See that every configuration has a value for what has no default."""
    if name not in parameters:
        raise UserError(
            f"parameters: '{name}' is missing: there is no default for it"
            " (for a single value: type categorical, choices: [value])"
        )
    if parameters[name].when:
        raise UserError(f"{_key(name)}.when: {name} must always exist: leave 'when' out")


def _model_choices(parameter: Any) -> list[str]:
    """Return the architectures that a space chooses from, all of them registered."""
    values = parameter.choices if isinstance(parameter, CategoricalParameter) else [parameter.low]
    for value in values:
        if not isinstance(value, str):
            raise UserError(f"model: {quoted(value)}: must be the name of an architecture")
        try:
            get_architecture(value)
        except UserError as error:
            raise UserError(f"model: {error}") from None
    return [str(value) for value in values]


def _key(name: str) -> str:
    """Return where in a file the parameter stands."""
    return name if name == "model" else f"parameters.{name}"


def _check_baseline(place: str, baseline: dict[str, Any], parameters: dict[str, Any]) -> None:
    for name, value in baseline.items():
        if name not in parameters:
            raise UserError(
                f"{place}: '{name}' is not a parameter of this space"
                f"{did_you_mean(name, parameters)}: it has {', '.join(parameters)}"
            )
        if not parameters[name].contains(value):
            raise UserError(
                f"{place}.{name} = {quoted(value)}: outside the space: must be {parameters[name]}"
            )
        if not _exists(parameters[name], baseline):
            raise UserError(f"{place}.{name}: exists only when {_condition(parameters[name])}")


def _exists(parameter: Any, drawn: Mapping[str, Any]) -> bool:
    return all(drawn.get(other) in parameter.needs(other) for other in parameter.when)


def _condition(parameter: Any) -> str:
    return " and ".join(
        f"{other} is {' or '.join(map(str, parameter.needs(other)))}" for other in parameter.when
    )


def _close(value: Any, parameter: Any) -> str:
    if not isinstance(parameter, CategoricalParameter):
        return ""
    return did_you_mean(str(value), [str(choice) for choice in parameter.choices])
