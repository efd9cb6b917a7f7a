"""Configs as they were and as they became, side by side; what each of them does is noted."""

from __future__ import annotations

from typing import Any

import furu
from furu.evolution import Add, Drop, Map, Rename
from tests.support import computed


class Old(furu.Furu[str]):
    """Before."""

    learning_rate: float = 0.1
    unused: int = 0

    def _create(self) -> str:
        computed.note(f"create old {self.learning_rate}")
        return f"old {self.learning_rate}"


class New(furu.Furu[str], version="3"):
    """After: renamed, and a field renamed, one added, one dropped."""

    lr: float = 0.1
    momentum: float = 0.9

    _migrations = (
        furu.Migration(
            from_class="tests.evolution.shapes.Old",
            from_version=None,
            to_version="2",
            steps=[Rename("learning_rate", "lr"), Drop("unused", only_if=0)],
        ),
        furu.Migration(from_version="2", to_version="3", steps=[Add("momentum", 0.0)]),
    )

    def _create(self) -> str:
        computed.note(f"create new {self.lr} {self.momentum}")
        return f"new {self.lr} {self.momentum}"


class OldParent(furu.Furu[str]):
    """Holds one that changes."""

    part: Old
    others: frozenset[Old] = frozenset()

    def _create(self) -> str:
        computed.note("create old parent")
        return f"old parent of {self.part.get()}"


class Parent(furu.Furu[str]):
    """Took over from `OldParent`."""

    part: New
    others: frozenset[New] = frozenset()

    _migrations = (furu.Migration(from_class="tests/evolution/shapes/OldParent"),)

    def _create(self) -> str:
        computed.note("create parent")
        return f"parent of {self.part.get()}"


class Filed(furu.Furu[str]):
    """Writes a file, reads it, and can be refused."""

    name: str = "a"

    def _create(self) -> str:
        computed.note(f"create {self.name}")
        (self.furu_dir / "text").write_text(self.name)
        return self.name

    def _load(self) -> str:
        return (self.furu_dir / "text").read_text()

    def _validate(self) -> bool:
        return self.name not in computed.INVALID


class Number(furu.Furu[int]):
    """Another type of result."""

    number: int = 1

    def _create(self) -> int:
        return self.number


class Text(furu.Furu[str]):
    """Can't read files: it has no `_load()`."""

    name: str = "a"

    def _create(self) -> str:
        computed.note(f"create text {self.name}")
        return self.name


class Choice(furu.Furu[Any]):
    """Its values are written otherwise now."""

    kind: str = "SGD"

    _migrations = (
        furu.Migration(
            from_class="tests.evolution.shapes.OldChoice", steps=[Map("kind", {"sgd": "SGD", "Sgd": "SGD"})]
        ),
    )

    def _create(self) -> Any:
        return self.kind


class OldChoice(furu.Furu[Any]):
    """As it was."""

    kind: str = "sgd"

    def _create(self) -> Any:
        computed.note(f"create choice {self.kind}")
        return self.kind
