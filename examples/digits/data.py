"""The images, and which of them a model may learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import furu


@dataclass(frozen=True)
class Images:
    """Handwritten digits.

    Attributes:
        pixels: (image, row, column), 0 is white and 16 is black.
        labels: the digit that each image shows.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class Digits(furu.Furu[Images]):
    """The 1797 images of 8 x 8 pixels that come with scikit-learn (E. Alpaydin, C. Kaynak, 1998)."""

    def _create(self) -> Images:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return Images(digits.images.astype(np.uint8), digits.target.astype(np.uint8))


@dataclass(frozen=True)
class Rows:
    """Indices of the images to learn from and of those to judge by."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


class Split(furu.Furu[Rows]):
    """A random split that keeps the share of every digit."""

    data: Digits
    seed: int
    test_share: float = 0.25

    def _create(self) -> Rows:
        from sklearn.model_selection import train_test_split

        labels = self.data.get().labels
        train, test = train_test_split(
            np.arange(len(labels)), test_size=self.test_share, random_state=self.seed, stratify=labels
        )
        return Rows(train, test)
