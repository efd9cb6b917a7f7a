"""Luigi: a task with parameters, a file as its target, the local scheduler."""

from __future__ import annotations

import importlib
import os
from typing import Any

from benchmarks.configs import edges

luigi: Any = importlib.import_module("luigi")

_EDGES: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}


class Node(luigi.Task):  # type: ignore[misc]
    """A node of the graph; its parents follow from its parameters."""

    directory = luigi.Parameter()
    layer = luigi.IntParameter()
    index = luigi.IntParameter()

    def requires(self) -> list[Node]:
        """Its parents."""
        keys = _EDGES[self.layer, self.index]
        return [Node(directory=self.directory, layer=layer, index=index) for layer, index in keys]

    def output(self) -> Any:
        """One small file."""
        return luigi.LocalTarget(f"{self.directory}/{self.layer}-{self.index}")

    def run(self) -> None:
        """Write it."""
        with self.output().open("w") as file:
            file.write(str(self.index))


def run_graph(directory: str, count: int, workers: int) -> None:
    """All nodes are asked for.

    Raises:
        RuntimeError: Luigi says that something failed.
    """
    os.environ["LUIGI_CONFIG_PATH"] = os.devnull
    _EDGES.update(edges(count))
    tasks = [Node(directory=directory, layer=layer, index=index) for layer, index in _EDGES]
    if not luigi.build(tasks, workers=workers, local_scheduler=True, log_level="ERROR"):
        raise RuntimeError
