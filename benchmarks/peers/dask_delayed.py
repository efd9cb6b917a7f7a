"""dask: `delayed` on threads. Nothing is persisted."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.configs import edges
from benchmarks.peers.joblib_memory import node

dask: Any = importlib.import_module("dask")


def run_graph(_directory: str, count: int, workers: int) -> None:
    """All nodes are asked for."""
    task = dask.delayed(node, pure=False)
    made: dict[tuple[int, int], Any] = {}
    for key, parents in edges(count).items():
        made[key] = task(*key, [made[each] for each in parents])
    dask.compute(*made.values(), scheduler="threads", num_workers=workers)
