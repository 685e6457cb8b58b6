"""Setup of a search, stored as ``experiment.json`` in its results folder."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tune_mnist.data import DataForm, Dataset
from tune_mnist.data.recognition import checksum
from tune_mnist.environment import package_versions
from tune_mnist.errors import FEW_NAMES, UserError
from tune_mnist.files import write_text
from tune_mnist.models import get_architecture
from tune_mnist.models.registry import own_networks
from tune_mnist.models.user_modules import source_digests
from tune_mnist.safe_paths import path_in, require_no_links
from tune_mnist.stored_json import StrictModel, read_stored
from tune_mnist.stored_values import Scalar, Text
from tune_mnist.suggestions import did_you_mean
from tune_mnist.tuning.options.option_fields import FIXED, MEASURED
from tune_mnist.tuning.options.search_options import SearchOptions, without_replaced_limit
from tune_mnist.tuning.recording.study import JOURNAL_LOCK
from tune_mnist.tuning.results_folder.trust import is_own, sign
from tune_mnist.tuning.spaces.space import SearchSpace, parse_space
from tune_mnist.tuning.spaces.space_file import parse_space_file

EXPERIMENT_FILE = "experiment.json"


class _SpaceText(StrictModel, extra="ignore"):
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^/\x00]+$")]
    text: str


class Experiment(StrictModel, extra="ignore"):
    """Setup of a search, as stored in ``experiment.json``.

    Attributes:
        options: Options of the search, including defaults.
        space: Name and text of the search space.
        data_sha256: Checksum of the training images and labels.
        test_sha256: Checksum of the test images and labels. None in folders of earlier versions,
            which did not store it.
        data: Form of the images. None in folders of earlier versions, which supported only MNIST.
        facts: Description of the search, keyed by heading.
        versions: Versions of the packages that may affect results.
        started: Start time of the search, in ISO 8601.
        commands: Commands that started and resumed the search, in order.
        checkpoints: Path or URI of the checkpoints. None if they are in the results folder.
        networks: SHA-256 of the source of each user-defined network when it was first used, keyed
            by architecture.
        edited_networks: Names of the networks whose source had changed when the search was
            resumed.
        signature: Signature that proves that this user wrote the file on this machine, or None if
            there was no key to sign with.
    """

    options: dict[str, Scalar | None]
    space: _SpaceText
    data_sha256: Text
    test_sha256: Text | None = None
    facts: dict[str, Text]
    versions: dict[str, Text]
    started: Text
    commands: list[Text]
    checkpoints: Text | None = None
    data: DataForm | None = None
    networks: dict[str, Text] = Field(default_factory=dict)
    edited_networks: list[Text] = Field(default_factory=list)
    signature: Text | None = None

    @property
    def is_own(self) -> bool:
        """Whether this user wrote the file on this machine, and nobody has changed it since."""
        # Only the stored fields were signed: a later version may have added fields to the model.
        return is_own(self.model_dump(mode="json", exclude_unset=True))

    def edited_since(self, digests: Mapping[str, str]) -> list[str]:
        """Return the names of networks whose source has changed since the start of the search.

        The result includes networks that were edited and then restored, because some trials may
        have run with the edited source.

        Args:
            digests: SHA-256 of the present sources, keyed by architecture.
        """
        changed = {
            name for name, digest in digests.items() if self.networks.get(name, digest) != digest
        }
        return sorted(changed.union(self.edited_networks))

    def is_comparable(self, options: SearchOptions, dataset: Dataset) -> bool:
        """Return whether the accuracies of this search and another search can be compared.

        This is the case if both searches evaluate on the same images under the same conditions.
        The source of the networks is not compared; see :meth:`unchanged_networks`.

        Args:
            options: Options of the other search.
            dataset: Data set of the other search.
        """
        now = options.model_dump(mode="json")
        known = self.options
        same_options = all(key in known and known[key] == now[key] for key in MEASURED)
        same_classes = self.data is None or len(self.data.class_names) == dataset.num_classes
        images = checksum(dataset.train_images, dataset.train_labels)
        return same_options and same_classes and images == self.data_sha256

    def unchanged_networks(self, models: Iterable[str]) -> set[str]:
        """Return those architectures whose source is known to be the same as in this search.

        User-defined networks without a source file are never included, because their source cannot
        be compared.

        Args:
            models: Names of the architectures to compare.
        """
        wanted = set(models)
        digests = source_digests(wanted)
        own = {each.name for each in own_networks()} & wanted
        same = {name for name in own & digests.keys() if digests[name] == self.networks.get(name)}
        return (wanted - own) | same.difference(self.edited_networks)

    def search_space(self, directory: Path) -> SearchSpace:
        """Return the search space, parsed from the stored text of the space file.

        Args:
            directory: Results folder, for error messages.

        Raises:
            UserError: The stored space is invalid.
        """
        with _named(directory, "search space"):
            return parse_space(self.space.text, Path(f"{self.space.name}.yaml"))

    def fixed_model(self, directory: Path) -> str | None:
        """Return the architecture of the search space, or None if there are several.

        Unlike :meth:`search_space`, this method works even if the architecture is not registered.

        Args:
            directory: Results folder, for error messages.

        Raises:
            UserError: The stored space is invalid.
        """
        with _named(directory, "search space"):
            model = parse_space_file(self.space.text, Path(f"{self.space.name}.yaml")).model
        return model if isinstance(model, str) else None

    def stored_options(self, directory: Path, space: SearchSpace) -> SearchOptions:
        """Return the options in ``experiment.json``, checked against the search space.

        Args:
            directory: Results folder, for error messages.
            space: Search space.

        Raises:
            UserError: A stored option is invalid.
        """
        with _named(directory, "options"):
            return SearchOptions.checked(space, **self.options)

    def options_with(self, space: SearchSpace, given: dict[str, Any]) -> SearchOptions:
        """Return the stored options, updated with the options of a resumed search.

        Args:
            space: Search space.
            given: New values, keyed by option. Options with the value None keep the stored value.

        Raises:
            UserError: A changed option would make old and new trials incomparable, or the search
                was started by a version with other initial weights.
        """
        self._check_initial_weights(space)
        before = SearchOptions.checked(space, **self.options)
        changes = {key: value for key, value in given.items() if value is not None}
        stored = without_replaced_limit(self.options, changes)
        after = SearchOptions.checked(space, **(stored | changes))
        for key in FIXED:
            old, new = getattr(before, key), getattr(after, key)
            if old != new:
                raise UserError(
                    f"--{key.replace('_', '-')} {new}: the search was started with {old}, and"
                    " trials with different values would not be comparable: remove the option, or"
                    " start another search"
                )
        return after

    def _check_initial_weights(self, space: SearchSpace) -> None:
        if "init" in self.options:
            return
        # Versions without this option drew weights four times smaller before a sigmoid.
        changed = [name for name in space.models if get_architecture(name).activation == "sigmoid"]
        if changed:
            raise UserError(
                "--resume: the search was started by an earlier version with other initial weights"
                f" of {', '.join(changed)}, so earlier and later trials would not be comparable:"
                " start another search, with --warm-start to reuse the best configurations"
            )


def write_experiment(
    directory: Path,
    space: SearchSpace,
    options: SearchOptions,
    dataset: Dataset,
    facts: dict[str, str],
    command: str,
    earlier: Experiment | None,
    checkpoints: str | None = None,
) -> Experiment:
    """Write the setup of a search to its results folder, and return the setup.

    Args:
        directory: Results folder.
        space: Search space.
        options: Options of the search.
        dataset: Data set.
        facts: Description of the search, keyed by heading.
        command: Command that started or resumed the search.
        earlier: Stored setup of the search to resume, or None for a new search.
        checkpoints: Path or URI of the checkpoints. None if they are in the results folder.
    """
    digests = source_digests(space.models)
    experiment = Experiment(
        options=options.model_dump(mode="json"),
        space=_SpaceText(name=space.name, text=space.text),
        data_sha256=checksum(dataset.train_images, dataset.train_labels),
        test_sha256=checksum(dataset.test_images, dataset.test_labels),
        data=dataset.form,
        networks=digests | (earlier.networks if earlier else {}),
        edited_networks=earlier.edited_since(digests) if earlier else [],
        facts=facts,
        versions=earlier.versions if earlier else package_versions(),
        started=earlier.started if earlier else time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        commands=[*(earlier.commands if earlier else []), command],
        checkpoints=checkpoints,
    )
    signature = sign(experiment.model_dump(mode="json", exclude_unset=True))
    experiment = experiment.model_copy(update={"signature": signature})
    write_text(directory / EXPERIMENT_FILE, experiment.model_dump_json(indent=2) + "\n")
    return experiment


def read_experiment(directory: Path) -> Experiment:
    """Read the stored setup of a search.

    Raises:
        UserError: The folder does not exist, is not the folder of a search or contains a symbolic
            link, or ``experiment.json`` is damaged.
    """
    path = path_in(directory, EXPERIMENT_FILE)
    if not directory.exists():
        others = [found.parent.name for found in directory.parent.glob(f"*/{EXPERIMENT_FILE}")]
        hint = did_you_mean(directory.name, others)
        raise UserError(f"{directory}: there is no such folder{hint}")
    if not path.exists():
        within = sorted(found.parent.name for found in directory.glob(f"*/{EXPERIMENT_FILE}"))
        listed = ", ".join(within[:FEW_NAMES])
        if len(within) > FEW_NAMES:
            listed += f" and {len(within) - FEW_NAMES} more"
        raise UserError(
            f"{path}: the file does not exist, so {directory} is not the folder of a search"
            + (f"; give one of those in it: {listed}" if within else "")
        )
    experiment = read_stored(path, Experiment)
    # Not checked earlier: a folder of another kind may contain very many files.
    lock = directory / JOURNAL_LOCK
    require_no_links(directory, lambda entry: str(entry).startswith(str(lock)))
    return experiment


@contextmanager
def _named(directory: Path, part: str) -> Iterator[None]:
    """Context manager that adds the file and the part of it that cannot be used to errors."""
    try:
        yield
    except UserError as error:
        raise UserError(
            f"{directory / EXPERIMENT_FILE}: the stored {part} cannot be used: {error}"
        ) from None
