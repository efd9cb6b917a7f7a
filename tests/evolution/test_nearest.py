"""Why an artifact is missing: the nearest stored ones."""

from __future__ import annotations

import logging

import pytest

import furu
from furu.evolution import nearest
from furu.execution.context import ExecContext, executing


class Split(furu.Furu[int]):
    seed: int = 0

    def _create(self) -> int:
        return self.seed


class Train(furu.Furu[float]):
    split: Split = Split()
    rate: float = 0.1
    depth: int = 3

    def _create(self) -> float:
        return self.rate


class Moved(Train):
    _migrations = (furu.Migration(from_class="tests.old.Train"),)


@pytest.fixture(autouse=True)
def forgetful():
    nearest.forget_told()
    yield
    nearest.forget_told()


def test_the_nearest_stored_artifact_and_exactly_the_differing_path():
    Train(rate=0.1).get()
    Train(rate=0.5, depth=9).get()
    explanation = furu.explain(Train(split=Split(seed=7)))
    assert "compute" == explanation.action
    assert ["split.seed: 0 → 7"] == [str(each) for each in explanation.nearest[0].differences]
    assert 2 == explanation.looked_at
    assert "split.seed: 0 → 7" in str(explanation)


def test_what_is_stored_needs_no_neighbours():
    Train().get()
    explanation = furu.explain(Train())
    assert ("load", ()) == (explanation.action, explanation.nearest)


def test_nothing_stored_says_so():
    assert "no other artifact of its class is stored" in str(furu.explain(Train()))


def test_explaining_writes_and_computes_nothing(own_store):
    furu.explain(Train())
    assert [] == list(own_store.rglob("*"))


def test_a_refusal_is_explained_with_its_reason():
    with executing(ExecContext("executor", "default", "local", None)):
        assert "load-only" in furu.explain(Train()).because


def test_a_miss_with_a_near_hit_is_told_once_for_each_class(caplog):
    Train().get()
    nearest.forget_told()
    with caplog.at_level(logging.INFO, "furu"):
        Train(rate=0.2).get()
        Train(rate=0.3).get()
    told = [record.getMessage() for record in caplog.records if "the nearest is" in record.getMessage()]
    assert 1 == len(told)
    assert "rate: 0.1 → 0.2" in told[0]


def test_a_far_hit_is_not_worth_a_line(caplog):
    Train().get()
    nearest.forget_told()
    with caplog.at_level(logging.INFO, "furu"):
        Train(rate=0.2, depth=1, split=Split(seed=5)).get()
    assert not [record for record in caplog.records if "the nearest is" in record.getMessage()]


def test_a_damaged_neighbour_is_passed_over():
    first = Train()
    first.get()
    (first._base_furu_dir() / "config.json").write_text("{")
    assert () == furu.explain(Train(rate=0.2)).nearest


@pytest.mark.parametrize(
    "ask",
    [
        lambda: furu.explain(Train),  # type: ignore[arg-type]
        lambda: furu.diff(Train(), Train),  # type: ignore[arg-type]
        lambda: furu.migrate(Train, Train()),  # type: ignore[arg-type]
    ],
    ids=["explain", "diff", "migrate"],
)
def test_a_class_in_the_place_of_a_config_is_refused(ask):
    with pytest.raises(furu.FuruConfigError, match="must be a config, not the class Train itself"):
        ask()


def test_a_history_is_mentioned_while_it_may_matter():
    assert "plan_migrations" in str(furu.explain(Moved()))
    assert "plan_migrations" not in str(furu.explain(Train()))
    Moved().get()
    assert "plan_migrations" not in str(furu.explain(Moved()))
