"""doit: tasks with files as targets, which the tasks after them depend on."""

from __future__ import annotations

import importlib
import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.configs import edges

if TYPE_CHECKING:
    from collections.abc import Iterator

doit_cmd: Any = importlib.import_module("doit.doit_cmd")
cmd_base: Any = importlib.import_module("doit.cmd_base")


def _write(path: str, index: int) -> None:
    Path(path).write_text(str(index))


def run_graph(directory: str, count: int, workers: int) -> None:
    """All nodes are asked for, on threads.

    Raises:
        RuntimeError: doit says that something failed.
    """

    def task_node() -> Iterator[dict[str, Any]]:
        for (layer, index), parents in edges(count).items():
            path = f"{directory}/{layer}-{index}"
            yield {
                "name": f"{layer}-{index}",
                "actions": [(_write, [path, index])],
                "file_dep": [f"{directory}/{each[0]}-{each[1]}" for each in parents],
                "targets": [path],
            }

    loader = cmd_base.ModuleTaskLoader({"task_node": task_node})
    arguments = ["run", "--db-file", f"{directory}/doit.db", "-n", str(workers), "-P", "thread"]
    with redirect_stdout(io.StringIO()):
        if doit_cmd.DoitMain(loader).run(arguments):
            raise RuntimeError
