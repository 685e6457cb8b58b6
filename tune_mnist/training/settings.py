"""Names and defaults of training; importing it needs no PyTorch."""

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "fp32", "bf16")
NO_AUGMENTATION = "none"
AUGMENTATIONS = (NO_AUGMENTATION, "shift", "affine", "affine_erasing")

# A light network trains on everything in a minute; a large one would take a laptop hours.
LIGHT_EPOCHS, LIGHT_FRACTION = 10, 1.0
LARGE_EPOCHS, LARGE_FRACTION = 3, 0.1
RUN_IMAGE_SIZE = 64
"""Side of the images in pixels that a single run takes by default."""
