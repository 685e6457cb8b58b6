"""Training of one configuration in plain PyTorch, used by single runs and by trials."""

# Names are imported on first use, so that commands can read their options from a configuration
# without importing PyTorch. `__init__.pyi` maps each public name to its module.
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
