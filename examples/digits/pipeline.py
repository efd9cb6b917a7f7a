"""Which configs the study is made of."""

from __future__ import annotations

from typing import Any

import furu
from examples.digits.data import Digits, Split
from examples.digits.features import Features, GradientHistograms, Pixels, PrincipalComponents
from examples.digits.models import Classifier, LogisticRegression, RandomForest, SupportVectorMachine
from examples.digits.report import Report

DIGITS = Digits()


class Splits(furu.FuruList[Split]):
    """Three, so that a difference between models can be told from luck."""

    by_seed = tuple(Split(data=DIGITS, seed=seed) for seed in range(3))


class Inputs(furu.FuruList[Features]):
    """Every kind of features of every split."""

    pixels = tuple(Pixels(split=split) for split in Splits)
    principal_components = tuple(PrincipalComponents(split=split) for split in Splits)
    gradient_histograms = tuple(GradientHistograms(split=split) for split in Splits)


class Models(furu.FuruList[Classifier]):
    """Every setting of every family on all of them."""

    logistic_regressions = tuple(LogisticRegression(features=each, c=c) for c in (1, 100) for each in Inputs)
    support_vector_machines = tuple(SupportVectorMachine(features=each, c=c) for c in (1, 10) for each in Inputs)
    random_forests = tuple(RandomForest(features=each, trees=trees) for trees in (50, 200) for each in Inputs)


REPORT = Report(models=tuple(Models))
ALL: list[furu.Furu[Any]] = [DIGITS, *Splits, *Inputs, *Models, REPORT]
