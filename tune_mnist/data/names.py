"""Names of the shipped data sets and their classes."""

TORCHVISION_NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
DIGITS = "digits"
DATASETS = (
    *TORCHVISION_NAMES,
    DIGITS,
)
ARRAYS = "arrays"
"""Name of a data set passed from Python as arrays, which a command cannot load again."""

CLASS_NAMES = {
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}
"""Class names, in the order of the labels, of the shipped data sets that do not show digits."""
