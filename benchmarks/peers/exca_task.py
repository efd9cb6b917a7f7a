"""exca: a pydantic model with a `TaskInfra`."""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pydantic

if TYPE_CHECKING:
    from collections.abc import Callable

    TaskInfra = Any
else:
    from exca import TaskInfra

exca: Any = importlib.import_module("exca")


class Small(pydantic.BaseModel):
    """The same fields as furu's."""

    seed: int
    lr: float = 1e-3
    name: str = "small"
    infra: TaskInfra = TaskInfra()

    @infra.apply  # type: ignore[untyped-decorator]
    def compute(self) -> int:
        """What the other one computes."""
        return self.seed


class Rung(pydantic.BaseModel):
    """The same fields as `Ladder`."""

    model_config = pydantic.ConfigDict(extra="forbid")

    level: int
    side: str
    left: Rung | None = None
    right: Rung | None = None


def single(directory: str) -> Callable[[int], object]:
    """Get one result: computed the first time, loaded afterwards."""
    return lambda seed: Small(seed=seed, infra={"folder": directory}).compute()


def main() -> None:
    """Microseconds to name a ladder of `argv[1]` levels; in a process of its own, since it may never end."""
    left = right = None
    for level in range(int(sys.argv[1])):
        sides = [Rung(level=level, side=side, left=left, right=right) for side in ("left", "right")]
        left, right = sides
    top = Rung(level=int(sys.argv[1]), side="top", left=left, right=right)
    began = time.perf_counter()
    exca.ConfDict.from_model(top, uid=True, exclude_defaults=True).to_uid()
    print(json.dumps({"us": (time.perf_counter() - began) * 1e6}))


if __name__ == "__main__":
    main()
