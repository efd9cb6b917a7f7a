"""What lies in the store that is damaged: values of all sizes, files, nested configs, failures; and what is right."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from pathlib import Path
from typing import Any, Final

import furu


class Mode(enum.Enum):
    """An enum in a field."""

    FAST = "f"
    EXACT = "e"


@dataclasses.dataclass(frozen=True)
class Range:
    """A dataclass in a field."""

    low: float
    high: float


class Value(furu.Furu[list[Any]]):
    """Small; every value names its artifact."""

    key: int = 0
    mode: Mode = Mode.FAST
    span: Range = Range(0.0, 1.0)
    names: tuple[str, ...] = ("a", "b")
    since: datetime.date = datetime.date(2024, 2, 29)
    note: str = furu.field(default="", identity=False)
    momentum: float = furu.field(default=0.0, identity="unless-default")

    def _create(self) -> list[Any]:
        return ["value", self.key, {"half": self.key / 2}, (1, None, "x")]


class Large(furu.Furu[list[str]]):
    """Too large for its record."""

    def _create(self) -> list[str]:
        return ["large"] * 12_000


class Files(furu.Furu[str]):
    """Reads its own files."""

    name: str = "files"

    def _create(self) -> str:
        (self.furu_dir / "text").write_text(self.name)
        return self.name

    def _load(self) -> str:
        return (self.furu_dir / "text").read_text()


class Report(furu.Furu[str]):
    """Holds others, one of them twice."""

    values: list[Value]
    files: Files
    by_name: dict[str, Value]

    def _create(self) -> str:
        return f"report on {[value.key for value in self.values]}"


class Failing(furu.Furu[int]):
    """Never works."""

    key: int = 0

    def _create(self) -> int:
        raise RuntimeError(f"failing {self.key}")


class Checkpoint(furu.Furu[Path]):
    """Gives a path."""

    def _create(self) -> Path:
        path = self.furu_dir / "checkpoint"
        path.write_bytes(b"weights")
        return path


class Queued(furu.Furu[int]):
    """Only ever submitted."""

    key: int = 0

    def _create(self) -> int:
        return self.key


ONE, TWO, ALIAS = Value(key=1), Value(key=2), Value(key=3)
REPORT = Report(values=[ONE, TWO], files=Files(), by_name={"one": ONE})

RIGHT: Final[dict[furu.Furu[Any], Any]] = {
    ONE: ["value", 1, {"half": 0.5}, (1, None, "x")],
    TWO: ["value", 2, {"half": 1.0}, (1, None, "x")],
    ALIAS: ["value", 1, {"half": 0.5}, (1, None, "x")],
    Large(): ["large"] * 12_000,
    Files(): "files",
    Files(name="other"): "other",
    REPORT: "report on [1, 2]",
}
"""What `get()` gives."""

AFRESH: Final[dict[furu.Furu[Any], Any]] = {ALIAS: ["value", 3, {"half": 1.5}, (1, None, "x")]}
"""What it may give as well, where it computes what it had by an alias."""
