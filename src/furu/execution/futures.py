"""`run_futures`: a graph over any `concurrent.futures.Executor`: Dask's, loky's, executorlib's, the standard ones."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import queue
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu import clock
from furu.errors import FuruError, add_context
from furu.execution.drive import drive
from furu.execution.payload import PayloadWriter, run_payload
from furu.execution.reporting.progress import default_reporter
from furu.execution.run import Run
from furu.execution.scheduling.arguments import FuruArgumentTypeError, FuruArgumentValueError, check_count
from furu.execution.scheduling.outcomes import Outcome
from furu.execution.worker import NodeEnd
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from furu.core.furu import Furu
    from furu.execution.reporting.reporter import Reporter
    from furu.execution.run import Task
    from furu.execution.scheduling.arguments import OnError, WindowSize
    from furu.execution.scheduling.outcomes import Start

_IN_FLIGHT: Final = 32
_FREE_PASSES: Final = 10


class FuruMissingExecutor(FuruError, KeyError):
    """The plan has a spec key for which there is no executor.

    Attributes:
        spec_key: the key.
        node: `Class(hash)` of a node that wants it.

    Args:
        known: the keys for which there is one.
    """

    def __init__(self, *, spec_key: str, node: str, known: Iterable[str]) -> None:
        listed = ", ".join(sorted(known)) or "none"
        super().__init__(f"{node} wants spec key {spec_key!r}, but executors are given for: {listed}")
        self.spec_key = spec_key
        self.node = node


def run_futures(
    roots: Iterable[Furu[Any]],
    executors: Mapping[str, Executor | Callable[[], Executor]],
    *,
    in_flight: int = _IN_FLIGHT,
    window_size: WindowSize = "bfs",
    poll_interval_sec: float = 1.0,
    limits: Mapping[str, int] | None = None,
    on_error: OnError = "stop",
    reporter: Reporter | None = None,
) -> None:
    """`run_local` over executors that somebody else runs, one for each spec key.

    Nodes travel as short JSON texts and artifacts through the store, which all workers must see under the same path.
    A worker that dies costs its node an attempt. After the first failure nodes that wait for a worker are taken back;
    what runs may finish, unless the engine drops it (Dask calls a running node cancelled, too).

    Args:
        roots: configs.
        executors: for each spec key an executor, or a callable that makes one. One that was made here is made again
            when it breaks, and shut down at the end; one that was given is left as it is.
        in_flight: how many nodes each executor is given at once: its workers, and a few more so that none waits.
        window_size: as in `run_local`.
        poll_interval_sec: how often to look after nodes that somebody else computes.
        limits: as in `run_local`.
        on_error: as in `run_local`.
        reporter: as in `run_local`.

    Raises:
        FuruMissingExecutor: (a `KeyError`) before anything starts: a node's spec key has no executor.
        RuntimeError: an executor that was given broke, or was shut down by somebody else.
        Exception: as `run_local`.
    """
    in_flight = check_count(in_flight, "in_flight")
    pools = {key: _Pool(_checked(key, executor)) for key, executor in _checked_mapping(executors).items()}
    run = Run(
        roots,
        window_size=window_size,
        max_running=None,
        limits=limits,
        on_error=on_error,
        poll_interval_sec=poll_interval_sec,
        reporter=reporter or default_reporter(),
        check=lambda plan: _check_keys(plan.nodes.values(), pools),
    )
    drive(run, _Futures(run.run_id, pools, in_flight))


class _Pool:
    """An executor, and how to make another one."""

    def __init__(self, source: Executor | Callable[[], Executor]) -> None:
        self._make = None if isinstance(source, Executor) else source
        self._executor = source if isinstance(source, Executor) else None
        self.running = 0

    def submit(self, payload: str) -> Future[str]:
        if self._executor is None and self._make is not None:
            self._executor = self._make()
        if self._executor is None:
            raise BrokenExecutor
        try:
            return self._executor.submit(run_payload, payload)
        except BrokenExecutor as error:
            if self._make is None:
                add_context(error, "given a callable that makes the executor, run_futures() goes on with a new one")
                raise
            self.close(wait=False)
            return self.submit(payload)

    def close(self, *, wait: bool) -> None:
        """Shut down what was made here."""
        if self._make is not None and self._executor is not None:
            self._executor.shutdown(wait=wait)
            self._executor = None


class _Futures:
    """An engine over executors: whatever thread a future ends in, its end comes through one queue."""

    def __init__(self, run_id: str, pools: Mapping[str, _Pool], in_flight: int) -> None:
        self._writer = PayloadWriter(run_id, "futures")
        self._pools = pools
        self._in_flight = in_flight
        self._ends: queue.SimpleQueue[_Flight] = queue.SimpleQueue()
        self._flights: dict[Future[str], _Flight] = {}
        self._is_taken_back = False
        self._passes: Counter[str] = Counter()

    def free(self) -> dict[str, int]:
        return {key: self._in_flight - pool.running for key, pool in self._pools.items()}

    def start(self, task: Task) -> None:
        pool = self._pools[task.start.spec_key]
        future = pool.submit(self._writer.payload(task))
        pool.running += 1
        flight = self._flights[future] = _Flight(task, future, clock.monotonic(), clock.unix_ns())
        future.add_done_callback(lambda _: self._ends.put(flight))

    def wait(self, timeout_sec: float | None) -> list[tuple[Start, NodeEnd]]:
        ends = []
        with contextlib.suppress(queue.Empty):
            flight = self._ends.get(timeout=timeout_sec)
            while True:
                self._pools[flight.task.start.spec_key].running -= 1
                del self._flights[flight.future]
                ends.append((flight.task.start, self._bounded(flight.end(is_taken_back=self._is_taken_back), flight)))
                flight = self._ends.get_nowait()
        return ends

    def _bounded(self, end: NodeEnd, flight: _Flight) -> NodeEnd:
        """A node that executors break on again and again, without ever beginning with it, is lost after all."""
        if end.outcome is Outcome.NOT_STARTED and not self._is_taken_back:
            self._passes[flight.task.start.hash] += 1
            if self._passes[flight.task.start.hash] > _FREE_PASSES:
                return dataclasses.replace(end, outcome=Outcome.WORKER_LOST)
        return end

    def take_back(self) -> None:
        if not self._is_taken_back:
            self._is_taken_back = True
            for future in list(self._flights):
                future.cancel()

    def close(self) -> None:
        for future in list(self._flights):
            future.cancel()
        for pool in self._pools.values():
            pool.close(wait=not self._flights)


class _Flight(NamedTuple):
    """A node that an executor has.

    Attributes:
        task: the node.
        future: its end.
        began: when it was submitted, on the clock of `clock.monotonic`.
        began_ns: the same, as tokens of attempts have it.
    """

    task: Task
    future: Future[str]
    began: float
    began_ns: int

    def end(self, *, is_taken_back: bool) -> NodeEnd:
        """How it ended; an engine's own error says nothing about the computation."""
        try:
            return NodeEnd.from_json(json.loads(self.future.result()))
        except CancelledError:
            outcome = Outcome.NOT_STARTED if is_taken_back else Outcome.PREEMPTED
            return self._lost(outcome, "the executor cancelled it")
        except BrokenExecutor as error:
            return self._lost(self._fate(), f"the executor broke: {type(error).__qualname__}: {error}")
        except Exception as error:  # noqa: BLE001 -- engines have their own words for a worker that died
            return self._lost(Outcome.WORKER_LOST, f"the executor lost it: {type(error).__qualname__}: {error}")

    def _lost(self, outcome: Outcome, text: str) -> NodeEnd:
        return NodeEnd(outcome, clock.monotonic() - self.began, error_text=text)

    def _fate(self) -> Outcome:
        """What became of a node in an executor that broke: one node killed its worker, and took all others with it.

        Those did nothing wrong, and most had not even begun; what each has left in the store tells.
        """
        artifact = Artifact(artifact_paths(self.task.obj), THIS_PROCESS)
        if artifact.holder() is not None:
            return Outcome.LEASED_ELSEWHERE  # its worker is about to be ended, but was not the one that broke
        newest = artifact.newest_ended()
        if newest is None or newest.token < f"{self.began_ns:020d}":
            return Outcome.NOT_STARTED
        return Outcome.PREEMPTED if newest.ending is Ending.PREEMPTED else Outcome.WORKER_LOST


def _checked_mapping(executors: Any) -> Mapping[str, Any]:
    if not isinstance(executors, Mapping):
        accepts = 'a mapping of spec keys to executors, such as {"default": executor}'
        raise FuruArgumentTypeError(argument="executors", value=executors, accepts=accepts)
    return executors


def _checked(key: object, executor: Any) -> Executor | Callable[[], Executor]:
    if not isinstance(key, str):
        raise FuruArgumentTypeError(argument="executors", value=key, accepts="a mapping with spec keys (str) as keys")
    if not isinstance(executor, Executor) and not callable(executor):
        accepts = "a concurrent.futures.Executor or a callable that makes one"
        hints = ["its get_executor() gives one"] if hasattr(executor, "get_executor") else []
        raise FuruArgumentTypeError(argument=f"executors[{key!r}]", value=executor, accepts=accepts, hints=hints)
    return executor  # type: ignore[no-any-return]


def _check_keys(nodes: Iterable[Any], pools: Mapping[str, _Pool]) -> None:
    if not pools:
        raise FuruArgumentValueError(argument="executors", value={}, accepts="at least one executor")
    for node in nodes:
        if node.status.value != "done" and node.spec_key not in pools:
            raise FuruMissingExecutor(spec_key=node.spec_key, node=node.name, known=pools)
