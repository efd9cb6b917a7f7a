"""joblib: `Memory` for single results, `Parallel` with `Memory` for a graph, layer by layer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from benchmarks.configs import edges

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.configs import Ladder

joblib: Any = importlib.import_module("joblib")


def small(seed: int, lr: float, name: str) -> int:  # noqa: ARG001 -- a function's arguments are its config
    """What `Small` computes."""
    return seed


def node(layer: int, index: int, parents: list[int]) -> int:  # noqa: ARG001
    """What `Layered` computes."""
    return index


def single(directory: str) -> Callable[[int], object]:
    """Get one result: computed the first time, loaded afterwards."""
    cached = joblib.Memory(directory, verbose=0).cache(small)
    return lambda seed: cached(seed=seed, lr=1e-3, name="small")


def hash_value(value: object) -> object:
    """The hash that `Memory` takes of an argument."""
    return joblib.hash(value)


def plain_ladder(rung: Ladder, known: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """A ladder of dictionaries, shared as the configs are."""
    if id(rung) not in known:
        left, right = (None if each is None else plain_ladder(each, known) for each in (rung.left, rung.right))
        known[id(rung)] = {"level": rung.level, "side": rung.side, "left": left, "right": right}
    return known[id(rung)]


def run_graph(directory: str, count: int, workers: int, *, is_threaded: bool) -> None:
    """One `Parallel` for all layers, since that keeps its workers."""
    cached = joblib.Memory(directory, verbose=0).cache(node)
    results: dict[tuple[int, int], int] = {}
    layers: dict[int, list[tuple[int, int]]] = {}
    graph = edges(count)
    for key in graph:
        layers.setdefault(key[0], []).append(key)
    with joblib.Parallel(n_jobs=workers, prefer="threads" if is_threaded else "processes") as parallel:
        for keys in layers.values():
            jobs = [joblib.delayed(cached)(*key, [results[each] for each in graph[key]]) for key in keys]
            results.update(zip(keys, parallel(jobs), strict=True))
