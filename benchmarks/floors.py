"""The least that has to be done, written by hand: what the ratios are ratios to."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.configs import WIDTH, Ladder, edges

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORD: Final = {"v": 1, "token": "01700000000000000000-0123456789ab", "at": 1700000000.0, "result": [{"json": 1}]}


def reader(directory: str) -> Callable[[int], object]:
    """Open, read and parse one small JSON file."""
    path = f"{directory}/small.json"
    Path(path).write_text(json.dumps(_RECORD))

    def read(_number: int) -> object:
        with open(path) as file:
            return json.loads(file.read())

    return read


def creator(directory: str, *, is_synced: bool) -> Callable[[int], object]:
    """Make a directory, write one small file in it, rename it into place."""

    def create(number: int) -> object:
        half, whole = f"{directory}/new-{number}", f"{directory}/{number}"
        os.mkdir(half)
        with open(f"{half}/result.json", "x") as file:
            json.dump({**_RECORD, "number": number}, file)
            if is_synced:
                file.flush()
                os.fsync(file.fileno())
        os.rename(half, whole)
        if is_synced:
            descriptor = os.open(directory, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return number

    return create


def merkle(config: Ladder, known: dict[int, str]) -> str:
    """A hash over the same fields, each node once."""
    found = known.get(id(config))
    if found is None:
        fields: dict[str, Any] = {"level": config.level, "side": config.side}
        for name in ("left", "right"):
            child = getattr(config, name)
            fields[name] = None if child is None else {"$config": merkle(child, known)}
        text = json.dumps({"class": "Ladder", "fields": fields}, sort_keys=True, separators=(",", ":"))
        found = known[id(config)] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return found


def walk(directory: str, count: int) -> dict[str, tuple[str, ...]]:
    """Plan a graph without a library: a dictionary, and one `stat` for each node; what each node waits for."""
    names = {key: f"{directory}/{key[0]}-{key[1]}" for key in edges(count)}
    pending: dict[str, tuple[str, ...]] = {}
    for key, parents in edges(count).items():
        try:
            os.stat(names[key])
        except FileNotFoundError:
            pending[names[key]] = tuple([names[each] for each in parents if names[each] in pending])
    return pending


def run_graph(directory: str, count: int, workers: int) -> None:
    """A thread pool, a counter for each node, and one small file as its result: renamed into place."""
    graph = edges(count)
    waiting = {key: len(parents) for key, parents in graph.items()}
    dependents: dict[tuple[int, int], list[tuple[int, int]]] = {key: [] for key in graph}
    for key, parents in graph.items():
        for parent in parents:
            dependents[parent].append(key)
    lock, is_over = threading.Lock(), threading.Event()
    left = [count // WIDTH * WIDTH]

    def compute(key: tuple[int, int]) -> None:
        path = f"{directory}/{key[0]}-{key[1]}"
        with open(f"{path}.tmp", "x") as file:
            json.dump(key[1], file)
        os.rename(f"{path}.tmp", path)
        with lock:
            left[0] -= 1
            for each in dependents[key]:
                waiting[each] -= 1
            ready = [each for each in dependents[key] if not waiting[each]]
        for each in ready:
            pool.submit(compute, each)
        if not left[0]:
            is_over.set()

    with ThreadPoolExecutor(workers) as pool:
        for key in [key for key, parents in graph.items() if not parents]:
            pool.submit(compute, key)
        is_over.wait()
