"""The loop of a driver that hands nodes to an engine and waits for their ends; threads don't need one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from furu import clock
from furu.lifecycle.signals import computing, shielded

if TYPE_CHECKING:
    from furu.execution.run import Run, Task
    from furu.execution.scheduling.outcomes import Start
    from furu.execution.scheduling.queues import Free
    from furu.execution.worker import NodeEnd


class Engine(Protocol):
    """Something that computes nodes elsewhere.

    Conditions: a task that `start` took comes back from `wait` exactly once; `wait` returns early when one ends and
    sleeps otherwise; a signal that strikes while it sleeps loses nothing that the engine must close; `close` leaves
    nothing running that this engine started.
    """

    def free(self) -> Free:
        """Room for more nodes: a number, or a number for each spec key."""

    def start(self, task: Task) -> None:
        """Begin with a node; must not block until it ends."""

    def wait(self, timeout_sec: float | None) -> list[tuple[Start, NodeEnd]]:
        """What ended, waiting for the first end at most `timeout_sec`; None for as long as it takes."""

    def take_back(self) -> None:
        """Nothing shall begin any more: what waits for a worker ends as not started."""

    def close(self) -> None:
        """Give back what the engine holds."""


def drive(run: Run, engine: Engine) -> None:
    """Run everything.

    Raises:
        FuruProtocolError, FuruComputeError, FuruRunError: as `Run.finish` says.
    """
    try:
        with computing():
            with shielded():
                run.begin()
            while not run.is_finished:
                run.heed([run.look_at(furu_hash) for furu_hash in run.due_owners()])
                # A signal in the middle would leave a worker that nobody knows of.
                with shielded():
                    for task in run.tasks(engine.free()):
                        engine.start(task)
                if not run.is_finished:
                    for start, end in engine.wait(_pause_sec(run.wake_at())):
                        run.finished(start, end)
                if run.schedule.is_stopped:
                    engine.take_back()
    except BaseException as error:
        engine.close()
        run.interrupted(error)
        raise
    engine.close()
    run.finish()


def _pause_sec(wake_at: float | None) -> float | None:
    return None if wake_at is None else max(0.0, wake_at - clock.monotonic())
