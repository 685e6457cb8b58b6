"""Limits and settings shared by all architectures, importable without PyTorch."""

FULL_SIZE = 224
MIN_SIZE = 28
MAX_SIZE = 1024
"""Maximum image side in pixels. Larger images add no detail and exhaust the memory."""

MAX_CLASSES = 256
"""Maximum number of classes: the labels of an IDX file are unsigned bytes."""

DERIVED = "derived"
INITS = (DERIVED, "torch")
