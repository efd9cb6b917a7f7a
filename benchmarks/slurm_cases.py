"""One run on a Slurm cluster: `python -m benchmarks.slurm_cases CASE DIRECTORY N`; prints figures as JSON.

The commands of Slurm on PATH, and `SLURM_CONF`, say which cluster.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
from typing import Any, Final

from benchmarks.naps import Nap, nap
from furu.execution import run_local
from furu.execution.slurm_dag import submit_slurm_dag
from furu.execution.slurm_pool import run_slurm_pool
from furu.execution.slurm_spec import SlurmSpec

WORKERS: Final = 8
_SPECS: Final = {"default": SlurmSpec(time_min=30)}


def main() -> None:
    """Run the case."""
    case, directory, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ.update(FURU_PATH=directory, FURU_RECORD_GIT="ignore", FURU_LOG_LEVEL="ERROR")
    began = time.time()
    spans = CASES[case](directory, count)
    print(json.dumps({"sec": time.time() - began, **_figures(began, sorted(spans))}))


def _figures(began: float, spans: list[tuple[float, float]]) -> dict[str, float]:
    """Seconds from the call to the first beginning, from there to the last end, and from an end to the next beginning.

    The last is of spans that follow each other, as in a chain.
    """
    if not spans:
        return {"first": 0.0, "busy": 0.0, "hop": 0.0}
    hops = [later[0] - earlier[1] for earlier, later in itertools.pairwise(spans)]
    return {
        "first": spans[0][0] - began,
        "busy": max(end for _, end in spans) - spans[0][0],
        "hop": statistics.median(hops) if hops else 0.0,
    }


def _spans(nodes: list[Nap]) -> list[tuple[float, float]]:
    return [(node.get()[0], node.get()[1]) for node in nodes]


def _chain(count: int) -> list[Nap]:
    nodes: list[Nap] = []
    for number in range(count):
        nodes.append(Nap(number=number, after=nodes[-1] if nodes else None))
    return nodes


def array(directory: str, count: int) -> list[tuple[float, float]]:
    """`submitit.map_array` of the same sleeps."""
    import submitit

    executor: Any = submitit.AutoExecutor(folder=f"{directory}/bare", cluster="slurm")
    executor.update_parameters(timeout_min=30, slurm_array_parallelism=WORKERS)
    jobs = executor.map_array(nap, range(count))
    return [job.result() for job in jobs]


def dag(_: str, count: int) -> list[tuple[float, float]]:
    """A job for each node."""
    nodes = [Nap(number=number) for number in range(count)]
    submit_slurm_dag(nodes, specs=_SPECS).attach().wait()
    return _spans(nodes)


def dag_chain(_: str, count: int) -> list[tuple[float, float]]:
    """A job for each node, each after the one before."""
    nodes = _chain(count)
    submit_slurm_dag(nodes[-1:], specs=_SPECS).attach().wait()
    return _spans(nodes)


def pool(_: str, count: int) -> list[tuple[float, float]]:
    """Workers that do many nodes."""
    nodes = [Nap(number=number) for number in range(count)]
    run_slurm_pool(nodes, specs=_SPECS, max_workers_total=WORKERS)
    return _spans(nodes)


def pool_chain(_: str, count: int) -> list[tuple[float, float]]:
    """One worker, and a node that is ready only when the one before is done."""
    nodes = _chain(count)
    run_slurm_pool(nodes[-1:], specs=_SPECS, max_workers_total=1)
    return _spans(nodes)


def local(_: str, count: int) -> list[tuple[float, float]]:
    """No Slurm at all."""
    nodes = [Nap(number=number) for number in range(count)]
    run_local(nodes, max_workers=WORKERS)
    return _spans(nodes)


CASES: Final = {
    "array": array,
    "dag": dag,
    "dag chain": dag_chain,
    "pool": pool,
    "pool chain": pool_chain,
    "local": local,
}

if __name__ == "__main__":
    main()
