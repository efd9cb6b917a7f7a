"""What is on disk about one artifact, for people and tools: directory, log, metadata, status."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruCorruptRecord, FuruNothingPublished
from furu.identity.encode import HASH_ATTRIBUTE
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths, node_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published
from furu.lifecycle.workspace import bound_directory, is_anything_running, running_attempt
from furu.storage.layout import DIGEST, ArtifactPaths, Ending, RootPaths
from furu.storage.metadata import environment_digest
from furu.storage.records import OwnerRecord, parse_object, parse_own

if TYPE_CHECKING:
    from furu.lifecycle.computable import Computable

# Where an unpickled config keeps which attempt it was part of.
_ATTEMPT: Final = "_furu_attempt"


def directory_of(obj: Computable) -> Path:
    """`furu_dir`: of the running attempt, of the published result, or of the artifact."""
    paths = artifact_paths(obj)
    bound = bound_directory(paths.base) or _carried_directory(obj)
    if bound is not None:
        return bound
    published = find_published(paths, THIS_PROCESS.disk)
    return Path(published.directory if published is not None else paths.base)


def state_of(obj: Computable) -> dict[str, Any]:
    """What a pickle of the config holds: its fields, and the attempt that computes it now, if that is here.

    So `self.furu_dir` is the right directory also in a process that `_create()` starts and gives `self` to. The hash
    is computed again on the other side, where the class may be another one.
    """
    state = {key: value for key, value in obj.__dict__.items() if key != HASH_ATTRIBUTE}
    # What is being computed has been hashed.
    if is_anything_running() and HASH_ATTRIBUTE in obj.__dict__ and obj.__furu_class__.is_storable:
        base = artifact_paths(obj).base
        if (token := running_attempt(base)) is not None:
            state[_ATTEMPT] = (base, token)
    return state


def _carried_directory(obj: Computable) -> Path | None:
    """The directory of the attempt that a pickle came from, as long as that runs: no clock is asked, only its lease."""
    carried: tuple[str, str] | None = obj.__dict__.get(_ATTEMPT)
    if carried is None:
        return None
    (base, token), disk = carried, THIS_PROCESS.disk
    paths = ArtifactPaths(base)
    if not disk.is_real_directory(paths.lease(token).base):
        return None
    disk.make_directories(paths.files_of(token))
    return Path(paths.files_of(token))


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
            owner = parse_own(OwnerRecord, content, attempt.owner, "token")
            metadata["owner"] = dataclasses.asdict(owner)
            metadata["environment"] = _environment(root, owner)
            break
    return metadata


def _environment(root: str, owner: OwnerRecord) -> dict[str, Any] | None:
    if owner.environment is None or not DIGEST.fullmatch(owner.environment):
        return None
    path = RootPaths(root).environment(owner.environment)
    content = THIS_PROCESS.disk.read(path)
    if content is None:
        return None
    record = parse_object(content, path)
    try:
        is_whole = environment_digest(record) == owner.environment
    except ValueError:  # a number that is none, such as 1e999
        is_whole = False
    if not is_whole:
        raise FuruCorruptRecord(f"{path} is damaged: it is not what it is named by", path=Path(path))
    return record
