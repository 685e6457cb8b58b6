"""Settings of trials for tests."""

from pathlib import Path

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
