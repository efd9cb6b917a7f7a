"""Only type-checked, never run: what a user's checker says of code that uses furu.

A line that must be refused has a `# type: ignore[code]`; mypy complains where one isn't needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, assert_type

import furu

T = TypeVar("T")


class Data(furu.Furu[list[int]]):
    """A config without a `_load()`."""

    name: str = "digits"

    def _create(self) -> list[int]:
        return [1]


class Train(furu.Furu[Path], version="2", name="acme/train", resumable=True, max_wait_sec=3600):
    """All class options, and each kind of field."""

    seed: int
    data: Data = Data()
    workers: int = furu.field(default=4, identity=False)
    momentum: float = furu.field(default=0.0, identity="unless-default")
    tags: list[str] = furu.field(default_factory=list)

    def _create(self) -> Path:
        assert_type(self.data.get(), list[int])
        return self.furu_dir / self.data.name

    def _load(self) -> Path:
        return self.furu_dir

    def _dependencies(self) -> list[Data]:
        return [self.data]


class Cell(furu.Furu[T], Generic[T]):
    """A generic config."""

    value: T

    def _create(self) -> T:
        return self.value


class IntCell(Cell[int]):
    """What a generic is made for."""


class Sweep(furu.FuruList[Train]):
    """A collection."""

    first = Train(seed=1)


def results() -> None:
    """`get()` has the type that the class names."""
    x: Path = Train(seed=1).get()
    y: int = Train(seed=1).get()  # type: ignore[assignment]
    assert_type(Data().get(), list[int])
    assert_type(Cell(value="a").get(), str)
    assert_type(IntCell(value=1).get(), int)
    assert_type(Train(seed=1).get(force=True), Path)
    Train(seed=1).get(True)  # type: ignore[call-arg]
    del x, y


def construction() -> None:
    """Fields are keyword-only, typed, and frozen."""
    train = Train(seed=1, data=Data(name="a"), workers=2, momentum=0.5, tags=["x"])
    Train(1)  # type: ignore[call-arg]
    Train()  # type: ignore[call-arg]
    Train(seed="one")  # type: ignore[arg-type]
    Train(seed=1, speed=2)  # type: ignore[call-arg]
    Train(seed=1, data=train)  # type: ignore[arg-type]
    train.seed = 2  # type: ignore[misc]
    furu.field(default=1, identity="sometimes")  # type: ignore[call-overload]


def wrong_classes() -> None:
    """Hooks and options of the wrong type."""

    class Wrong(furu.Furu[int]):
        def _create(self) -> str:  # type: ignore[override]
            return "a"

    class Options(furu.Furu[int], version=2):  # type: ignore[arg-type]
        def _create(self) -> int:
            return 1

    furu.Furu()  # type: ignore[abstract]
    del Wrong, Options


def verbs(train: Train, anything: furu.Furu[Any]) -> Iterator[object]:
    """The public verbs."""
    assert_type(train.exists(), bool)
    assert_type(train.furu_hash, str)
    assert_type(train.furu_dir, Path)
    assert_type(train.log(), Path)
    assert_type(train.to_dict(), dict[str, Any])
    assert_type(Train.from_dict({}), Train)
    assert_type(train.to_python(), str)
    assert_type(train.get_metadata(), dict[str, Any])
    assert_type(train.delete(), bool)
    assert_type(train._get_dependencies(recursive=False), list[furu.Furu[Any]])
    yield from (anything == train, {train: 1})


def collections() -> None:
    """A `FuruList` knows what its members are."""
    assert_type(Sweep.first, Train)
    assert_type(Sweep.by_name("first"), Train)
    assert_type(Sweep.all(), list[Train])
    assert_type(Sweep.names(), list[str])
    assert_type(Sweep.items(), list[tuple[str, Train]])
    furu.FuruList[int]  # type: ignore[type-var]


def settings(root: Path) -> None:
    """Settings are keyword arguments with types."""
    with furu.using(path=root, lease_sec=10, retry_failed=False) as current:
        assert_type(current, furu.Settings)
    furu.configure(lease_sec="long")  # type: ignore[arg-type]
    furu.configure(leese_sec=1)  # type: ignore[call-arg]
