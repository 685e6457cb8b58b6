"""Use of trained models: loading, classification of images and export."""

from tune_mnist.inference.ensemble import EnsembleClassifier, load_ensemble
from tune_mnist.inference.inputs import Input, read_input
from tune_mnist.inference.model import Classifier, load_model
from tune_mnist.inference.reading import Reading, read_digits

__all__ = [
    "Classifier",
    "EnsembleClassifier",
    "Input",
    "Reading",
    "load_ensemble",
    "load_model",
    "read_digits",
    "read_input",
]
