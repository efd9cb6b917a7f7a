"""Configs whose hashes must never change; `python -m tests.support.golden` prints a file of vectors.

Their classes have a `name`, so that this module can move; a plain class whose namespace is its module is among them.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import zoneinfo
from pathlib import Path
from typing import Any, Final

import furu
from furu.identity.encode import SCHEME


class Anything(furu.Furu[None], name="golden/anything"):
    """Holds one value of any kind."""

    value: Any = None

    def _create(self) -> None:
        return None


class Typed(furu.Furu[None], name="golden/typed", version="2"):
    """Has fields of all three parts in the identity."""

    seed: int = 0
    lr: float = 1
    data: furu.Furu[Any] = Anything()
    workers: int = furu.field(default=4, identity=False)
    momentum: float = furu.field(default=0, identity="unless-default")

    def _create(self) -> None:
        return None


class Declares(furu.Furu[None], name="golden/declares"):
    """Names dependencies that are in none of its fields."""

    count: int = 2

    def _create(self) -> None:
        return None

    def _dependencies(self) -> list[Anything]:
        return [Anything(value=number) for number in range(self.count)]


class Plain(furu.Furu[None]):
    """Its namespace is `tests/support/golden/Plain`."""

    x: int = 0

    def _create(self) -> None:
        return None


CONFIGS: Final[dict[str, furu.Furu[Any]]] = {
    "none": Anything(),
    "text": Anything(value="grüße"),
    "numbers": Anything(value=[0, -1, 2**70, 0.1, 1e300, True]),
    "odd floats": Anything(value=(math.nan, math.inf, -0.0)),
    "set": Anything(value={"a", 1, None}),
    "dict": Anything(value={"b": [1], "a": {1: "x", "$": ()}}),
    "path": Anything(value=Path("a/b")),
    "bytes": Anything(value=b"\x00\xff"),
    "decimal": Anything(value=decimal.Decimal("1.10")),
    "moment": Anything(value=datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))),
    "duration": Anything(value=datetime.timedelta(hours=36)),
    "defaults": Typed(),
    "all said": Typed(seed=3, lr=0.5, data=Anything(value=1), workers=9, momentum=0.9),
    "nested": Anything(value={"models": [Typed(seed=seed) for seed in range(3)]}),
    "declared": Declares(),
    "plain": Plain(x=1),
}


def vectors() -> dict[str, Any]:
    """The scheme, and for each config of `CONFIGS` its source and its hash."""
    entries = {name: {"config": c.to_python().splitlines()[-1], "hash": c.furu_hash} for name, c in CONFIGS.items()}
    return {"scheme": SCHEME, "vectors": entries}


if __name__ == "__main__":
    # By its importable name: a class of __main__ has no place in a store.
    from tests.support import golden

    print(json.dumps(golden.vectors(), indent=2))
