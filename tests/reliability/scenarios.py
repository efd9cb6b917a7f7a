"""What happens to an artifact, step by step: the ground for "let call number n go wrong, for every n"."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from tests.reliability.configs import Checkpointed, Nested, Number, Pair, read_pair
from tests.support.disks import NumberedDisk, working_through

if TYPE_CHECKING:
    from collections.abc import Callable


def nothing() -> None:
    """Prepare nothing."""


def publish_pair() -> None:
    """Have a result already."""
    Pair().get()


def fail_first_half() -> None:
    """Have an attempt already that failed half-way."""
    with contextlib.suppress(RuntimeError):
        Checkpointed().get()


def get_again() -> Any:
    """Compute although there is a result, and replace it."""
    with furu.using(always_rerun={f"{Pair.__module__}.Pair"}):
        return Pair().get()


def get_without_retry() -> Any:
    """Compute where a failure would be final."""
    with furu.using(retry_failed=False):
        return Number().get()


@dataclass(frozen=True)
class Scenario:
    """Something that `act` does after `prepare`, on the artifact of `config`; `check` raises if a value is wrong."""

    config: Any
    act: Callable[[], Any]
    prepare: Callable[[], None] = nothing
    is_published_throughout: bool = False

    @property
    def configs(self) -> list[Any]:
        """All whose artifacts it touches."""
        return [self.config, *([Number(), Pair()] if isinstance(self.config, Nested) else [])]

    def check(self) -> None:
        """The published result, loaded as anybody would, is whole."""
        value = self.config.get()
        if isinstance(self.config, Pair):
            assert value == read_pair(self.config.furu_dir)
        elif isinstance(self.config, Nested):
            assert value == f"1 {read_pair(Pair().furu_dir)}"
        elif isinstance(self.config, Checkpointed):
            assert value >= 2  # each attempt that was killed has added to it
        else:
            assert value == 1


SCENARIOS: Final = {
    "cold": Scenario(Pair(), Pair().get),
    "no files": Scenario(Number(), get_without_retry),
    "nested": Scenario(Nested(), Nested().get),
    "re-publish": Scenario(Pair(), get_again, publish_pair, is_published_throughout=True),
    "resumed": Scenario(Checkpointed(), Checkpointed().get, fail_first_half),
    "delete": Scenario(Pair(), Pair().delete, publish_pair),
}


def count_calls(scenario: Scenario, root: str) -> list[str]:
    """The calls of a run in which nothing goes wrong."""
    disk = NumberedDisk()
    with furu.using(path=root):
        scenario.prepare()
        with working_through(disk):
            scenario.act()
    return [str(call) for call in disk.calls]


def leftovers(root: str) -> list[str]:
    """What no finished process may leave: held locks, half-made leases, temporary files, leases in memory."""
    found = [f"in memory {lease.token}" for lease in THIS_PROCESS.heart.leases()]
    for directory, names, files in os.walk(root):
        if os.path.basename(directory) == "lock" and names:
            found.append(f"held {names}")
        found += [name for name in (*names, *files) if name.startswith("new-") or name.endswith(".tmp")]
    return found


def endings(config: Any) -> list[str]:
    """How the attempts at an artifact ended, oldest first."""
    directory = Path(artifact_paths(config).attempts)
    return [path.suffix[1:] for path in sorted(directory.iterdir())] if directory.exists() else []


def is_published(config: Any) -> bool:
    """Whether the record is there, whatever is in it."""
    return os.path.exists(artifact_paths(config).success)
