"""Choices of optimizer, device, number format and augmentation; no PyTorch is imported."""

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "fp32", "bf16")
NO_AUGMENTATION = "none"
AUGMENTATIONS = (NO_AUGMENTATION, "shift", "affine", "affine_erasing")
