"""Untrusted files of ``torch.save``: tensors and plain values, of bounded size."""

import pickletools
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

# What torch.save adds to the tensors: a pickle with names, shapes and plain values, which has
# 30 KB for a ResNet-18 and its Adam, and the state of random generators.
MAX_OVERHEAD = 2 << 20
# All that torch.save calls for tensors in dictionaries. PyTorch's weights_only allows more, such
# as bytearray(10**10).
_CALLS = re.compile(r"torch\._utils _rebuild_tensor_v2|torch \w+Storage|collections OrderedDict")
_CALL_OPCODES = ("GLOBAL", "INST")
_HIDDEN_CALL_OPCODES = ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "OBJ", "NEWOBJ", "NEWOBJ_EX")


class CheckpointError(Exception):
    """A checkpoint cannot be used; the message says which, and why."""


def load_archive(path: Path, max_bytes: int) -> Any:
    """Return what ``torch.save`` has written, on the CPU.

    Tensors are mapped from the file: none takes memory before it is copied. Copy what is to
    outlive the file.

    Args:
        path: The file.
        max_bytes: Size of all its tensors together, at most.

    Raises:
        CheckpointError: The file is missing, damaged, larger than that, or holds something else
            than tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, path, max_bytes + MAX_OVERHEAD)
            for entry in archive.infolist():
                if entry.filename.endswith(".pkl"):
                    _check_pickle(archive, entry, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of storages as values: no advice for users
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except CheckpointError:
        raise
    except MemoryError:
        raise CheckpointError(f"{path}: needs more memory than this process may use") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise CheckpointError(f"{path}: cannot be read: damaged, or no file of weights") from None
    except Exception:  # a damaged file fails in whatever part of it is read first
        # What PyTorch says here advises to turn weights_only off, which would run what is in it.
        raise CheckpointError(
            f"{path}: damaged, or holds something else than tensors and plain values"
        ) from None


def _check_entries(archive: zipfile.ZipFile, path: Path, max_bytes: int) -> None:
    """Compare the sizes of the archive's entries with what may be there, then their checksums."""
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(f"{path}: is compressed, as torch.save never does: not read")
    size = sum(entry.file_size for entry in entries)
    if size > max_bytes:
        raise CheckpointError(
            f"{path}: holds {size:,} bytes: at most {max_bytes:,} belong to this architecture"
        )
    # torch.load reads a file with flipped bits without a complaint.
    if (damaged := archive.testzip()) is not None:
        raise CheckpointError(f"{path}: damaged: wrong checksum of {damaged}")


def _check_pickle(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Check that a pickle in the archive calls nothing but what makes tensors."""
    if entry.file_size > MAX_OVERHEAD:
        raise CheckpointError(f"{path}: holds {entry.file_size:,} bytes beside its tensors")
    for opcode, argument, _ in pickletools.genops(archive.read(entry)):
        if opcode.name in _HIDDEN_CALL_OPCODES or (
            opcode.name in _CALL_OPCODES and not _CALLS.fullmatch(str(argument))
        ):
            raise CheckpointError(
                f"{path}: holds something else than tensors and plain values: not read"
            )
