"""The example computes what it says, keeps it, and prints what it did."""

from __future__ import annotations

import numpy as np
import pytest

from examples.digits import __main__ as digits
from examples.digits.data import Digits, Split
from examples.digits.features import GradientHistograms, Pixels, PrincipalComponents
from examples.digits.models import LogisticRegression, Predictions, RandomForest, SupportVectorMachine
from examples.digits.pipeline import ALL, REPORT, Models
from examples.digits.report import Report
from furu.testing import isolated_root, override_results

SPLIT = Split(data=Digits(), seed=0)
FEATURES = [Pixels(split=SPLIT), PrincipalComponents(split=SPLIT), GradientHistograms(split=SPLIT)]
MODELS = [
    LogisticRegression(features=FEATURES[2], c=100),
    SupportVectorMachine(features=FEATURES[0], c=10),
    RandomForest(features=FEATURES[1], trees=20),
]


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """One for the module: what a test computed, the next one loads."""
    with isolated_root(tmp_path_factory.mktemp("digits")) as root:
        yield root


def predictions(*, wrong: int) -> Predictions:
    """Of a model that takes so many of the first digits for the next one."""
    labels = np.repeat(np.arange(10, dtype=np.uint8), 3)
    shift = (np.arange(len(labels)) < wrong).astype(np.uint8)
    return Predictions(labels + shift, labels)


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_the_images_are_those_of_the_data_set():
    images = Digits().get()
    assert (1797, 8, 8) == images.pixels.shape
    assert set(range(10)) == set(images.labels.tolist())
    assert (0, 16) == (images.pixels.min(), images.pixels.max())


def test_a_split_uses_every_image_once_and_another_seed_splits_otherwise():
    rows, others = SPLIT.get(), Split(data=Digits(), seed=1).get()
    assert list(range(1797)) == sorted([*rows.train, *rows.test])
    assert 450 == len(rows.test)
    assert set(rows.test) != set(others.test)


@pytest.mark.parametrize(
    ("features", "width"), list(zip(FEATURES, [64, 20, 128], strict=True)), ids=["pixels", "components", "gradients"]
)
def test_features_have_a_row_for_each_image(features, width):
    samples = features.get()
    assert [(1347, width), (450, width)] == [samples.train.shape, samples.test.shape]
    assert np.isfinite(samples.train).all()
    assert [1347, 450] == [len(samples.train_labels), len(samples.test_labels)]


def test_gradients_do_not_see_how_dark_the_ink_is():
    features = GradientHistograms(split=SPLIT)
    images = np.random.default_rng(0).random((5, 8, 8))
    dark, light = features.transform(images, images / 2)
    np.testing.assert_allclose(dark, light)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.family)
def test_every_family_learns_to_read(model):
    assert model.get().accuracy > 0.9


def test_the_report_names_the_best_model_and_its_mistakes():
    good, bad = MODELS[:2]
    with override_results({good: predictions(wrong=2), bad: predictions(wrong=5)}):
        found = Report(models=(bad, good)).get()
    assert ("logistic regression", "C = 100", "gradients") == found.best
    assert [25 / 30, 28 / 30] == found.scores["accuracy"].tolist()
    assert (1, 2, 28) == (found.confusion.loc[0, 0], found.confusion.loc[0, 1], np.trace(found.confusion))
    assert is_png(found.figure)


def test_the_same_model_on_several_splits_counts_as_one():
    models = [
        SupportVectorMachine(features=Pixels(split=Split(data=Digits(), seed=seed)), c=c)
        for c in (1, 10)
        for seed in (0, 1)
    ]
    results = dict(zip(models, (predictions(wrong=n) for n in [0, 5, 1, 2]), strict=True))
    with override_results(results):
        found = Report(models=tuple(models)).get()
    assert ("support vector machine", "C = 10", "pixels") == found.best
    assert 60 == found.confusion.to_numpy().sum()


def test_the_grid_has_three_families_on_three_kinds_of_features_and_three_splits():
    assert 54 == len(Models) == len(set(Models))
    assert 18 == len({digits.kind_of(model) for model in Models})
    assert set(REPORT._get_dependencies()) < set(ALL)


def test_a_run_tells_what_it_computed_and_what_it_loaded(capsys, monkeypatch):
    report = Report(models=tuple(MODELS))
    for model in MODELS:
        model.get()
    report.delete()
    monkeypatch.setattr(digits, "ALL", [*MODELS, report])
    monkeypatch.setattr(digits, "REPORT", report)
    digits.main()
    first = capsys.readouterr().out
    digits.main()
    second = capsys.readouterr().out
    assert "1 computed and 3 loaded" in first
    assert "0 computed and 4 loaded" in second
    assert is_png(report.get().figure)


@pytest.mark.slow
def test_the_whole_study_is_computed_once(capsys):
    digits.main()
    digits.main()
    assert "0 computed and 68 loaded" in capsys.readouterr().out
    scores = REPORT.get().scores
    assert 54 == len(scores)
    assert scores["accuracy"].min() > 0.9
