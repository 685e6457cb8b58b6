"""Limits and settings that all architectures share; importing it needs no PyTorch."""

FULL_SIZE = 224
MIN_SIZE = 28
# Beyond, enlarged digits show nothing new, and one batch of them fills a large memory.
MAX_SIZE = 1024
# The labels of an IDX file are unsigned bytes.
MAX_CLASSES = 256

DERIVED = "derived"
INITS = (DERIVED, "torch")
