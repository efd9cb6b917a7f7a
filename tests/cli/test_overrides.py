"""What the text on a command line means for a field of each type."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

import furu
from furu.cli.overrides import build, combinations, split_sweep
from furu.errors import FuruConfigError


class Optimizer(enum.Enum):
    SGD = "sgd"
    ADAM = "adam"


@dataclasses.dataclass(frozen=True)
class Schedule:
    warm_up: int = 3
    kind: str = "cosine"


class Model(BaseModel):
    width: int = 8


class Data(furu.Furu[int]):
    name: str = "toy"
    vocab: int = 100

    def _create(self) -> int:
        return 1


class Wide(Data):
    width: int = 1


class Run(furu.Furu[int]):
    data: Data | None = None
    lr: float = 0.1
    seed: int | None = None
    label: str = ""
    note: str | None = "x"
    either: int | str = 0
    anything: Any = None
    fast: bool = False
    path: Path = Path("out")
    sizes: tuple[int, ...] = ()
    names: list[str] = furu.field(default_factory=list)
    weights: dict[str, float] = furu.field(default_factory=dict)
    optimizer: Optimizer = Optimizer.ADAM
    mode: Literal["fast", "exact"] = "fast"
    schedule: Schedule = Schedule()
    model: Model = furu.field(default_factory=Model)
    base: Data = Data(name="base")

    def _create(self) -> int:
        return 1


def built(*overrides: str) -> Run:
    (given,) = combinations(overrides)
    return build(Run, given)


MEANINGS = [
    ("lr=3e-4", {"lr": 3e-4}),
    ("lr=1", {"lr": 1.0}),
    ("seed=3", {"seed": 3}),
    ("seed=none", {"seed": None}),
    ("label=3", {"label": "3"}),
    ("label=true", {"label": "true"}),
    ("label=none", {"label": "none"}),
    ("label=", {"label": ""}),
    ("label=a=b", {"label": "a=b"}),
    ('label="a,b"', {"label": "a,b"}),
    ("note=none", {"note": None}),
    ('note="none"', {"note": "none"}),
    ("either=3", {"either": 3}),
    ("either='3'", {"either": "3"}),
    ("either=x", {"either": "x"}),
    ("anything=3", {"anything": 3}),
    ("anything=[1,2]", {"anything": [1, 2]}),
    ("anything=text", {"anything": "text"}),
    ("fast=true", {"fast": True}),
    ("fast=False", {"fast": False}),
    ("fast=1", {"fast": True}),
    ("path=a/b", {"path": Path("a/b")}),
    ("path=3", {"path": Path("3")}),
    ("sizes=[1,2]", {"sizes": (1, 2)}),
    ('names=["a","b"]', {"names": ["a", "b"]}),
    ('weights={"a":1}', {"weights": {"a": 1.0}}),
    ("weights.a=2", {"weights": {"a": 2.0}}),
    ("optimizer=SGD", {"optimizer": Optimizer.SGD}),
    ("optimizer=sgd", {"optimizer": Optimizer.SGD}),
    ("mode=exact", {"mode": "exact"}),
    ("schedule.warm_up=5", {"schedule": Schedule(warm_up=5)}),
    ("model.width=4", {"model": Model(width=4)}),
    ("data.name=wiki", {"data": Data(name="wiki")}),
    ("base.vocab=7", {"base": Data(name="base", vocab=7)}),
    (f"data={__name__}:Wide", {"data": Wide()}),
    (f"base={__name__}:Wide base.width=4", {"base": Wide(width=4)}),
]


@pytest.mark.parametrize(("text", "expected"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_the_type_of_the_field_says_what_the_text_means(text, expected):
    assert built(*text.split()) == Run(**expected)


REFUSED = [
    ("lr=fast", "lr=fast: "),
    ("seed=1.5", "seed is int | None"),
    ("mode=slow", "Input should be 'fast' or 'exact'"),
    ("optimizer=x", "Input should be 'sgd' or 'adam'"),
    ("sizes=3", "tuple"),
    ("sed=3", "did you mean seed?"),
    ("data.nam=3", "did you mean data.name?"),
    ("model.with=3", "Model has no field 'with'; its fields are: width"),
    ("schedule.x=1", "Schedule has no field 'x'; its fields are: warm_up, kind"),
    ("label.x=1", "label is a str, which has no fields"),
    ("data=nowhere:X", "can't be imported"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_does_not_fit_is_refused_with_what_would(text, said):
    with pytest.raises(FuruConfigError) as raised:
        built(text)
    assert said in str(raised.value)


def test_a_sweep_is_every_combination_the_last_field_fastest():
    sweep = [build(Run, given) for given in combinations(["lr=0.1,0.2", "seed=1,none"])]
    assert [(0.1, 1), (0.1, None), (0.2, 1), (0.2, None)] == [(run.lr, run.seed) for run in sweep]


def test_other_fields_come_from_a_config_that_is_there():
    (given,) = combinations(["lr=3"])
    assert Run(lr=3, seed=7) == build(Run, given, Run(lr=1, seed=7))


SPLITS = [
    ("", [""]),
    ("a,b", ["a", "b"]),
    ("[1,2],[3]", ["[1,2]", "[3]"]),
    ('"a,b",c', ['"a,b"', "c"]),
    ('{"a":[1,2]},3', ['{"a":[1,2]}', "3"]),
    ("a,", ["a", ""]),
]


@pytest.mark.parametrize(("text", "expected"), SPLITS, ids=[text for text, _ in SPLITS])
def test_commas_outside_of_brackets_and_quotes_separate(text, expected):
    assert expected == split_sweep(text)
