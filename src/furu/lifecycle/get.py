"""`get()`: gather facts, decide, perform. One path for both modes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from furu import clock, logs
from furu.config import is_always_rerun, resolve_always_rerun, settings
from furu.errors import (
    FuruDependencyCycle,
    FuruLeaseLost,
    FuruMissingArtifact,
    FuruSpecMismatch,
    FuruValidationError,
)
from furu.execution.context import BATCH_BACKEND, EXEC_CONTEXT
from furu.lifecycle import misses
from furu.lifecycle import result as results
from furu.lifecycle.artifact import Artifact, Holder
from furu.lifecycle.computable import artifact_paths, node_name, qualified_name
from furu.lifecycle.compute import Attempt, terms_of
from furu.lifecycle.decide import Action, Facts, Verdict, decide
from furu.lifecycle.defaults import check_defaults
from furu.lifecycle.failures import raise_previous_failure, refuse_losing
from furu.lifecycle.lease import THIS_PROCESS, Lease
from furu.lifecycle.overrides import ABSENT, OVERRIDES
from furu.lifecycle.patience import Patience, describe_holder, refuse_unwritable
from furu.lifecycle.published import Published, find_published, why_inactive
from furu.lifecycle.schedulers import NO_JOBS, look_at_jobs
from furu.lifecycle.signals import computing, shielded
from furu.lifecycle.workspace import check_depth, is_computing, open_nodes
from furu.storage.layout import ArtifactPaths, Ending

if TYPE_CHECKING:
    from furu.config import Settings
    from furu.lifecycle.computable import Computable
    from furu.lifecycle.lease import Participant

_LOG: Final = logging.getLogger("furu")

Outcome = tuple[Literal["success", "failed"], bool, Any]


class Request:
    """One call of `get()`, `exists()` or `_run_locally()` on one config: the facts it gathered so far."""

    def __init__(self, obj: Computable, *, is_forced: bool = False, participant: Participant = THIS_PROCESS) -> None:
        self.obj = obj
        self.paths: ArtifactPaths = artifact_paths(obj)
        self.is_forced = is_forced
        self.context = EXEC_CONTEXT.get()
        self.participant = participant
        self.artifact = Artifact(self.paths, participant)
        self.published: Published | None = None
        self.refused: str | None = None  # token of a published result that is not good enough
        self.has_alias = False  # when its directory was listed last

    def first_look(self) -> Verdict:
        """Decide by the published result alone: all that a cache hit needs."""
        self.find_published()
        return decide(self._facts(is_always_rerun=is_always_rerun(qualified_name(self.obj))))

    def find_published(self) -> Published | None:
        """The published result.

        Before an executor calls it missing, the directory is listed: a network filesystem may remember a lookup.
        """
        self.published = find_published(self.paths, self.participant.disk)
        if self.published is None and self.context.mode == "executor":
            success = self.artifact.success_by_listing()
            self.published = Published(success, self.paths) if success is not None else None
        return self.published

    def look(self, current: Settings) -> tuple[Verdict, Holder | None]:
        """Decide again with the owner and the last attempt in view."""
        # One listing: for what was never computed it is all there is to ask, and no stale lookup can hide a name.
        parts = self.artifact.lock.parts()
        self.has_alias = parts.is_alias
        has_result = parts.is_published or self.has_alias
        self.published = find_published(self.paths, self.participant.disk) if has_result else None
        # Whether computing is allowed here was decided before; what is left is the same in both modes.
        facts = self._facts(is_always_rerun=False)._replace(is_executor=False)
        if facts.is_published and facts.is_valid:
            return decide(facts), None
        if facts.is_published:
            self.refuse_published()
        holder = (self.artifact.holder() if parts.has_lock else None) or (
            self._queued_job(current) if parts.has_jobs else None
        )
        facts = facts._replace(
            holder=describe_holder(holder) if holder else None,
            has_failed=parts.has_attempts and not holder and not current.retry_failed and self.has_failed(),
            retry_failed=current.retry_failed,
        )
        return decide(facts), holder

    def has_failed(self) -> bool:
        """Whether the attempt that ended last failed."""
        newest = self.artifact.newest_ended()
        return newest is not None and newest.ending is Ending.FAILED

    def _queued_job(self, current: Settings) -> Holder | None:
        """The batch job that will compute it; one that waits in its queue holds no lease.

        Among batch workers the lease decides: in a full queue they would wait for what waits for their place.
        """
        if self.context.backend == BATCH_BACKEND:
            return None
        found = look_at_jobs([self.paths], self.participant, stale_after_sec=current.stale_after_sec)
        live = found.get(self.paths.base, NO_JOBS).live
        return Holder("", None, "it waits in the queue or runs", job=live) if live is not None else None

    def refuse_published(self) -> None:
        """The published result won't do; only another one will."""
        self.refused = self.published.token if self.published else None

    def load(self, *, is_of_now: bool = False) -> Any:
        """The value; to be called after a verdict of LOAD."""
        return results.load(self.obj, self.paths, cast("Published", self.published), is_of_now=is_of_now)

    def _facts(self, *, is_always_rerun: bool) -> Facts:
        published = self.published
        is_published = published is not None and published.token != self.refused
        return Facts(
            is_executor=self.context.mode == "executor",
            is_forced=self.is_forced,
            is_published=is_published,
            is_valid=is_published and published is not None and results.is_valid(self.obj, self.paths, published),
            is_always_rerun=is_always_rerun,
            required_spec=self.obj._executor_spec_key(),
            worker_spec=self.context.spec_key,
        )


def get(obj: Computable, *, force: bool = False) -> Any:
    """The artifact's value: loaded if it is there, else computed where that is allowed.

    Raises:
        FuruMissingArtifact: executor mode, and it isn't there.
        FuruSpecMismatch: executor mode with `force`, on a worker with another spec key.
        FuruComputeError: it failed before and `FURU_RETRY_FAILED` is off.
        FuruWaitTimeout: its owner did not finish in time.
        FuruNestedTooDeep: too many `_create()`s wait for it, each in the next one's `get()`.
        Exception: what `_create()`, `_load()` or `_validate()` raised.
    """
    if OVERRIDES and (value := OVERRIDES.get(obj.furu_hash, ABSENT)) is not ABSENT:
        return value
    return answer(Request(obj, is_forced=force))


def answer(request: Request) -> Any:
    """What `get()` gives, for a request that is already put."""
    obj = request.obj
    verdict = request.first_look()
    if verdict.action is Action.LOAD:
        try:
            return request.load()
        except FuruValidationError as error:
            _LOG.warning("%s is not valid any more: %s", node_name(obj), error)
            request.refuse_published()
            verdict = decide(request._facts(is_always_rerun=False))
    if verdict.action is Action.REFUSE_MISSING:
        raise FuruMissingArtifact(node=node_name(obj), requested_by=request.context.current_node_hash)
    if verdict.action is Action.REFUSE_SPEC:
        raise FuruSpecMismatch(required=obj._executor_spec_key(), worker=request.context.spec_key)
    if request.published is None and request.context.mode == "interactive":
        misses.tell(obj)
    request.refuse_published()
    status, created_here, value = run(request, clock.unix(), executor_mode=request.context.mode == "executor")
    if status == "failed":
        raise_previous_failure(request.obj, request.artifact, request.participant.disk)
    return value if created_here else request.load(is_of_now=True)


def verdict_of(obj: Computable) -> Verdict:
    """What `get()` would do now, and why. Performs nothing."""
    request = Request(obj)
    verdict = request.first_look()
    if verdict.action is not Action.COMPUTE:
        return verdict
    request.refuse_published()
    return request.look(settings())[0]


def exists(obj: Computable) -> bool:
    """Whether the artifact is published and valid. Never computes, and writes nothing."""
    if OVERRIDES and obj.furu_hash in OVERRIDES:
        return True
    request = Request(obj)
    published = request.find_published()
    return published is not None and results.is_valid(obj, request.paths, published)


def run_locally(obj: Computable, start_time: float, *, executor_mode: bool = False) -> Outcome:
    """Make the artifact be there, by computing it here or by waiting for who does.

    Args:
        obj: the config.
        start_time: when the caller began to wait, in seconds since the epoch; counts against the longest wait.
        executor_mode: make `get()` load-only while `_create()` runs.

    Returns:
        `("success", True, value)` when it was computed here, `("success", False, None)` when somebody else did,
        `("failed", False, None)` when its last attempt failed and `FURU_RETRY_FAILED` is off.
    """
    if OVERRIDES and obj.furu_hash in OVERRIDES:
        return "success", False, None
    request = _demand(obj)
    return run(request, start_time, executor_mode=executor_mode)


def _demand(obj: Computable) -> Request:
    """A request that may compute; of an always-rerun class, one that the published result doesn't satisfy."""
    request = Request(obj, is_forced=True)
    if is_always_rerun(qualified_name(obj)):
        request.find_published()
        request.refuse_published()
    return request


def run(request: Request, start_time: float, *, executor_mode: bool, may_wait: bool = True) -> Outcome:
    """Compute or wait, until one of the outcomes of `run_locally` is reached.

    Raises:
        FuruLockNotAcquired: somebody else computes it, and we may not wait.
        FuruNestedTooDeep: too many computations wait for this one.
    """
    obj, base = request.obj, request.paths.base
    if is_computing(base):
        around = open_nodes()
        raise FuruDependencyCycle(cycle=[*around[around.index(node_name(obj)) :], node_name(obj)])
    check_depth(node_name(obj))
    current = settings()
    resolve_always_rerun()
    logs.console()
    check_defaults(obj, request.participant.disk)
    results.check_result_type(obj)
    patience = Patience(obj, base, request.participant.disk, current, start_time, may_wait=may_wait)
    with request.participant.flights.turn(base, patience.left_sec()) as is_our_turn:
        if not is_our_turn:
            raise patience.error(None)
        losses = 0
        while True:
            verdict, holder = request.look(current)
            if verdict.action is Action.LOAD:
                return "success", False, None
            if verdict.action is Action.REFUSE_FAILED:
                return "failed", False, None
            if verdict.action is Action.WAIT:
                patience.nap(holder)
                continue
            _warn_of_inactive_alias(request)
            attempt, value = _attempt(request, current, executor_mode=executor_mode)
            if attempt is None:
                continue
            if attempt.is_published:
                return "success", True, value
            if attempt.lease.is_cancelled:
                msg = f"{node_name(obj)} was preempted while it was computed"
                raise FuruLeaseLost(msg, node=node_name(obj), furu_dir=Path(base))
            losses += 1
            refuse_losing(obj, base, losses)


def _warn_of_inactive_alias(request: Request) -> None:
    """What was there yesterday and is computed today deserves a word."""
    because = why_inactive(request.paths, request.participant.disk) if request.has_alias else None
    if because is not None:
        _LOG.warning("%s is computed: %s", node_name(request.obj), because)


def _attempt(request: Request, current: Settings, *, executor_mode: bool) -> tuple[Attempt | None, Any]:
    """One attempt and the value it computed; None where the lease was not to be had."""
    attempt: Attempt | None = None
    with computing():
        try:
            # A signal between the acquiring and the `try` would leave a lease that nobody ends.
            with shielded():
                lease = _acquire(request, current)
                if lease is not None:
                    attempt = Attempt(request.obj, request.artifact, lease, request.participant, current)
            if attempt is None:
                return None, None
            if not current.retry_failed and request.has_failed():  # since we looked, and before the lease was ours
                attempt.close(Ending.NOOP)
                return None, None
            return attempt, attempt.run(executor_mode=executor_mode)
        finally:
            if attempt is not None:
                attempt.close()


def _acquire(request: Request, current: Settings) -> Lease | None:
    """The lease, or None when the caller should look again.

    Raises:
        FuruStoreError: the root can't be written.
    """
    try:
        terms = terms_of(request.obj, current, request.participant)
        lease = request.artifact.acquire(terms, known=request.refused)
    except OSError as error:
        refuse_unwritable(request.obj, request.paths.base, error)
        raise
    return lease if isinstance(lease, Lease) else None


def compute_as_node(obj: Computable, *, may_wait: bool = True) -> bool:
    """What an executor's worker does with its node: make the artifact be there, in the context that is set.

    Args:
        obj: the node.
        may_wait: wait where somebody else computes it, instead of raising.

    Returns:
        Whether it was computed here; False when it was there or somebody else came first.

    Raises:
        FuruLockNotAcquired: somebody else computes it, and `may_wait` is False.
        FuruComputeError: it failed before and `FURU_RETRY_FAILED` is off.
        Exception: what `_create()` raised.
    """
    if OVERRIDES and obj.furu_hash in OVERRIDES:
        return False
    request = _demand(obj)
    status, created_here, _ = run(request, clock.unix(), executor_mode=True, may_wait=may_wait)
    if status == "failed":
        raise_previous_failure(request.obj, request.artifact, request.participant.disk)
    return created_here
