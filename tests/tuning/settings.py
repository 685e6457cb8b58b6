"""Settings of trials and contexts of searches for tests."""

from pathlib import Path
from typing import Any

from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers, trial_settings
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.storage.shared_folder import SharedFolder
from tune_mnist.tuning.trials.trainable import TrialSettings


def settings_in(folder: Path, max_epochs: int) -> TrialSettings:
    """Return minimal settings for the trials of a search in a folder."""
    made = TrialSettings(
        image_size=28,
        max_epochs=max_epochs,
        seed=0,
        threads=1,
        device="cpu",
        precision="fp32",
        store=SharedFolder(folder / "checkpoints", "this"),
    )
    made.store.start()
    return made


def context_in(
    folder: Path, space: SearchSpace, options: SearchOptions, workers: Workers, **given: Any
) -> SearchContext:
    """Return the context of a search in a folder, with the given values of further fields."""
    values = {
        "shared": None,
        "settings": trial_settings(options, workers, folder),
        "dashboard": "",
        "final_images": 1,
        "train_images": 4_000,
        "val_images": 1_000,
        "chance_level": 0.2,
    }
    return SearchContext(
        space=space, options=options, directory=folder, workers=workers, **(values | given)
    )
