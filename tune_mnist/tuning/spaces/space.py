"""Search spaces: loading, validation and sampling."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError, unknown
from tune_mnist.suggestions import closest, did_you_mean
from tune_mnist.tuning.spaces.architectures import MODEL, typical_options
from tune_mnist.tuning.spaces.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
)
from tune_mnist.tuning.spaces.space_checks import checked_parameters, condition_holds
from tune_mnist.tuning.spaces.space_file import CheaperStage, SpaceDefaults, parse_space_file
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
        description: One-line description of the space, which may be empty.
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
        choices = self.parameters[MODEL]
        assert isinstance(choices, CategoricalParameter)  # noqa: S101 - as in the space file
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

    def exists(self, name: str, drawn: Mapping[str, Any]) -> bool:
        """Return whether a parameter's ``when`` condition holds in a configuration.

        Args:
            name: Name of the parameter.
            drawn: Parameter values, keyed by parameter name. All parameters that the condition
                refers to must be included if they exist.
        """
        return condition_holds(self.parameters[name], drawn)

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
            if condition_holds(parameter, drawn):
                drawn[name] = parameter.suggest(trial, name)
        return {} if self.model is None else {MODEL: self.model}


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
        parameters = checked_parameters(file)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return SearchSpace(
        name=path.stem,
        path=path,
        text=text,
        description=file.description,
        model=file.model if isinstance(file.model, str) else None,
        parameters=parameters,
        baselines=tuple(dict(baseline) for baseline in file.baselines),
        fidelity=tuple(file.fidelity),
        defaults=file.defaults,
    )


def shipped_spaces() -> Path:
    """Return the folder with the search spaces that the package ships."""
    installed = _PACKAGE / "search_spaces"
    return installed if installed.is_dir() else _PACKAGE.parent / "search_spaces"


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    shipped = {file.stem: file for file in sorted(shipped_spaces().glob("*.yaml"))}
    if len(path.parts) > 1 or path.suffix in ENDINGS:
        if not path.is_file():
            raise UserError(
                f"search space {path}: no such file{did_you_mean(path.stem, shipped)}; the"
                f" {len(shipped)} shipped spaces are in {shipped_spaces()}"
            )
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
