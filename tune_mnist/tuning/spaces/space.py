"""Search spaces: loading, validation and sampling."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError, unknown
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.models.registry import get_architecture
from tune_mnist.quoting import quoted
from tune_mnist.suggestions import closest, did_you_mean
from tune_mnist.training import REQUIRED, SEARCHABLE
from tune_mnist.training.config import SEARCHABLE_HELP
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
    """Search space, validated, from which a searcher draws configurations.

    Attributes:
        name: Name of the space file without its extension.
        path: Path of the space file.
        text: Content of the space file.
        description: One-line description of the space.
        model: Name of the architecture, or None if the architecture is itself a parameter.
        parameters: Parameters, keyed by name. A parameter comes after those that its ``when``
            condition refers to.
        baselines: Complete or partial configurations that the search tries first.
        fidelity: Cheaper stages that each trial passes before the full fidelity of the search.
        defaults: Values of search options that apply unless the user sets them.
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
        """Names of all architectures that the space contains."""
        if self.model is not None:
            return (self.model,)
        choices = self.parameters["model"]
        assert isinstance(choices, CategoricalParameter)  # noqa: S101 - load_space checks it
        return tuple(str(choice) for choice in choices.choices)

    @property
    def typical_networks(self) -> dict[str, dict[str, Any]]:
        """Constructor keywords for a network of typical size, keyed by architecture."""
        return {
            model: typical_options(self.parameters, self.models, model) for model in self.models
        }

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the searched parameters."""
        return tuple(self.parameters)

    def count_numbers(self) -> int:
        """Return the number of numeric parameters that exist in every configuration."""
        return sum(
            not isinstance(parameter, CategoricalParameter) and not parameter.when
            for parameter in self.parameters.values()
        )

    def exists(self, name: str, drawn: Mapping[str, Any]) -> bool:
        """Return whether a parameter's ``when`` condition holds in a configuration.

        Args:
            name: Name of the parameter.
            drawn: Parameter values, keyed by parameter name. All parameters that the condition
                refers to must be included if they exist.
        """
        return _exists(self.parameters[name], drawn)

    def fits(self, configuration: Mapping[str, Any]) -> bool:
        """Return whether a complete or partial configuration lies within the space.

        Args:
            configuration: Parameter values, keyed by parameter name.
        """
        return not self.misfits(configuration)

    def misfits(self, configuration: Mapping[str, Any]) -> list[str]:
        """Return the parameters because of which a configuration lies outside the space.

        Args:
            configuration: Parameter values, keyed by parameter name.
        """
        return [
            name
            for name, value in configuration.items()
            if name not in self.parameters
            or not self.parameters[name].contains(value)
            or not self.exists(name, configuration)
        ]

    def sample(self, trial: Any) -> dict[str, Any]:
        """Sample a configuration with Optuna's define-by-run interface.

        The sampled values are recorded in the trial. They are not returned, because Ray Tune reads
        them from the trial.

        Args:
            trial: Optuna trial, or the object that Ray Tune passes in its place.

        Returns:
            The fixed part of the configuration: the model, unless it is a parameter.
        """
        drawn: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            if _exists(parameter, drawn):
                drawn[name] = parameter.suggest(trial, name)
        return {} if self.model is None else {"model": self.model}


def load_space(name_or_path: str) -> SearchSpace:
    """Load a search space from a file and validate it.

    Args:
        name_or_path: Name of a shipped space, or path of a space file.

    Raises:
        UserError: The file does not exist or is invalid. The message names the file, the key and
            the value.
    """
    path = _find(name_or_path)
    return parse_space(read_text(path), path)


def parse_space(text: str, path: Path) -> SearchSpace:
    """Parse the text of a search space file and validate the space.

    Args:
        text: Content of the space file.
        path: Path of the space file, from which the name of the space is taken.

    Raises:
        UserError: The space is invalid. The message names file, key and value.
    """
    file = parse_space_file(text, path)
    try:
        return _checked(path, file, text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def shipped_spaces() -> Path:
    """Return the folder with the search spaces that the package ships."""
    installed = _PACKAGE / "search_spaces"
    return installed if installed.is_dir() else _PACKAGE.parent / "search_spaces"


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    shipped = {file.stem: file for file in sorted(shipped_spaces().glob("*.yaml"))}
    if len(path.parts) > 1 or path.suffix in ENDINGS:
        if not path.is_file():
            raise UserError(f"search space {path}: no such file{did_you_mean(path.stem, shipped)}")
        return path
    if name_or_path in shipped:
        return shipped[name_or_path]
    # Without a close name, the error lists only the plain spaces, not their many variants.
    listed = shipped if closest(name_or_path, shipped) else [n for n in shipped if "-" not in n]
    error = unknown("search space", name_or_path, listed)
    raise UserError(
        f"{error}; the {len(shipped)} shipped spaces are in {shipped_spaces()}, or give the path"
        " of a YAML file"
    )


def _checked(path: Path, file: SpaceFile, text: str) -> SearchSpace:
    if not file.parameters and isinstance(file.model, str):
        raise UserError("parameters is empty, but a search space needs at least one parameter")
    parameters: dict[str, Any] = dict(file.parameters)
    for name in parameters:
        if name not in SEARCHABLE and not name.startswith(MODEL_PREFIX):
            hint = did_you_mean(name, SEARCHABLE, SEARCHABLE_HELP)
            raise UserError(
                f"parameters: unknown parameter {quoted(name)}{hint}; known parameters are"
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
    """Sort parameters topologically: each after those that its ``when`` refers to."""
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
                    f"{place}.{other}: {other} is {parameters[other]}, so it hardly ever takes"
                    " one exact value; use a categorical or int parameter in the condition"
                )
            if not parameter.needs(other):
                raise UserError(f"{place}.{other} must list at least one value, but is empty")
            for value in parameter.needs(other):
                if not parameters[other].contains(value):
                    raise UserError(
                        f"{place}.{other}: {other} can never be {quoted(value)}; it is"
                        f" {parameters[other]}{_close(value, parameters[other])}"
                    )
    try:
        order = TopologicalSorter({n: p.when.keys() for n, p in parameters.items()})
        return {name: parameters[name] for name in order.static_order()}
    except CycleError as error:
        raise UserError(
            f"parameters: the conditions ('when') form a cycle: {' -> '.join(error.args[1])}"
        ) from None


def _check_always_there(name: str, parameters: dict[str, Any]) -> None:
    """Check that a parameter without a default exists in every configuration."""
    if name not in parameters:
        raise UserError(
            f"parameters: '{name}' is missing and has no default"
            " (for a single value, use type: categorical with choices: [value])"
        )
    if parameters[name].when:
        raise UserError(
            f"{_key(name)}.when: {name} must exist in every configuration; remove 'when'"
        )


def _model_choices(parameter: Any) -> list[str]:
    """Return the architectures that a parameter chooses from, and check that they exist."""
    values = parameter.choices if isinstance(parameter, CategoricalParameter) else [parameter.low]
    for value in values:
        if not isinstance(value, str):
            raise UserError(f"model must be the name of an architecture, but is {quoted(value)}")
        try:
            get_architecture(value)
        except UserError as error:
            raise UserError(f"model: {error}") from None
    return [str(value) for value in values]


def _key(name: str) -> str:
    """Return the key of a parameter in the space file."""
    return name if name == "model" else f"parameters.{name}"


def _check_baseline(place: str, baseline: dict[str, Any], parameters: dict[str, Any]) -> None:
    for name, value in baseline.items():
        if name not in parameters:
            raise UserError(
                f"{place}: '{name}' is not a parameter of this space"
                f"{did_you_mean(name, parameters)}; its parameters are {', '.join(parameters)}"
            )
        if not parameters[name].contains(value):
            raise UserError(
                f"{place}.{name} must be {parameters[name]} to be inside the space, but is"
                f" {quoted(value)}"
            )
        if not _exists(parameters[name], baseline):
            raise UserError(
                f"{place}.{name} exists only when {_condition(parameters[name])}; remove it from"
                " this baseline"
            )


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
