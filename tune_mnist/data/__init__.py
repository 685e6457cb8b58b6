"""The data pipeline: where the images come from, how they are split, and how they are batched."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
