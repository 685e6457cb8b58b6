"""Images prepared one by one by torchvision transforms, as in a typical PyTorch script."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset
from torchvision import transforms

from tune_mnist.data import DataSplit
from tune_mnist.models import get_architecture


class SampleDataset(Dataset[tuple[torch.Tensor, int]]):
    """Data set that prepares each image when it is accessed.

    Images for LeNet are padded to 32x32, images for other networks are resized bilinearly.

    Args:
        data: Images and labels.
        indices: Indices of the images to use.
        model: Name of the architecture, which determines the transforms.
        image_size: Side of the prepared images in pixels, for networks of variable input size.
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
