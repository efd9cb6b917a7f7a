"""The graph that a storm computes: artifacts that show whether they are whole, and by whom they were made.

Root -> Branch -> Leaf, Small, Steps; and beside it Wiped, Renewed and Cramped, whose directories are deleted, whose
results are replaced, and whose disk is too small.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import furu
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.traces import Trace

STEPS = 8
CRAMPED_BYTES = 24_000


class TornError(Exception):
    """The files of a published result are not all of one attempt."""


@dataclass
class Stage:
    """What the configs of a worker need to know, none of which may be part of their identity.

    Attributes:
        trace: where it writes down what it does.
        chance: of this process.
        top: what the paths in traces are relative to.
        work_sec: longest pause within a computation.
        failure: how often a computation fails by itself.
        fork: how often a computation forks.
    """

    trace: Trace
    top: str
    chance: random.Random = field(default_factory=random.Random)
    work_sec: float = 0.0
    failure: float = 0.0
    fork: float = 0.0

    def fetch(self, config: Node) -> Any:
        """`get()`, traced; what it raises is traced and goes on."""
        facts = {"node": str(config), "base": self.base_of(config)}
        self.trace.note("get", **facts)
        try:
            found = config.get()
        except Exception as error:
            number = getattr(error, "errno", None) or 0
            text = f"{type(error).__name__}: {error}"[:300]
            self.trace.note("raised", type=type(error).__name__, errno=number, text=text, **facts)
            raise
        self.trace.note("got", token=found["token"], value=found["value"], **facts)
        return found

    def base_of(self, config: Node) -> str:
        """The artifact's directory, as traces name it."""
        return artifact_paths(config).base.removeprefix(f"{self.top}/")

    def pause(self) -> None:
        """Work for a while."""
        if self.work_sec:
            time.sleep(self.chance.uniform(0, self.work_sec))

    def maybe_fail(self, node: Node) -> None:
        """Fail, or fork, as computations do."""
        if self.chance.random() < self.failure:
            raise RuntimeError("simulated failure")
        if self.chance.random() < self.fork:
            pid = os.fork()
            if not pid:
                self._leave(node)
            os.waitpid(pid, 0)

    def _leave(self, node: Node) -> None:
        """A forked child's way out, through all that its parent is in the middle of; none of it may have an effect."""
        self.trace.note("forked")
        way = self.chance.random()
        if way < 0.3:
            os._exit(0)
        if way < 0.6 and isinstance(node, Wiped):
            with contextlib.suppress(Exception):
                node.delete()
        raise SystemExit("a forked child")


STAGE: list[Stage] = []
"""The one stage of this process."""


class Node(furu.Furu[dict[str, str]]):
    """An artifact whose value follows from its class, its key and what it is made of."""

    key: int = 0

    def __str__(self) -> str:
        return f"{type(self).__name__}/{self.key}"

    def parts(self) -> list[Node]:
        """What it needs."""
        return []

    def _create(self) -> dict[str, str]:
        stage = STAGE[0]
        token = self.mark()
        facts = {"node": str(self), "base": stage.base_of(self), "token": token}
        stage.trace.note("create", **facts)
        try:
            value = digest(str(self), [stage.fetch(part)["value"] for part in self.parts()])
            stage.maybe_fail(self)
            self.write(stage, token, value)
        except Exception:
            stage.trace.note("failed", **facts)
            raise
        stage.trace.note("created", value=value, **facts)
        return {"token": token, "value": value}

    def mark(self) -> str:
        """The token of this attempt, wherever its files lie."""
        base = artifact_paths(self).base
        leases = [lease for lease in THIS_PROCESS.heart.leases() if lease.lock.paths.base == base and lease.is_held]
        return leases[0].token

    def write(self, stage: Stage, token: str, value: str) -> None:
        """Leave files."""


class Small(Node):
    """A value that lies in the record itself."""

    def write(self, stage: Stage, token: str, value: str) -> None:
        stage.pause()


class Filed(Node):
    """Two files that both name the attempt and the value, written in several goes."""

    def write(self, stage: Stage, token: str, value: str) -> None:
        text = f"{token} {value}\n"
        for name in ("a", "b"):
            with (self.furu_dir / name).open("w") as file:
                file.write(text[:20])
                file.flush()
                stage.pause()
                file.write(text[20:])

    def _load(self) -> dict[str, str]:
        return read_files(self.furu_dir)


class Leaf(Filed):
    """Needs nothing."""


class Wiped(Filed):
    """Whose directory is deleted from time to time."""


class Renewed(Filed):
    """Whose result is computed anew from time to time."""


class Cramped(Filed, version_controlled=True):
    """Lies on a disk that is too small."""

    def write(self, stage: Stage, token: str, value: str) -> None:
        (self.furu_dir / "ballast").write_bytes(b"x" * CRAMPED_BYTES)
        super().write(stage, token, value)


class Steps(Node, resumable=True):
    """Takes several steps, and goes on where the last attempt stopped if that is proven over."""

    def write(self, stage: Stage, token: str, value: str) -> None:
        path = self.furu_dir / "steps"
        done = path.read_text().splitlines() if path.exists() else []
        if done:
            stage.trace.note("continued", node=str(self), token=token, steps=len(done))
        if path.exists() and not path.read_text().endswith("\n") and done:
            done.pop()  # cut off by its writer's death
        for number in range(len(done), STEPS):
            done.append(f"{number} {token}")
            path.write_text("".join(f"{line}\n" for line in done))
            stage.pause()
        (self.furu_dir / "b").write_text(f"{token} {value}\n")

    def _load(self) -> dict[str, str]:
        return read_steps(self.furu_dir)


class Branch(Filed):
    """Needs four, of which it shares three with its neighbours."""

    def parts(self) -> list[Node]:
        return [Small(key=self.key), Leaf(key=self.key), Leaf(key=self.key + 1), Steps(key=self.key // 2)]


class Root(Node):
    """Needs two branches."""

    def parts(self) -> list[Node]:
        return [Branch(key=self.key), Branch(key=self.key + 1)]


def digest(name: str, parts: list[str]) -> str:
    """The value of a node."""
    return hashlib.blake2b(" ".join([name, *parts]).encode(), digest_size=12).hexdigest()


def read_files(directory: Path) -> dict[str, str]:
    """What `Filed` wrote.

    Raises:
        TornError: not all of it is of one attempt.
    """
    first, second = ((directory / name).read_text() for name in ("a", "b"))
    return _whole(first, second)


def read_steps(directory: Path) -> dict[str, str]:
    """What `Steps` wrote.

    Raises:
        TornError: a step is missing, or there are too many.
    """
    steps = (directory / "steps").read_text().splitlines()
    if [line.split()[0] for line in steps] != [str(number) for number in range(STEPS)]:
        raise TornError(f"{directory.name}: {steps}")
    text = (directory / "b").read_text()
    return _whole(text, text)


def _whole(first: str, second: str) -> dict[str, str]:
    token, _, value = first.strip().partition(" ")
    if first != second or not first.endswith("\n"):
        raise TornError(f"{first!r} {second!r}")
    return {"token": token, "value": value}
