"""Set-up of a search, as ``experiment.json`` in its results folder keeps it."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tune_mnist.data import DataForm, Dataset
from tune_mnist.environment import package_versions
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.models import get_architecture
from tune_mnist.models.registry import own_networks
from tune_mnist.models.user_modules import source_digests
from tune_mnist.safe_paths import path_in, require_no_links
from tune_mnist.stored_json import StrictModel, read_stored
from tune_mnist.stored_values import Scalar, Text
from tune_mnist.tuning.options.option_fields import FIXED, MEASURED
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import JOURNAL_LOCK
from tune_mnist.tuning.results_folder.trust import is_own, only_stored, sign
from tune_mnist.tuning.spaces.space import SearchSpace, parse_space
from tune_mnist.tuning.spaces.space_file import parse_space_file
from tune_mnist.tuning.storage.storage_path import checked_storage_path, checkpoints_of_search

EXPERIMENT_FILE = "experiment.json"


class _SpaceText(StrictModel, extra="ignore"):
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^/\x00]+$")]
    text: str


class Experiment(StrictModel, extra="ignore"):
    """How a search was set up, as ``experiment.json`` keeps it.

    Attributes:
        options: as the user gave them, completed by the space's defaults.
        space: its name and text.
        data_sha256: Checksum of the training images and labels.
        test_sha256: Checksum of the test images and labels; None in folders of versions that
            stored none.
        data: Form of the images; None in folders of versions that knew MNIST's only.
        facts: what is done on what, for people.
        versions: of the packages that a result may depend on.
        started: when, ISO 8601.
        commands: what began the search, and what went on with it.
        checkpoints: path or URI of where they are kept; None: in the folder of the search.
        networks: SHA-256 of the sources of the user's own networks, by name, as the search began.
        edited_networks: Names of those whose source had changed at a later resume.
        signature: Proof that this user wrote the rest on this machine; None: there is none.
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
        """Whether this user wrote it on this machine, and nobody has changed it since."""
        # Fields that later versions add are not part of what an earlier one signed.
        return is_own(self.model_dump(mode="json", exclude_unset=True))

    def edited_since(self, digests: Mapping[str, str]) -> list[str]:
        """Return the names of the networks whose source has changed since the search began.

        A network that was edited and then restored is among them: some trials may have run with
        the edited source.

        Args:
            digests: SHA-256 of the present sources, by name.
        """
        changed = {
            name for name, digest in digests.items() if self.networks.get(name, digest) != digest
        }
        return sorted(changed.union(self.edited_networks))

    def is_comparable(self, options: SearchOptions, dataset: Dataset) -> bool:
        """Return whether this search measured accuracies as another one will.

        The code of the networks is compared by :meth:`unchanged_networks`.

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
        """Return the architectures whose code is known to be that of this search.

        Args:
            models: Names of architectures. A network of the user's own that is not defined in a
                file is never among the result: its code cannot be compared.
        """
        wanted = set(models)
        digests = source_digests(wanted)
        own = {each.name for each in own_networks()} & wanted
        same = {name for name in own & digests.keys() if digests[name] == self.networks.get(name)}
        return (wanted - own) | same.difference(self.edited_networks)

    def require_repeated(self, directory: Path, given: dict[str, Any]) -> None:
        """Check that the user names now what otherwise only a folder of unknown origin names.

        Args:
            directory: The results folder.
            given: Options of this call; None: not given.

        Raises:
            UserError: The folder is not this user's own, and a stored address, path or URI is
                neither repeated nor replaced by another value.
        """
        if self.is_own:
            return
        path = directory / EXPERIMENT_FILE
        if missing := only_stored(self.options, given):
            raise UserError(
                f"{path}: not written by this user on this machine, so what it names is not used:"
                f" repeat {missing}, or give other values; --trust-stored takes all of them"
            )
        if self.options.get("storage_path") is None:
            return
        place = checkpoints_of_search(checked_storage_path(given["storage_path"]), directory.name)
        if self.checkpoints != place:
            raise UserError(
                f"{path}: not written by this user on this machine, and its checkpoints are in"
                f" {self.checkpoints}, not in {place}: rename the folder, or give --trust-stored"
            )

    def search_space(self, directory: Path) -> SearchSpace:
        """Return the space that was searched, whatever has become of its file.

        Args:
            directory: Of the search.

        Raises:
            UserError: ``experiment.json`` holds no space.
        """
        try:
            return parse_space(self.space.text, Path(f"{self.space.name}.yaml"))
        except UserError as error:
            raise UserError(f"{directory / EXPERIMENT_FILE}: space: {error}") from None

    def fixed_model(self, directory: Path) -> str | None:
        """Return the architecture that the space fixed, registered or not; None: it was searched.

        Args:
            directory: Results folder of the search.

        Raises:
            UserError: ``experiment.json`` holds no space.
        """
        try:
            model = parse_space_file(self.space.text, Path(f"{self.space.name}.yaml")).model
        except UserError as error:
            raise UserError(f"{directory / EXPERIMENT_FILE}: space: {error}") from None
        return model if isinstance(model, str) else None

    def stored_options(self, directory: Path, space: SearchSpace) -> SearchOptions:
        """Return the options of the search, as it was last run.

        Args:
            directory: Of the search.
            space: That of the search.

        Raises:
            UserError: One of them is wrong.
        """
        try:
            return SearchOptions.checked(space, **self.options)
        except UserError as error:
            raise UserError(f"{directory / EXPERIMENT_FILE}: options: {error}") from None

    def options_with(self, space: SearchSpace, given: dict[str, Any]) -> SearchOptions:
        """Return the options of the search, changed as the user wishes now.

        Args:
            space: that of the search.
            given: new values; None: as before.

        Raises:
            UserError: a changed option would make old and new trials incomparable, or the search
                was begun by a version that drew other initial weights.
        """
        self._check_initial_weights(space)
        before = SearchOptions.checked(space, **self.options)
        changes = {key: value for key, value in given.items() if value is not None}
        after = SearchOptions.checked(space, **(self.options | changes))
        for key in FIXED:
            old, new = getattr(before, key), getattr(after, key)
            if old != new:
                raise UserError(
                    f"--{key.replace('_', '-')} {new}: the search was begun with {old}, and its"
                    " trials would no longer compare: leave the option out, or begin another"
                    " search"
                )
        return after

    def _check_initial_weights(self, space: SearchSpace) -> None:
        if "init" in self.options:
            return
        # Versions that did not store it drew a quarter of today's weights before a sigmoid.
        changed = [name for name in space.models if get_architecture(name).activation == "sigmoid"]
        if changed:
            raise UserError(
                f"--resume: an earlier version began the search, with other initial weights of"
                f" {', '.join(changed)}, so that its trials would no longer compare: begin another"
                " search, with --warm-start to try the best configurations of this one"
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
    """Write down how a search is set up, and return it.

    Args:
        directory: of the search.
        space: what is searched.
        options: how.
        dataset: its images and labels.
        facts: what is done on what, for people.
        command: what the user has typed.
        earlier: how the search was set up that this one goes on with, or None.
        checkpoints: path or URI of where they are kept; None: in the folder of the search.
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
    """Return how the search in a folder was set up.

    Raises:
        UserError: there is none, the file is damaged, or the folder holds a symbolic link.
    """
    path = path_in(directory, EXPERIMENT_FILE)
    if not path.exists():
        raise UserError(
            f"{path}: there is no such file: {directory} is not the folder of a search"
        )
    experiment = read_stored(path, Experiment)
    # Not before: a folder of another kind may hold anything, and very much of it.
    lock = directory / JOURNAL_LOCK
    require_no_links(directory, lambda entry: str(entry).startswith(str(lock)))
    return experiment


def checksum(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> str:
    """Return the SHA-256 of images and their labels."""
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()
