"""Names and defaults of training options, importable without PyTorch."""

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "fp32", "bf16")
NO_AUGMENTATION = "none"
AUGMENTATIONS = (NO_AUGMENTATION, "shift", "affine", "affine_erasing")

# A light network trains on all images in a minute, a large one would take hours on a laptop.
LIGHT_EPOCHS, LIGHT_FRACTION = 10, 1.0
LARGE_EPOCHS, LARGE_FRACTION = 3, 0.1
RUN_IMAGE_SIZE = 64
"""Default image side of a single run in pixels."""
