"""Making one artifact stand for another one's result."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from furu import clock
from furu.config import settings
from furu.errors import FuruError
from furu.evolution.journal import living_aliases
from furu.identity.dependencies import direct_dependencies
from furu.lifecycle.artifact import Artifact, Terms
from furu.lifecycle.computable import Computable, artifact_paths, node_name
from furu.lifecycle.compute import record_identity, render_identity
from furu.lifecycle.lease import THIS_PROCESS, Lease
from furu.lifecycle.published import alias_target, find_published
from furu.storage.atomic import TAKEN
from furu.storage.layout import ArtifactPaths, Ending, RootPaths
from furu.storage.records import AliasRecord, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SHOWN: Final = 5


class FuruAliased(FuruError):
    """A result can't be deleted, because aliases stand for it.

    Attributes:
        node: `Class(hash)` of what has the result.
        aliases: references of the artifacts that have no other.
    """

    def __init__(self, *, node: str, aliases: Sequence[str]) -> None:
        shown = ", ".join(aliases[:_SHOWN]) + (", …" if len(aliases) > _SHOWN else "")
        hints = ["delete(force=True) leaves them without a result"]
        super().__init__(f"{len(aliases)} aliases stand for the result of {node}: {shown}", hints=hints)
        self.node = node
        self.aliases = tuple(aliases)


def check_unaliased(config: Computable) -> None:
    """Refuse to go on where living aliases stand for the config's result.

    Raises:
        FuruAliased: there are some.
    """
    found = living_aliases(root_of(config), reference_of(config))
    if found:
        raise FuruAliased(node=node_name(config), aliases=found)


@dataclass(frozen=True)
class PlannedAlias:
    """An alias to be made.

    Attributes:
        config: what it is for.
        own: its reference.
        target: reference of the artifact that has the result.
        because: the steps that lead from one to the other, for people.
    """

    config: Computable
    own: str
    target: str
    because: str

    def __str__(self) -> str:
        steps = f"  {self.because}" if self.because else ""
        return f"{self.own} -> {self.target}{steps}"


@dataclass(frozen=True)
class Conflict:
    """An alias that can't be made without taking something away.

    Attributes:
        own: reference of the artifact that should become an alias.
        target: reference of the one that has the result.
        because: what is in the way.
    """

    own: str
    target: str
    because: str

    def __str__(self) -> str:
        return f"{self.own} -> {self.target}: {self.because}"


def reference_of(config: Computable) -> str:
    """`<namespace>/<hash>`."""
    return f"{config.__furu_class__.namespace}/{config.furu_hash}"


def root_of(config: Computable) -> str:
    """The root that the config's artifact lies below."""
    return artifact_paths(config).base.removesuffix(f"/data/{reference_of(config)}")


def obstacle(paths: ArtifactPaths, target: str) -> str | None:
    """What is in the way of an alias; an empty text when that very alias is there already.

    Raises:
        FuruStoreError: an alias.json that is there can't be read.
    """
    if os.path.lexists(paths.success):
        return "it has a result of its own"
    existing = alias_target(paths, THIS_PROCESS.disk)
    if existing is None:
        return None
    return "" if existing.base.endswith(f"/data/{target}") else f"it is an alias of {existing.base} already"


def make_alias(planned: PlannedAlias, token: str) -> str | None:
    """Write alias.json so that nobody is computing the artifact meanwhile; an own result would count before it.

    Args:
        planned: what to make.
        token: of the migration.

    Returns:
        What was in the way; an empty text when the alias was there already, None when it was made.
    """
    paths = artifact_paths(planned.config)
    if _is_gone(planned, paths):
        return "the result is gone"
    for dependency in direct_dependencies(planned.config):
        record_identity(cast("Computable", dependency), THIS_PROCESS, sync=settings().fsync)
    record = render(AliasRecord(planned.own, planned.target, clock.unix(), f"migration {token}"))
    if not os.path.lexists(paths.base) and _make_whole(planned.config, paths, token, record):
        return None
    known = obstacle(paths, planned.target)
    return known if known is not None else _make_with_lease(planned, paths, record)


def _is_gone(planned: PlannedAlias, paths: ArtifactPaths) -> bool:
    source = ArtifactPaths(paths.base.removesuffix(planned.own) + planned.target)
    return find_published(source, THIS_PROCESS.disk) is None


def _make_whole(config: Computable, paths: ArtifactPaths, token: str, record: bytes) -> bool:
    """Rename a complete directory to where nobody has been yet: there is no lease that could be held in it.

    A tenth of the calls that taking the lease needs; whether it worked.
    """
    disk, root, sync = THIS_PROCESS.disk, root_of(config), settings().fsync
    new = RootPaths(root).new_alias(token)
    disk.make_directories(os.path.dirname(paths.base))
    disk.make_directory(new.base)
    try:
        disk.write_new(new.config, render_identity(config), sync=sync)
        disk.write_new(new.alias, record, sync=sync)
        if sync:
            disk.sync_file(new.base)
        disk.rename(new.base, paths.base)
    except OSError as error:
        disk.remove_tree(new.base)
        if error.errno not in TAKEN:
            raise
        return False
    except BaseException:
        disk.remove_tree(new.base)
        raise
    return True


def _make_with_lease(planned: PlannedAlias, paths: ArtifactPaths, record: bytes) -> str | None:
    artifact = Artifact(paths, THIS_PROCESS)
    current = settings()
    terms = Terms(node_name(planned.config), current.lease_sec, current.heartbeat_sec)
    lease = artifact.acquire(terms) if artifact.holder() is None else None
    if not isinstance(lease, Lease):
        return "somebody is computing it" if lease is None else "it has a result of its own"
    try:
        known = obstacle(paths, planned.target)
        if known is None:
            record_identity(planned.config, THIS_PROCESS, sync=current.fsync)
            THIS_PROCESS.disk.replace(paths.alias, record, suffix=lease.token, sync=current.fsync)
            if current.fsync:
                THIS_PROCESS.disk.sync_file(paths.base)
        return known
    finally:
        THIS_PROCESS.end(lease, Ending.NOOP)
        _tidy(paths, lease.token)


def sync_aliases(made: Iterable[PlannedAlias]) -> None:
    """Force the names of the artifacts that are aliases now to stable storage, a directory once for all in it."""
    directories = {os.path.dirname(artifact_paths(each.config).base): root_of(each.config) for each in made}
    for directory, root in directories.items():
        THIS_PROCESS.disk.sync_file(directory)
        THIS_PROCESS.disk.sync_names(directory, root)


def _tidy(paths: ArtifactPaths, token: str) -> None:
    """Leave nothing of the lease: there was no attempt, and undoing shall give back what was there."""
    with contextlib.suppress(OSError):
        THIS_PROCESS.disk.remove_tree(paths.ended(token, Ending.NOOP).base)
        THIS_PROCESS.disk.remove_directory(paths.attempts)


def paths_to_make(configs: Iterable[Computable]) -> dict[str, list[str]]:
    """Files and directories that recording these configs will make, below each root, in order."""
    made: dict[str, list[str]] = {}
    seen: set[str] = set()
    for config in _with_dependencies(configs):
        root, base = root_of(config), artifact_paths(config).base
        made.setdefault(root, []).extend(path.removeprefix(root + "/") for path in _missing(root, base, seen))
    return made


def _with_dependencies(configs: Iterable[Computable]) -> Iterator[Computable]:
    seen: set[str] = set()
    waiting = list(configs)[::-1]
    while waiting:
        config = waiting.pop()
        if reference_of(config) not in seen:
            seen.add(reference_of(config))
            yield config
            waiting.extend(each for each in direct_dependencies(config) if isinstance(each, Computable))


def _missing(root: str, base: str, seen: set[str]) -> list[str]:
    parents = []
    current = base
    while current != root and current not in seen:
        seen.add(current)
        parents.append(current)
        current = os.path.dirname(current)
    missing = [f"{path}/" for path in reversed(parents) if not os.path.lexists(path)]
    config = ArtifactPaths(base).config
    return missing if os.path.lexists(config) else [*missing, config]
