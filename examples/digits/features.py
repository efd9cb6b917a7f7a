"""What a model sees of an image."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

import furu
from examples.digits.data import Digits, Split

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """One row of features for each image, and the digits they show."""

    train: Matrix
    train_labels: NDArray[np.uint8]
    test: Matrix
    test_labels: NDArray[np.uint8]


class Features(furu.Furu[Samples]):
    """Base of the three kinds."""

    title: ClassVar[str]
    split: Split

    def _dependencies(self) -> list[Digits]:
        # The split refers to the images by number, so they are needed too.
        return [self.split.data]

    @abc.abstractmethod
    def transform(self, train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
        """Features of images (image, row, column) with pixels from 0 to 1; fitted on `train` alone."""

    def _create(self) -> Samples:
        images, rows = self.split.data.get(), self.split.get()
        pixels = images.pixels / 16
        train, test = self.transform(pixels[rows.train], pixels[rows.test])
        return Samples(train, images.labels[rows.train], test, images.labels[rows.test])


class Pixels(Features):
    """The pixels themselves."""

    title = "pixels"

    def transform(self, train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
        return train.reshape(len(train), -1), test.reshape(len(test), -1)


class PrincipalComponents(Features):
    """Coordinates along the directions in which the pixels vary most."""

    title = "components"
    count: int = 20

    def transform(self, train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
        from sklearn.decomposition import PCA

        projection = PCA(self.count, svd_solver="full").fit(train.reshape(len(train), -1))
        return projection.transform(train.reshape(len(train), -1)), projection.transform(test.reshape(len(test), -1))


class GradientHistograms(Features):
    """How much edge there is in each direction, cell by cell (N. Dalal, B. Triggs, 2005, without their blocks)."""

    title = "gradients"
    cell_pixels: int = 2
    directions: int = 8

    def transform(self, train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
        return self._histograms(train), self._histograms(test)

    def _histograms(self, images: Matrix) -> Matrix:
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
        right = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
        strength = np.hypot(right, down)
        position = np.arctan2(down, right) % (2 * np.pi) / (2 * np.pi) * self.directions
        # An edge between two directions counts for both, in proportion.
        distance = np.abs(position[..., None] - np.arange(self.directions))
        share = np.clip(1 - np.minimum(distance, self.directions - distance), 0, None)
        count, rows, columns = images.shape
        cell = self.cell_pixels
        by_cell = (share * strength[..., None]).reshape(count, rows // cell, cell, columns // cell, cell, -1)
        histograms = by_cell.sum(axis=(2, 4)).reshape(count, -1)
        normalised: Matrix = np.sqrt(histograms / np.linalg.norm(histograms, axis=1, keepdims=True))
        return normalised
