"""diskcache: `Cache.memoize`, on SQLite. It has no hash of its own for nested arguments."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from benchmarks.peers.joblib_memory import small

if TYPE_CHECKING:
    from collections.abc import Callable

diskcache: Any = importlib.import_module("diskcache")


def single(directory: str) -> Callable[[int], object]:
    """Get one result: computed the first time, loaded afterwards."""
    memoized = diskcache.Cache(directory).memoize()(small)
    return lambda seed: memoized(seed=seed, lr=1e-3, name="small")
