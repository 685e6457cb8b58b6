"""The four IDX files of a data set, found in a folder by their names."""

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
"""Names of MNIST's files, without the ending of a gzipped one."""

# EMNIST's have a prefix, such as emnist-letters-; images with channels have four dimensions.
_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[1-4]-ubyte"
    r"(?P<packed>\.gz)?",
    re.ASCII | re.DOTALL,
)
_Files = dict[tuple[str, str], Path]


def has_idx_files(folder: Path) -> bool:
    """Return whether a folder holds a file with the name of an IDX file."""
    return bool(_by_prefix(folder))


def find_idx_files(folder: Path, given_as: str = "") -> _Files:
    """Return the path of each file by part (train, test) and content (images, labels).

    Args:
        folder: Folder that holds them, plain or gzipped. Their names are those of MNIST's, with
            a dot or a hyphen before ``idx``, ``test`` or ``t10k``, and any prefix.
        given_as: Option or variable that names the folder, for errors.

    Raises:
        UserError: A file is missing, or there are several data sets.
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
            f"{start}: holds the files of several data sets, {', '.join(sorted(whole))}: put those"
            " of one into a folder of their own"
        )
    found = max(sets.values(), key=len, default={})
    order = ((part, what) for part in (TRAIN, TEST) for what in (IMAGES, LABELS))
    missing = [stem for stem, key in zip(STEMS, order, strict=True) if key not in found]
    others = ", or pictures in train/<class>/ and test/<class>/" if not found else ""
    raise UserError(f"{start}: lacks {', '.join(missing)} (plain or .gz){others}")


def _by_prefix(folder: Path) -> dict[str, _Files]:
    """Return what there is of each data set; of two files for one thing, the plain one."""
    sets: dict[str, _Files] = {}
    # Sorted backwards, a plain file comes after the gzipped one of the same name.
    for path in sorted(folder.iterdir(), reverse=True):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            part = TRAIN if match["part"] == TRAIN else TEST
            sets.setdefault(match["prefix"], {})[part, match["what"]] = path
    return sets
