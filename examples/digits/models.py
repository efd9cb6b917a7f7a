"""The classifiers: three families, each with a knob."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import furu
from examples.digits.features import Features


@dataclass(frozen=True)
class Predictions:
    """What a model says of the test images, beside what they show."""

    predicted: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def accuracy(self) -> float:
        """Share of the test images that were read correctly."""
        return float(np.mean(self.predicted == self.labels))


class Classifier(furu.Furu[Predictions]):
    """Base of the families: trained on the training images, asked about the test images."""

    family: ClassVar[str]
    features: Features

    @property
    @abc.abstractmethod
    def setting(self) -> str:
        """The knob's position, for people."""

    @abc.abstractmethod
    def estimator(self) -> Any:
        """An untrained scikit-learn estimator."""

    def _create(self) -> Predictions:
        from threadpoolctl import threadpool_limits

        samples = self.features.get()
        # Matrices this small gain nothing from more threads, and models may be trained side by side.
        with threadpool_limits(limits=1):
            trained = self.estimator().fit(samples.train, samples.train_labels)
            return Predictions(trained.predict(samples.test), samples.test_labels)


class LogisticRegression(Classifier):
    """Linear: a weight for each feature and digit."""

    family = "logistic regression"
    c: float

    @property
    def setting(self) -> str:
        return f"C = {self.c:g}"

    def estimator(self) -> Any:
        from sklearn import linear_model

        return linear_model.LogisticRegression(C=self.c, solver="newton-cholesky")


class SupportVectorMachine(Classifier):
    """A support vector machine with a Gaussian kernel."""

    family = "support vector machine"
    c: float

    @property
    def setting(self) -> str:
        return f"C = {self.c:g}"

    def estimator(self) -> Any:
        from sklearn import svm

        return svm.SVC(C=self.c)

    def _executor_spec_key(self) -> str:
        return "gpu"  # a cluster trains these on its GPU nodes; on one machine the key changes nothing


class RandomForest(Classifier):
    """A vote of decision trees."""

    family = "random forest"
    trees: int
    seed: int = 0

    @property
    def setting(self) -> str:
        return f"{self.trees} trees"

    def estimator(self) -> Any:
        from sklearn import ensemble

        return ensemble.RandomForestClassifier(self.trees, random_state=self.seed)
