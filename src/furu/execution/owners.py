"""Nodes that somebody else computes: what became of them, and how long to wait for their owners."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu.config import settings
from furu.errors import FuruError, FuruStoreError
from furu.execution.plan import DependencyPlan, Status, build_plan
from furu.lifecycle.artifact import UNREADABLE_LEASE_SEC, Artifact
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.layout import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable

    from furu.core.furu import Furu
    from furu.lifecycle.artifact import Holder

_LOG: Final = logging.getLogger("furu")


class FuruFailedDependencies(FuruError, RuntimeError):
    """Nodes of the plan failed before, and `FURU_RETRY_FAILED` is off.

    Attributes:
        nodes: `Class(hash)` of each.
    """

    def __init__(self, nodes: Iterable[str]) -> None:
        self.nodes = tuple(nodes)
        hints = ["set FURU_RETRY_FAILED=1 to compute them again", "furu_dir and log() of each say what went wrong"]
        super().__init__(f"failed dependencies: {', '.join(self.nodes)}", hints=hints)


class FuruStaleOwner(FuruError, RuntimeError):
    """Somebody else holds the lease of a node but shows no sign of life, and `FURU_RETRY_FAILED` is off.

    Attributes:
        node: `Class(hash)`.
        owner: who holds the lease.
        quiet_sec: for how long this run has seen no heartbeat.
    """

    def __init__(self, *, node: str, owner: str, quiet_sec: float) -> None:
        self.node = node
        self.owner = owner
        self.quiet_sec = quiet_sec
        hints = ["set FURU_RETRY_FAILED=1 to take it over", "FURU_STALE_AFTER_SECS sets how long to wait"]
        super().__init__(f"Stale {node}: no heartbeat of {owner} for {quiet_sec:.1f} s", hints=hints)


class Sight(NamedTuple):
    """What became of a node that somebody else computed.

    Attributes:
        hash: which node.
        plan: a new plan for it; None when there is no use in going on with it.
        error: why there is none.
    """

    hash: str
    plan: DependencyPlan | None
    error: FuruError | None = None


class OwnerWatch:
    """Looks after nodes that somebody else computes. Serves one run, and one thread of it."""

    def __init__(self) -> None:
        # Kept from look to look: a silent owner is judged by how long *we* have seen no heartbeat.
        self._artifacts: dict[str, Artifact] = {}

    def look_at(self, obj: Furu[Any]) -> Sight | None:
        """What became of a node; None while its owner is at work.

        An owner that was silent for `FURU_STALE_AFTER_SECS`, and for longer than it promised, loses its lease.
        """
        furu_hash = obj.furu_hash
        artifact = self._artifacts.setdefault(furu_hash, Artifact(artifact_paths(obj), THIS_PROCESS))
        holder = artifact.holder()
        error = _problem_with(holder, artifact, node_name(obj)) if holder is not None else None
        if error is not None:
            return Sight(furu_hash, None, error)
        found = build_plan([obj]) if holder is None else None
        if found is None or found.nodes[furu_hash].status is Status.IN_PROGRESS:
            return None
        del self._artifacts[furu_hash]
        failed = [node.name for node in found.with_status(Status.FAILED)]
        return Sight(furu_hash, None, FuruFailedDependencies(failed)) if failed else Sight(furu_hash, found)


def _problem_with(holder: Holder, artifact: Artifact, node: str) -> FuruError | None:
    """Why not to wait for an owner any longer; None when there is no reason, or no owner any more."""
    owner = holder.owner.process if holder.owner else "an owner whose record can't be read"
    if holder.is_stuck:
        return FuruStoreError(f"{owner} holds {node}: {holder.because}", path=Path(artifact.paths.lock))
    promised_sec = holder.owner.lease_sec if holder.owner else UNREADABLE_LEASE_SEC
    current = settings()
    if holder.quiet_sec <= max(promised_sec, current.stale_after_sec):
        return None
    if not current.retry_failed:
        return FuruStaleOwner(node=node, owner=owner, quiet_sec=holder.quiet_sec)
    if artifact.lock.end(holder.token, Ending.LOST):
        _LOG.warning("%s: took the lease from %s: no heartbeat for %.1f s", node, owner, holder.quiet_sec)
    return None
