"""Images as a typical PyTorch script prepares them: one by one, by torchvision's transforms."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset
from torchvision import transforms

from tune_mnist.data import DataSplit
from tune_mnist.models import get_architecture


class SampleDataset(Dataset[tuple[torch.Tensor, int]]):
    """Some of the images one by one, each prepared when it is asked for.

    LeNet's are padded to 32x32, those of the other networks resized, bilinearly.

    Args:
        data: images and labels.
        indices: which of them.
        model: decides how an image is prepared.
        image_size: side of the prepared image in pixels, where the model takes any.
    """

    def __init__(
        self, data: DataSplit, indices: NDArray[np.int64], model: str, image_size: int
    ) -> None:
        self._data = data
        self._indices = indices
        fixed = get_architecture(model).fixed_size
        size = transforms.Pad(2) if fixed else transforms.Resize((image_size, image_size))
        self._transform = transforms.Compose([size, transforms.ToTensor()])

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        index = self._indices[position]
        image = Image.fromarray(self._data.images[index])
        return self._transform(image), int(self._data.labels[index])
