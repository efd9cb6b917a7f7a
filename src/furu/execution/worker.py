"""What a worker of any backend does with a node, and how it ended, as a value that crosses process borders."""

from __future__ import annotations

import base64
import contextlib
import pickle
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.errors import (
    FuruCodecError,
    FuruConfigError,
    FuruError,
    FuruLeaseLost,
    FuruLockNotAcquired,
    FuruProtocolError,
    FuruSettingsError,
    FuruStoreError,
    text_of,
)
from furu.execution.context import ExecContext, executing
from furu.execution.scheduling.outcomes import Outcome
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.get import compute_as_node
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published
from furu.lifecycle.result import is_valid
from furu.lifecycle.signals import FuruInterrupted, FuruTerminated

if TYPE_CHECKING:
    from furu.core.furu import Furu

# What trying again can't change: a broken rule, a config or a result that can't be stored, a damaged store.
_NEVER_RETRIED: Final = (FuruProtocolError, FuruStoreError, FuruCodecError, FuruConfigError, FuruSettingsError)


@dataclass(frozen=True)
class NodeEnd:
    """How an attempt at a node ended.

    Attributes:
        outcome: for the schedule.
        wall_sec: how long the worker was busy with it.
        is_computed: it was computed here; False when it was there already or somebody else came first.
        error: the exception itself, where it stayed in this process or is one of furu's own; otherwise None.
        error_type: qualified name of the exception's class; empty without one.
        error_text: its text.
        error_traceback: as Python prints it.
    """

    outcome: Outcome
    wall_sec: float
    is_computed: bool = False
    error: BaseException | None = None
    error_type: str = ""
    error_text: str = ""
    error_traceback: str = ""

    @classmethod
    def of_error(cls, error: BaseException, wall_sec: float) -> NodeEnd:
        """The end that an exception means."""
        return cls(
            outcome=classify(error),
            wall_sec=wall_sec,
            error=error,
            error_type=type(error).__qualname__,
            error_text=text_of(error),
            error_traceback="".join(traceback.format_exception(error)),
        )

    def to_json(self) -> dict[str, Any]:
        """For a process border: everything but an exception of the user's, which might not pickle."""
        error = self.error if isinstance(self.error, FuruError) else None
        with contextlib.suppress(Exception):  # a subclass of the user's, with something in it
            return {**vars(self), "error": base64.b64encode(pickle.dumps(error)).decode("ascii")}
        return {**vars(self), "error": None}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> NodeEnd:
        """What `to_json` gave, in a process of ours."""
        error = None
        with contextlib.suppress(Exception):  # its class is not there in this process
            error = pickle.loads(base64.b64decode(fields["error"]))  # noqa: S301 -- of our own worker
        return cls(**{**fields, "error": error, "outcome": Outcome(fields["outcome"])})


def classify(error: BaseException) -> Outcome:
    """Whose failure it is: the computation's, the protocol's, or nobody's."""
    if isinstance(error, FuruLockNotAcquired):
        return Outcome.LEASED_ELSEWHERE
    if isinstance(error, (FuruTerminated, FuruInterrupted, KeyboardInterrupt)):
        return Outcome.PREEMPTED
    if isinstance(error, FuruLeaseLost):
        return Outcome.WORKER_LOST
    if isinstance(error, _NEVER_RETRIED):
        return Outcome.PROTOCOL_FAILED
    return Outcome.COMPUTE_FAILED


def run_node(obj: Furu[Any], *, spec_key: str, backend: str) -> NodeEnd:
    """Compute one node, strictly: its dependencies must be there.

    Never raises an `Exception`, nor a `SystemExit` of the user's; interruptions go on to the caller.

    Args:
        obj: the node.
        spec_key: the resources this worker has.
        backend: for `ExecContext`.
    """
    began = clock.monotonic()
    try:
        with executing(ExecContext("executor", spec_key, backend, obj.furu_hash)):
            is_computed = compute_as_node(obj, may_wait=False)
            outcome = Outcome.SUCCEEDED if _is_accepted(obj) else Outcome.INVALID
    except (FuruTerminated, FuruInterrupted):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- a worker outlives its nodes, and reports what went wrong
        return NodeEnd.of_error(error, clock.monotonic() - began)
    return NodeEnd(outcome, clock.monotonic() - began, is_computed=is_computed)


def _is_accepted(obj: Furu[Any]) -> bool:
    """Whether the class accepts what was just published; dependents would call a refused one missing."""
    if not obj.__furu_options__.has_validate:
        return True
    paths = artifact_paths(obj)
    published = find_published(paths, THIS_PROCESS.disk)
    return published is not None and is_valid(obj, paths, published)
