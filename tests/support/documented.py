"""Configs for documents: a bit of everything that a researcher puts into one."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel

import furu

T = TypeVar("T")


class Optimizer(enum.Enum):
    """How to step."""

    SGD = "sgd"
    ADAM = "adam"


class Data(furu.Furu[int]):
    """A nested config."""

    name: str = "digits"
    path: Path | None = None

    def _create(self) -> int:
        return len(self.name)


class SubData(Data):
    """Stands where its base is asked for."""

    more: int = 0


@dataclass(frozen=True)
class Schedule:
    """A plain dataclass with a config in it."""

    warm_up: tuple[int, ...]
    data: Data | None = None


class Model(BaseModel):
    """A pydantic model with configs in it."""

    width: int = 8
    sources: list[Data] = []

    def size(self) -> int:
        """Something beside the fields."""
        return self.width


class Train(furu.Furu[float], version="3"):
    """Has a field of each kind."""

    limit: ClassVar[int] = 10

    data: Data
    seed: int = 0
    lr: float = 1e-3
    optimizer: Optimizer = Optimizer.ADAM
    mode: Literal["fast", "exact"] = "fast"
    out: Path = Path("out")
    sizes: tuple[int, ...] = (1, 2)
    tags: frozenset[str] = frozenset()
    weights: dict[int, float] = furu.field(default_factory=dict)
    others: list[Data] = furu.field(default_factory=list)
    named: dict[str, furu.Furu[Any]] = furu.field(default_factory=dict)
    schedule: Schedule | None = None
    model: Model = furu.field(default_factory=Model)
    anything: Any = None
    workers: int = furu.field(default=4, identity=False)

    def _create(self) -> float:
        return self.lr


class Grid(furu.Furu[T], Generic[T]):
    """Generic, and abstract."""

    cell: T


class IntGrid(Grid[int]):
    """What a generic is made for."""

    def _create(self) -> int:
        return self.cell


class Later(furu.Furu[int]):
    """Names a class that comes after it."""

    after: Last

    def _create(self) -> int:
        return self.after.number


class Last(furu.Furu[int]):
    """The class that came after."""

    number: int = 1

    def _create(self) -> int:
        return self.number


class Outer(furu.Furu[int]):
    """Holds another config class."""

    class Inner(furu.Furu[int]):
        """A nested class."""

        number: int = 1

        def _create(self) -> int:
            return self.number

    inner: Inner = Inner()

    def _create(self) -> int:
        return self.inner.number


def full() -> Train:
    """A config with something in every field."""
    data = Data(name="train", path=Path("raw/train"))
    return Train(
        data=data,
        seed=3,
        lr=0.1,
        optimizer=Optimizer.SGD,
        mode="exact",
        out=Path("a/b"),
        sizes=(3, 4),
        tags=frozenset({"x", "y", "z"}),
        weights={1: 0.5, 2: 0.25},
        others=[data, Data(name="test")],
        named={"a": data, "grid": IntGrid(cell=4)},
        schedule=Schedule((1, 2), data),
        model=Model(width=2, sources=[data]),
        anything=[{(1, 2): {data}}, {"$tuple": None}, Optimizer.SGD],
        workers=9,
    )
