"""Random augmentation of training images, drawn for each image on the device."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from tune_mnist.training.settings import NO_AUGMENTATION

MAX_SHIFT = 0.1
"""Maximum shift at strength 1 as a fraction of the image side: 2.8 of MNIST's 28 pixels."""

MAX_DEGREES = 15.0
MAX_SCALING = 0.15
MAX_SHEAR = 0.2
MAX_ERASED = 0.4
"""Maximum side of the erased square at strength 1 as a fraction of the image side."""

ERASED_FRACTION = 0.5
"""Fraction of the images from which a square is erased."""


@dataclass(frozen=True)
class Augmentation:
    """Random augmentation of images: shift, affine map, erased square and mirroring.

    Unlike the transforms of torchvision, which draw one set of random numbers per batch, this
    class draws one set per image. It uses a few batched operations, which a CUDA graph can
    capture. The random numbers come from PyTorch's generator of the device.

    Source of erasing: DeVries, Taylor, "Improved Regularization of Convolutional Neural Networks
    with Cutout", 2017; Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.

    Attributes:
        kind: ``"none"``, ``"shift"``, ``"affine"`` (shift, rotation, scaling, shear) or
            ``"affine_erasing"`` (affine, and a square is erased from half of the images).
        strength: Factor by which the maximum shift, angle, scaling, shear and erased square are
            multiplied, at least 0.
        flip: Whether half of the images are mirrored left to right. This is not suited for digits.
    """

    kind: str = NO_AUGMENTATION
    strength: float = 1.0
    flip: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        """Augment a batch of images.

        Args:
            images: Float tensor of shape (B, C, S, S).

        Returns:
            Images of the same shape and type. Pixels from outside the image repeat its border.
        """
        if self.kind == NO_AUGMENTATION and not self.flip:
            return images
        grid = affine_grid(self._maps(images), list(images.shape), align_corners=False)
        moved = grid_sample(images, grid, padding_mode="border", align_corners=False)
        return self._erased(moved) if self.kind == "affine_erasing" else moved

    def _maps(self, images: Tensor) -> Tensor:
        """Return affine maps (B, 2, 3) from output to input coordinates, both in [-1, 1]."""

        def uniform(largest: float) -> Tensor:
            drawn = torch.rand(len(images), device=images.device)
            return (2 * drawn - 1) * (largest * self.strength)

        zero = torch.zeros(len(images), device=images.device)
        moves = self.kind != NO_AUGMENTATION
        right, down = (uniform(2 * MAX_SHIFT), uniform(2 * MAX_SHIFT)) if moves else (zero, zero)
        angle, shear, scale = zero, zero, zero + 1
        if self.kind not in (NO_AUGMENTATION, "shift"):
            angle = uniform(math.radians(MAX_DEGREES))
            shear, scale = uniform(MAX_SHEAR), torch.exp(uniform(MAX_SCALING))
        sign = zero + 1
        if self.flip:
            sign = 1 - 2 * (torch.rand(len(images), device=images.device) < 0.5).float()
        cos, sin = angle.cos() * scale, angle.sin() * scale
        rows = (
            torch.stack((cos * sign, cos * shear - sin, right), dim=1),
            torch.stack((sin * sign, sin * shear + cos, down), dim=1),
        )
        return torch.stack(rows, dim=1).to(images.dtype)

    def _erased(self, images: Tensor) -> Tensor:
        """Erase a square at a random position from half of the images."""
        count, side = len(images), images.shape[-1]
        centre_x, centre_y, drawn, chance = torch.rand(4, count, 1, device=images.device)
        half = drawn * (MAX_ERASED * self.strength / 2) * (chance < ERASED_FRACTION)
        at = (torch.arange(side, device=images.device) + 0.5) / side
        inside_x, inside_y = (at - centre_x).abs() < half, (at - centre_y).abs() < half
        inside = inside_y[:, None, :, None] & inside_x[:, None, None, :]
        return images.masked_fill(inside, 0)
