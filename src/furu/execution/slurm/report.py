"""What became of the nodes of a submission, as values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class NodeState(StrEnum):
    """What became of a node."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


OPEN: Final = frozenset({NodeState.QUEUED, NodeState.RUNNING})


@dataclass(frozen=True, slots=True)
class DagNode:
    """A node of a submission.

    Attributes:
        furu_hash: its hash.
        name: `Class(hash)`.
        spec_key: the resources it wants.
        job_id: its job.
        furu_dir: its directory.
        deps: hashes of the nodes it waits for.
        state: what became of it.
        because: why: Slurm's word while it is open, how it ended afterwards.
        ending: how its job ended: `"failed"`, `"cancelled"`, `"timed-out"`, `"node-failed"`, `"preempted"`,
            `"dependency-never-satisfied"`, `"unknown"`; empty while it is open, and when it is done.
    """

    furu_hash: str
    name: str
    spec_key: str
    job_id: str
    furu_dir: str
    deps: tuple[str, ...] = ()
    state: NodeState = NodeState.QUEUED
    because: str = ""
    ending: str = ""


@dataclass(frozen=True)
class DagReport:
    """What became of the nodes of a submission.

    Attributes:
        run_id: of the submission.
        nodes: by hash.
    """

    run_id: str
    nodes: Mapping[str, DagNode]

    @property
    def is_finished(self) -> bool:
        """True when no node waits, runs or may still run."""
        return not any(node.state in OPEN for node in self.nodes.values())

    def counts(self) -> Counter[NodeState]:
        """How many nodes there are of each state."""
        return Counter(node.state for node in self.nodes.values())

    def with_state(self, state: NodeState) -> list[DagNode]:
        """The nodes of one state."""
        return [node for node in self.nodes.values() if node.state is state]

    def causes_of(self, furu_hash: str) -> tuple[str, ...]:
        """Names of the failed nodes that keep the skipped one with the hash `furu_hash` from running.

        Raises:
            KeyError: no node has that hash.
        """
        seen = {furu_hash}
        waiting = [furu_hash]
        while waiting:
            new = [dep for dep in self.nodes[waiting.pop()].deps if dep in self.nodes and dep not in seen]
            seen.update(new)
            waiting += new
        return tuple(self.nodes[each].name for each in seen if self.nodes[each].state is NodeState.FAILED)

    def __str__(self) -> str:
        counts = self.counts()
        lines = [f"run {self.run_id}: " + ", ".join(f"{counts[state]} {state}" for state in NodeState if counts[state])]
        trouble = [*self.with_state(NodeState.FAILED), *self.with_state(NodeState.SKIPPED)]
        return "\n".join([*lines, *(f"  {node.state} {node.name}: {node.because}" for node in trouble)])
