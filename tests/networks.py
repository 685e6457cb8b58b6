"""Networks that tests register."""

from tune_mnist.models import registry


def forget_networks() -> None:
    """Unregister all networks but the shipped ones."""
    for architecture in registry.own_networks():
        registry.forget_module(architecture.build.__module__)
