"""Safe loading of untrusted ``torch.save`` files that hold tensors and plain values."""

import pickletools
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

MAX_OVERHEAD = 2 << 20
"""Maximum size of a file beyond its tensors, in bytes.

A file also holds a pickle of names, shapes and plain values (30 KB for a ResNet-18 and its Adam
optimizer) and the state of the random generators.
"""

# The only callables in a pickle of tensors in dictionaries. PyTorch's weights_only also accepts
# others, such as bytearray(10**10), which exhausts the memory.
_CALLS = re.compile(r"torch\._utils _rebuild_tensor_v2|torch \w+Storage|collections OrderedDict")
_CALL_OPCODES = ("GLOBAL", "INST")
_HIDDEN_CALL_OPCODES = ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "OBJ", "NEWOBJ", "NEWOBJ_EX")


class CheckpointError(Exception):
    """Raised if a checkpoint cannot be used. The message names the file and the reason."""


def load_archive(path: Path, max_bytes: int) -> Any:
    """Load a file written by ``torch.save`` to the CPU.

    The tensors are memory-mapped: they take no memory until they are copied. Copy the tensors that
    are needed after the file is removed.

    Args:
        path: File to load.
        max_bytes: Maximum total size of the tensors in bytes.

    Raises:
        CheckpointError: The file is missing, damaged or too large, or contains objects other than
            tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, path, max_bytes + MAX_OVERHEAD)
            for entry in archive.infolist():
                if entry.filename.endswith(".pkl"):
                    _check_pickle(archive, entry, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecation of TypedStorage, no use to users
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except CheckpointError:
        raise
    except MemoryError:
        raise CheckpointError(
            f"{path}: loading the file needs more memory than this process may use"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise CheckpointError(f"{path}: the file is damaged, or not a file of weights") from None
    except Exception:  # a damaged file can raise any exception
        # PyTorch's own message advises to disable weights_only, which would run code in the file.
        raise CheckpointError(
            f"{path}: the file is damaged, or contains objects other than tensors and plain values"
        ) from None


def _check_entries(archive: zipfile.ZipFile, path: Path, max_bytes: int) -> None:
    """Check the total size of an archive's entries, then their checksums."""
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(
            f"{path}: the file is compressed, so it was not written by torch.save"
        )
    size = sum(entry.file_size for entry in entries)
    if size > max_bytes:
        raise CheckpointError(
            f"{path}: the file holds {size:,} bytes, but this architecture needs at most"
            f" {max_bytes:,}"
        )
    # torch.load does not verify checksums.
    if (damaged := archive.testzip()) is not None:
        raise CheckpointError(f"{path}: the file is damaged: the checksum of {damaged} is wrong")


def _check_pickle(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Check that a pickle in an archive calls only the functions that create tensors."""
    if entry.file_size > MAX_OVERHEAD:
        raise CheckpointError(
            f"{path}: the file holds {entry.file_size:,} bytes besides its tensors, but at most"
            f" {MAX_OVERHEAD:,} are allowed"
        )
    for opcode, argument, _ in pickletools.genops(archive.read(entry)):
        if opcode.name in _HIDDEN_CALL_OPCODES or (
            opcode.name in _CALL_OPCODES and not _CALLS.fullmatch(str(argument))
        ):
            raise CheckpointError(
                f"{path}: the file is not loaded, because it contains objects other than tensors"
                " and plain values"
            )
