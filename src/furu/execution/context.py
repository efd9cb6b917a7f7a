"""Which of the two modes `get()` is in: interactive, or strict inside an executor."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Mode = Literal["interactive", "executor"]


@dataclass(frozen=True, slots=True)
class ExecContext:
    """What a thread is working for.

    Attributes:
        mode: `"executor"` makes `get()` load-only.
        spec_key: the resources this worker has; None in interactive mode.
        backend: `"local"`, `"process"`, `"futures"` or `"submitit"`.
        current_node_hash: the config whose `_create()` is running.
    """

    mode: Mode
    spec_key: str | None
    backend: str | None
    current_node_hash: str | None


# The backend of workers that are batch jobs: what they own is on record with the job's id.
BATCH_BACKEND = "submitit"

INTERACTIVE = ExecContext("interactive", None, None, None)

# A ContextVar and not a thread-local: tasks of one thread must not see each other's mode,
# and a new thread must start interactive.
EXEC_CONTEXT: ContextVar[ExecContext] = ContextVar("furu_exec_context", default=INTERACTIVE)


def in_executor() -> bool:
    """True while `get()` is load-only."""
    return EXEC_CONTEXT.get().mode == "executor"


@contextmanager
def executing(context: ExecContext) -> Iterator[None]:
    """Make `context` the current one, and put the last one back afterwards."""
    token = EXEC_CONTEXT.set(context)
    try:
        yield
    finally:
        EXEC_CONTEXT.reset(token)
