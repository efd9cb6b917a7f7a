"""What is on disk about one artifact, for people and tools: directory, log, metadata, status."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from furu.errors import FuruNothingPublished
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published
from furu.lifecycle.workspace import bound_directory
from furu.storage.layout import Ending, RootPaths
from furu.storage.records import OwnerRecord, parse, parse_object

if TYPE_CHECKING:
    from furu.lifecycle.computable import Computable
    from furu.storage.layout import ArtifactPaths


def directory_of(obj: Computable) -> Path:
    """`furu_dir`: of the running attempt, of the published result, or of the artifact."""
    paths = artifact_paths(obj)
    bound = bound_directory(paths.base)
    if bound is not None:
        return bound
    published = find_published(paths, THIS_PROCESS.disk)
    return Path(published.directory if published is not None else paths.base)


def log_of(obj: Computable) -> Path:
    """The log of the running attempt, else of the last that ended, else where the first one's would be."""
    paths = artifact_paths(obj)
    lock = Artifact(paths, THIS_PROCESS).lock
    if token := lock.holder():
        return Path(paths.lease(token).log)
    ended = [attempt for attempt in lock.ended() if attempt.ending is not None and attempt.ending is not Ending.NOOP]
    if ended and ended[-1].ending is not None:
        return Path(paths.ended(ended[-1].token, ended[-1].ending).log)
    return Path(paths.base) / "furu.log"


def metadata_of(obj: Computable) -> dict[str, Any]:
    """Owner, environment and usage of the attempt whose result is published.

    Raises:
        FuruNothingPublished: nothing is published.
    """
    paths = artifact_paths(obj)
    root = paths.base.removesuffix(f"/data/{obj.__furu_class__.namespace}/{obj.furu_hash}")
    return metadata_at(paths, root, node_name(obj))


def metadata_at(paths: ArtifactPaths, root: str, node: str) -> dict[str, Any]:
    """`metadata_of` an artifact whose class needn't be known; of an alias, that of the original."""
    published = find_published(paths, THIS_PROCESS.disk)
    if published is None:
        raise FuruNothingPublished(node=node, furu_dir=Path(paths.base))
    success, paths = published
    metadata: dict[str, Any] = {
        "node": node,
        "directory": paths.base,
        "token": success.token,
        "published_at": success.at,
        "usage": dataclasses.asdict(success.usage) if success.usage else None,
    }
    disk = THIS_PROCESS.disk
    for attempt in (paths.ended(success.token, Ending.OK), paths.lease(success.token)):
        content = disk.read(attempt.owner)
        if content is not None:
            owner = parse(OwnerRecord, content, attempt.owner)
            metadata["owner"] = dataclasses.asdict(owner)
            metadata["environment"] = _environment(root, owner)
            break
    return metadata


def _environment(root: str, owner: OwnerRecord) -> dict[str, Any] | None:
    if owner.environment is None:
        return None
    path = RootPaths(root).environment(owner.environment)
    content = THIS_PROCESS.disk.read(path)
    return parse_object(content, path) if content is not None else None
