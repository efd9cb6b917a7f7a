"""Which field paths differ between two configs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import furu
from furu.evolution.differences import ABSENT, diff


@dataclasses.dataclass(frozen=True)
class Optimizer:
    name: str = "sgd"
    rate: float = 0.1


class Split(furu.Furu[int]):
    seed: int = 0
    share: float = 0.5

    def _create(self) -> int:
        return 1


class Data(furu.Furu[int]):
    split: Split = Split()
    root: Path = Path("a")

    def _create(self) -> int:
        return 1


class Train(furu.Furu[int], version="1"):
    data: Data = Data()
    optimizer: Optimizer = Optimizer()
    layers: tuple[int, ...] = (1, 2)
    options: dict[str, Any] = furu.field(default_factory=dict)
    models: list[Split] = furu.field(default_factory=list)
    workers: int = furu.field(default=1, identity=False)

    def _create(self) -> int:
        return 1


class Other(Train, version="2"):
    pass


@pytest.mark.parametrize(
    ("left", "right", "paths"),
    [
        pytest.param(Train(), Train(), [], id="equal"),
        pytest.param(Train(), Train(workers=2), ["workers: 1 → 2"], id="no part of the identity"),
        pytest.param(Train(), Train(layers=(1, 3)), ["layers[1]: 2 → 3"], id="tuple"),
        pytest.param(Train(), Train(layers=(1,)), ["layers[1]: 2 → (absent)"], id="shorter tuple"),
        pytest.param(Train(), Train(optimizer=Optimizer(rate=0.2)), ["optimizer.rate: 0.1 → 0.2"], id="dataclass"),
        pytest.param(Train(), Train(options={"k": 1}), ["options['k']: (absent) → 1"], id="dict"),
        pytest.param(Train(), Train(data=Data(split=Split(seed=3))), ["data.split.seed: 0 → 3"], id="nested twice"),
        pytest.param(
            Train(models=[Split(), Split()]),
            Train(models=[Split(), Split(share=0.1)]),
            ["models[1].share: 0.5 → 0.1"],
            id="config in a list",
        ),
        pytest.param(
            Train(), Train(data=Data(root=Path("b"))), ['data.root: {"$path":"a"} → {"$path":"b"}'], id="path"
        ),
    ],
)
def test_exactly_the_paths_that_differ_are_named(left, right, paths):
    assert paths == [str(difference) for difference in diff(left, right)]


def test_configs_of_two_classes_differ_in_their_class_only():
    (only,) = diff(Train(), Other())
    assert ("class", True, True) == (only.path, "Train" in only.left, "Other" in only.right)


def test_a_missing_side_is_not_null():
    (only,) = diff(Train(options={"k": None}), Train())
    assert only.left is None
    assert only.right is ABSENT


def test_shared_parts_are_never_looked_at(monkeypatch):
    """Equal references end the search, so a ladder of thirty levels costs its one difference."""
    left, right = Train(models=[Split(seed=1)]), Train(models=[Split(seed=2)])
    assert ["models[0].seed: 1 → 2"] == [str(each) for each in diff(left, right)]


class Rung(furu.Furu[int]):
    below: tuple[Any, ...]

    def _create(self) -> int:
        return 1


def ladder(seed: int, levels: int) -> Rung:
    rung = Rung(below=(Split(seed=seed),))
    for _ in range(levels):
        rung = Rung(below=(rung, rung))
    return rung


def test_shared_parts_that_differ_are_told_wherever_they_are():
    paths = [each.path for each in diff(ladder(1, 2), ladder(2, 2))]
    assert [f"below[{i}].below[{j}].below[0].seed" for i in (0, 1) for j in (0, 1)] == paths


def test_a_ladder_of_differences_is_cut_short():
    """There are four million ways to the one field that differs."""
    found = diff(ladder(1, 22), ladder(2, 22))
    assert 1 < len(found) < 1_000
    assert any(isinstance(each.left, dict) and "$config" in each.left for each in found)


def test_a_chain_longer_than_the_call_stack():
    left, right = ladder(1, 0), ladder(2, 0)
    for _ in range(1_500):
        left, right = Rung(below=(left,)), Rung(below=(right,))
    (only,) = diff(left, right)
    assert only.path.endswith("below[0].below[0].seed")
