"""The result that counts for an artifact: its own, or that of the artifact it is an alias of."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.errors import FuruCorruptRecord
from furu.lifecycle.waiting import STALE_LOOKUP_NAP_SEC, STALE_LOOKUP_TRIES
from furu.storage.layout import HASH, ArtifactPaths
from furu.storage.records import AliasRecord, SuccessRecord, parse, parse_success

if TYPE_CHECKING:
    from furu.storage.atomic import Disk

_MAX_CHAIN: Final = 64
_NAMESPACE: Final = re.compile(r"[^/.][^/]*(/[^/.][^/]*)*")


class Published(NamedTuple):
    """A published result.

    Attributes:
        success: its record.
        source: the artifact that it lies in; another one than asked for, where that is an alias.
    """

    success: SuccessRecord
    source: ArtifactPaths

    @property
    def token(self) -> str:
        """The attempt that made it."""
        return self.success.token

    @property
    def directory(self) -> str:
        """Its files; the artifact's own directory when the attempt wrote none."""
        data = self.success.data
        return self.source.files_of(data) if data is not None else self.source.base


def find_published(paths: ArtifactPaths, disk: Disk) -> Published | None:
    """The result that counts. An own result comes before an alias; an alias of nothing is none.

    Raises:
        FuruStoreError: a record is damaged or from a newer furu, or aliases lead in a ring.
    """
    seen: list[str] = []
    current = paths
    while True:
        content = disk.read(current.success)
        if content is not None:
            return Published(parse_success(content, current.success), current)
        target = alias_target(current, disk)
        if target is None:
            return None
        seen.append(current.base)
        if target.base in seen or len(seen) > _MAX_CHAIN:
            msg = f"aliases lead in a ring: {' -> '.join([*seen, target.base])}"
            raise FuruCorruptRecord(msg, path=Path(current.alias), hints=["remove one of the alias.json files"])
        current = target


def await_files(published: Published, disk: Disk) -> bool:
    """Wait until a result's files can be looked up, where a network filesystem remembers that they were not there.

    Whoever looked for them before they were published may be told so for a while, although the record can be read
    and a listing shows them.

    Returns:
        Whether they were hidden, and can be seen now.
    """
    if published.success.data is None:
        return False
    for tries in range(STALE_LOOKUP_TRIES):
        if disk.is_real_directory(published.directory):
            return tries > 0
        if not _are_files_listed(published, disk):
            return False
        disk.sleep(STALE_LOOKUP_NAP_SEC)
    return False


def _are_files_listed(published: Published, disk: Disk) -> bool:
    files = published.source.files
    if disk.is_real_directory(files):
        return published.success.data in disk.list_directory(files)
    return os.path.basename(files) in disk.list_directory(published.source.base)


def why_inactive(paths: ArtifactPaths, disk: Disk) -> str | None:
    """Why an alias stands for nothing; None if the artifact is no alias, or has a result.

    Raises:
        FuruStoreError: as `find_published`.
    """
    target = alias_target(paths, disk)
    if target is None or find_published(paths, disk) is not None:
        return None
    return f"it is an alias of {target.base}, which has no result any more"


def alias_target(paths: ArtifactPaths, disk: Disk) -> ArtifactPaths | None:
    """The artifact that this one is an alias of; None when it is none.

    Raises:
        FuruStoreError: its alias.json is damaged, from a newer furu, or names something outside of the root.
    """
    content = disk.read(paths.alias)
    if not content:  # a power cut may leave an empty one
        return None
    record = parse(AliasRecord, content, paths.alias)
    namespace, _, furu_hash = record.target.rpartition("/")
    if not HASH.fullmatch(furu_hash) or not _NAMESPACE.fullmatch(namespace):
        msg = f"{paths.alias} names {record.target!r}, which is no artifact"
        raise FuruCorruptRecord(msg, path=Path(paths.alias))
    return ArtifactPaths(f"{record.data_directory(paths.base)}/{record.target}")
