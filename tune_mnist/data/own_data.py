"""Loading of user data: IDX files, a folder of images by class, or an .npz file."""

from collections.abc import Sequence
from pathlib import Path

from tune_mnist.data.assembly import Part, assemble
from tune_mnist.data.dataset import Dataset
from tune_mnist.data.form import MAX_CLASS_NAME
from tune_mnist.data.idx import read_idx
from tune_mnist.data.idx_folder import IMAGES, LABELS, TEST, TRAIN, find_idx_files, has_idx_files
from tune_mnist.data.npz import has_zip_start, read_npz
from tune_mnist.errors import UserError
from tune_mnist.quoting import printable, shortened


def load_own(path: Path, given_as: str, *, transpose: bool = False) -> Dataset:
    """Load the user's own data. The format is detected from the content.

    Supported formats:

    - a folder with four IDX files,
    - a folder with images in ``train/<class>/`` and ``test/<class>/``,
    - a NumPy archive (``.npz``).

    Args:
        path: Folder or file that contains the data set.
        given_as: Option or environment variable that specifies the path, for error messages.
        transpose: Whether to swap the rows and columns of each image.

    Raises:
        UserError: The format is not supported, or the files or arrays are damaged or do not match
            each other.
    """
    name = shortened(printable(path.absolute().name or str(path)), MAX_CLASS_NAME)
    try:
        if path.is_dir():
            return _load_folder(path, name, given_as, transpose=transpose)
        if path.is_file():
            if not has_zip_start(path):
                raise UserError(
                    f"{given_as} {path} must be a folder with four IDX files or with images by"
                    " class, or a NumPy archive (.npz), but is another file"
                )
            return assemble(name, *read_npz(path), transpose=transpose)
    except OSError as error:
        where = error.filename or path
        raise UserError(f"{where}: cannot be read: {error.strerror or error}") from None
    if path.exists():
        raise UserError(f"{given_as} {path} must be a folder or a file, but is neither")
    raise UserError(f"{given_as} {path}: there is no such folder or file")


def load_idx(
    folder: Path,
    name: str,
    given_as: str = "",
    *,
    class_names: Sequence[str] | None = None,
    transpose: bool = False,
) -> Dataset:
    """Load a data set from four IDX files.

    Args:
        folder: Folder that contains the files.
        name: Name of the data set.
        given_as: Option or environment variable that specifies the folder, for error messages.
        class_names: Names of the classes in the order of the sorted labels. If None, the labels
            are used.
        transpose: Whether to swap the rows and columns of each image.

    Raises:
        UserError: A file is missing or damaged, or the files do not match each other.
    """
    files = find_idx_files(folder, given_as)
    parts = [
        Part(
            read_idx(files[part, IMAGES]),
            read_idx(files[part, LABELS]),
            str(files[part, IMAGES]),
            str(files[part, LABELS]),
        )
        for part in (TRAIN, TEST)
    ]
    return assemble(name, *parts, class_names=class_names, transpose=transpose, centred=True)


def _load_folder(folder: Path, name: str, given_as: str, *, transpose: bool) -> Dataset:
    if not has_idx_files(folder) and (folder / TRAIN).is_dir():
        # Imported late: every worker imports this module, but only images need Pillow.
        from tune_mnist.data.picture_folder import read_picture_folder

        train, test, classes = read_picture_folder(folder)
        return assemble(name, train, test, class_names=classes, transpose=transpose)
    return load_idx(folder, name, given_as, transpose=transpose)
