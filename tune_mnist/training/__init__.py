"""The training core: plain PyTorch, no Ray; runs alone and inside a trial alike."""

# Names are imported at their first use: the options of commands are read from a configuration
# without importing PyTorch. `__init__.pyi` says which module has which name.
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
