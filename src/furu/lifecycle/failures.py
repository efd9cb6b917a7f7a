"""When not to try again: what is on record of an attempt that failed, and leases that are lost again and again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from furu.errors import FuruComputeError, FuruLeaseLost
from furu.lifecycle.computable import node_name
from furu.storage.layout import Ending
from furu.storage.records import ErrorRecord, parse_own

if TYPE_CHECKING:
    from furu.lifecycle.artifact import Artifact
    from furu.lifecycle.computable import Computable
    from furu.storage.atomic import Disk

_LOG: Final = logging.getLogger("furu")
_MAX_LOSSES: Final = 3


def raise_previous_failure(obj: Computable, artifact: Artifact, disk: Disk) -> NoReturn:
    """Raise what is on record of the attempt that failed.

    Raises:
        FuruComputeError: always.
    """
    newest = artifact.newest_ended()
    node, furu_dir = node_name(obj), Path(artifact.paths.base)
    hints = [f"set FURU_RETRY_FAILED=1 to compute it again, or delete {furu_dir}"]
    if newest is None or newest.ending is not Ending.FAILED:
        msg = f"Computation previously failed: {node} in {furu_dir}"
        raise FuruComputeError(msg, node=node, furu_dir=furu_dir, state_path=furu_dir, hints=hints)
    path = artifact.paths.ended(newest.token, Ending.FAILED).error
    content = disk.read(path)
    cause = "its error was not recorded"
    if content is not None:
        record = parse_own(ErrorRecord, content, path, "token")
        cause = f"{record.type}: {record.message}\n{record.traceback}"
    msg = f"Computation previously failed: {node} in {furu_dir}\n{cause}"
    raise FuruComputeError(msg, node=node, furu_dir=furu_dir, state_path=Path(path), hints=hints)


def refuse_losing(obj: Computable, base: str, losses: int) -> None:
    """An attempt that lost its lease is followed by another, but not for ever.

    Raises:
        FuruLeaseLost: it happened too often.
    """
    node = node_name(obj)
    _LOG.warning("%s: the lease was lost while computing; nothing was published", node)
    if losses >= _MAX_LOSSES:
        msg = f"{node} was computed {losses} times, and each time its directory was deleted or its lease taken away"
        hints = ["does something clean up below the root?", "is FURU_LEASE_SECS shorter than a pause of this machine?"]
        raise FuruLeaseLost(msg, node=node, furu_dir=Path(base), hints=hints)
