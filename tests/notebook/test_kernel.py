"""A real notebook: cells in a real kernel, whose event loop runs all the time."""

from __future__ import annotations

import os

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.installed import PACKAGES

STUDY = """%%writefile study.py
import logging
import furu


class Data(furu.Furu[int]):
    size: int = 3

    def _create(self) -> int:
        return self.size


class Train(furu.Furu[float]):
    data: Data = Data()
    lr: float = 0.1

    def _create(self) -> float:
        logging.getLogger(__name__).warning("training")
        return self.lr * self.data.get()


class Sweep(furu.FuruList[Train]):
    rates = tuple(Train(lr=lr) for lr in (0.1, 0.2, 0.3))
"""
CELLS = {
    "write": STUDY,
    "loop": "import asyncio, furu\nfrom study import Data, Sweep, Train\nasyncio.get_running_loop().is_running()",
    "missing": "Train()",
    "get": "Train().get()",
    "config": "Train()",
    "plan": "from furu.execution import build_plan, run_local\nbuild_plan(Sweep)",
    "run": "run_local(Sweep, max_workers=2)",
    "processes": "run_local([Train(lr=0.9)], workers='process', max_workers=1)\nTrain(lr=0.9).exists()",
    "list": "Sweep",
    "rows": "furu.query('class:Train')",
    "await": "await asyncio.to_thread(Train(lr=0.7).get)",
    "here": "class Here(furu.Furu[int]):\n    x: int = 1\n    def _create(self):\n        return self.x\nHere()",
    "refused": "try:\n    Here().get()\nexcept ValueError as error:\n    print(error)",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each cell gave: text and HTML of its value, and what it printed."""
    home = tmp_path_factory.mktemp("notebook")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FURU_")},
        "PYTHONPATH": str(PACKAGES),
        "FURU_PATH": str(home / "store"),
        "FURU_INDEX_DIR": str(home / "index"),
        "FURU_FSYNC": "0",
        "FURU_RECORD_GIT": "ignore",
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    client = NotebookClient(notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(home)}})
    client.execute(env=environment)
    found = {}
    for name, cell in zip(CELLS, notebook.cells, strict=True):
        data = [output["data"] for output in cell.outputs if "data" in output]
        found[name] = {
            "text": "".join(each.get("text/plain", "") for each in data),
            "html": "".join(each.get("text/html", "") for each in data),
            "said": "".join(output.get("text", "") for output in cell.outputs),
        }
    return found


def test_everything_works_without_await_in_a_running_loop(outputs):
    assert "True" == outputs["loop"]["text"]
    assert outputs["get"]["text"].startswith("0.3")
    assert "3 nodes done" not in outputs["run"]["said"]  # one of them was there
    assert "2 nodes done" in outputs["run"]["said"]
    assert "True" == outputs["processes"]["text"]
    assert outputs["await"]["text"].startswith("2.09")


def test_configs_plans_lists_and_rows_are_shown(outputs):
    assert "missing" in outputs["missing"]["html"]
    assert "Train(data=Data(size=3), lr=0.1)" == outputs["missing"]["text"]
    for name in ("config", "list", "rows"):
        assert 'furu-badge furu-good">published' in outputs[name]["html"], name
    assert "<svg" in outputs["config"]["html"]
    assert "it is missing (2)" in outputs["plan"]["html"]
    assert not any("<script" in each["html"] for each in outputs.values())


def test_a_class_of_the_notebook_is_told_where_it_could_live(outputs):
    assert "%%writefile study.py" in outputs["here"]["html"]
    assert "from study import Here" in outputs["refused"]["said"]
