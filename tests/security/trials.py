"""What the tests of security compute, and what they try in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import furu

RAN: Final[list[str]] = []
"""What was run that nobody asked for."""


class Value(furu.Furu[int]):
    """Small."""

    key: int = 0

    def _create(self) -> int:
        return self.key


class Files(furu.Furu[str]):
    """Writes a file."""

    key: int = 0

    def _create(self) -> str:
        (self.furu_dir / "text").write_text("mine")
        return "mine"


class Pickled(furu.Furu[Any], codec="pickle"):
    """Trusts its store."""

    key: int = 0

    def _create(self) -> Any:
        return {"a", "b"}


class Bomb:
    """Leaves a line when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return RAN.append, ("unpickled",)


class Bait:
    """No config, no data: must never be called."""

    def __init__(self, *_args: Any, **_values: Any) -> None:
        RAN.append("called")


def compute_through_foreign_link(root: str, place: str) -> dict[str, Any]:
    """As root: `place` below a store of ours is a link that user 65534 made; what `get()` says, and what it wrote."""
    outside = Path(root).parent / "outside"
    outside.mkdir()
    link = Path(root) / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)
    os.lchown(link, 65534, 65534)
    with furu.using(path=root):
        try:
            Files().get()
        except furu.FuruStoreError as error:
            return {"refused": str(error), "written": sorted(os.listdir(outside))}
    return {"refused": "", "written": sorted(os.listdir(outside))}
