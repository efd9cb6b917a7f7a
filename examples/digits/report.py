"""What came out: a table, the best model's mistakes, and a figure of both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import furu
from examples.digits.figure import draw
from examples.digits.models import Classifier


@dataclass(frozen=True)
class Findings:
    """The result of the study.

    Attributes:
        scores: a row for each model: family, setting, features, seed of the split, accuracy.
        best: family, setting and features with the best mean accuracy over the splits.
        confusion: how often the best model read the digit of a row as that of a column, over all splits.
        figure: a PNG.
    """

    scores: pd.DataFrame
    best: tuple[str, str, str]
    confusion: pd.DataFrame
    figure: Path


class Report(furu.Furu[Findings]):
    """Compares models; the same model on several splits counts as one."""

    models: tuple[Classifier, ...]

    def _create(self) -> Findings:
        predictions = {model: model.get() for model in self.models}
        scores = pd.DataFrame(
            [(*kind_of(model), model.features.split.seed, each.accuracy) for model, each in predictions.items()],
            columns=["family", "setting", "features", "seed", "accuracy"],
        )
        means = scores.groupby(["family", "setting", "features"], sort=False)["accuracy"].mean()
        best = means.idxmax()
        confusion = np.zeros((10, 10), dtype=np.int64)
        for model, each in predictions.items():
            if kind_of(model) == best:
                np.add.at(confusion, (each.labels, each.predicted), 1)
        figure = self.furu_dir / "digits.png"
        draw(scores, best, confusion, figure)
        return Findings(scores, best, pd.DataFrame(confusion), figure)


def kind_of(model: Classifier) -> tuple[str, str, str]:
    """Family, setting and features: what is compared."""
    return model.family, model.setting, model.features.title
