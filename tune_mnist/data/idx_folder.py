"""Search for the four IDX files of a data set by name."""

import re
from pathlib import Path

from tune_mnist.errors import UserError

TRAIN, TEST = "train", "test"
IMAGES, LABELS = "images", "labels"
STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""Names of MNIST's files without the suffix ``.gz``."""

# EMNIST's names have a prefix such as emnist-letters-. Images with channels have four dimensions.
_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[1-4]-ubyte"
    r"(?P<packed>\.gz)?",
    re.ASCII | re.DOTALL,
)
_Files = dict[tuple[str, str], Path]


def has_idx_files(folder: Path) -> bool:
    """Return whether a folder contains at least one file with the name of an IDX file."""
    return bool(_by_prefix(folder))


def find_idx_files(folder: Path, given_as: str = "") -> _Files:
    """Find the four IDX files of a data set in a folder.

    Accepted names are those of MNIST's files, with a dot or a hyphen before ``idx``, with ``test``
    or ``t10k`` for the test images, and with any prefix. The files may be plain or gzipped.

    Args:
        folder: Folder that contains the files.
        given_as: Option or environment variable that specifies the folder, for error messages.

    Returns:
        Paths of the files, keyed by split (train, test) and content (images, labels).

    Raises:
        UserError: A file is missing, or the folder contains several data sets.
    """
    sets = _by_prefix(folder)
    whole = [prefix for prefix, files in sets.items() if len(files) == len(STEMS)]
    start = f"{given_as} {folder}".strip()
    if "" in whole:
        return sets[""]
    if len(whole) == 1:
        return sets[whole[0]]
    if whole:
        raise UserError(
            f"{start}: the folder contains several data sets ({', '.join(sorted(whole))}): move"
            " the files of each data set into a separate folder"
        )
    found = max(sets.values(), key=len, default={})
    order = ((part, what) for part in (TRAIN, TEST) for what in (IMAGES, LABELS))
    missing = [stem for stem, key in zip(STEMS, order, strict=True) if key not in found]
    others = ", or images in train/<class>/ and test/<class>/" if not found else ""
    raise UserError(
        f"{start}: the folder must contain {', '.join(missing)} (plain or .gz){others}"
    )


def _by_prefix(folder: Path) -> dict[str, _Files]:
    """Group the IDX files by prefix, one data set each. Plain files precede gzipped files."""
    sets: dict[str, _Files] = {}
    # In reverse order, a plain file replaces the gzipped file of the same name.
    for path in sorted(folder.iterdir(), reverse=True):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            part = TRAIN if match["part"] == TRAIN else TEST
            sets.setdefault(match["prefix"], {})[part, match["what"]] = path
    return sets
