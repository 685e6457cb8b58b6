"""Names of the shipped data sets and of their classes."""

TORCHVISION_NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
DIGITS = "digits"
DATASETS = (*TORCHVISION_NAMES, DIGITS)
ARRAYS = "arrays"
"""Name of a data set given from Python as arrays, which no command can load again."""

CLASS_NAMES = {
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}
"""Class names by label of the shipped data sets that do not show digits."""
