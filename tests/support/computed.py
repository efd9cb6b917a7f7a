"""Configs that note what is done with them, and fail or refuse when told: fakes with memory for tests of `get()`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import furu
from furu.execution.context import EXEC_CONTEXT

NOTES: Final[list[str]] = []
"""`create a`, `load a`, `validate a`, in order."""

RAISES: Final[dict[str, BaseException]] = {}
"""What a note raises after it was made: `{"create a": OSError()}`."""

INVALID: Final[set[str]] = set()
"""Names of configs whose `_validate()` says no."""


def forget() -> None:
    """Begin anew."""
    NOTES.clear()
    RAISES.clear()
    INVALID.clear()


def note(line: str) -> None:
    """Write down, then raise what was ordered."""
    NOTES.append(line)
    if line in RAISES:
        raise RAISES[line]


class Value(furu.Furu[Any]):
    """Its value is stored by furu."""

    name: str = "a"
    value: Any = None

    def _create(self) -> Any:
        note(f"create {self.name}")
        return self.value


class Filed(furu.Furu[str]):
    """Writes a file and reads it; `_load()` gives another text than `_create()`."""

    name: str = "a"

    def _create(self) -> str:
        note(f"create {self.name}")
        (self.furu_dir / "text").write_text(self.name)
        return f"created {self.name}"

    def _load(self) -> str:
        note(f"load {self.name}")
        return f"loaded {(self.furu_dir / 'text').read_text()}"


class Checked(furu.Furu[str]):
    """Has a `_validate()` that does what `INVALID` and `RAISES` say."""

    name: str = "a"

    def _create(self) -> str:
        note(f"create {self.name}")
        return f"number {NOTES.count(f'create {self.name}')}"

    def _validate(self) -> bool:
        note(f"validate {self.name}")
        return self.name not in INVALID


class Sum(furu.Furu[int]):
    """Adds up what its parts give."""

    name: str = "sum"
    parts: tuple[furu.Furu[Any], ...] = ()

    def _create(self) -> int:
        note(f"create {self.name}")
        return sum(part.get() for part in self.parts)


class Undeclared(furu.Furu[int]):
    """Needs a config that none of its fields names."""

    def _create(self) -> int:
        note("create undeclared")
        found: int = Value(name="hidden", value=20).get()
        return found + 1


class Talker(furu.Furu[int]):
    """Logs before and after it computes another one, and prints nothing."""

    name: str = "outer"
    inner: furu.Furu[int] | None = None

    def _create(self) -> int:
        log = logging.getLogger(f"user.{self.name}")
        log.info("%s begins", self.name)
        total = 1 + (self.inner.get() if self.inner is not None else 0)
        log.info("%s ends", self.name)
        note(f"create {self.name}")
        return total


class Mode(furu.Furu[str]):
    """Its result is the mode it was computed in."""

    def _create(self) -> str:
        return EXEC_CONTEXT.get().mode


class Outer:
    """A namespace of two levels."""

    class Inner(furu.Furu[int]):
        """A nested config class."""

        number: int = 0

        def _create(self) -> int:
            return self.number


class Directory(furu.Furu[bool]):
    """Whether its directories were there when `_create()` began."""

    def _create(self) -> bool:
        return self.furu_dir.is_dir() and Path(self._base_furu_dir()).is_dir()
