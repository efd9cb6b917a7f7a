"""What is on record of an attempt that failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from furu.errors import FuruComputeError
from furu.lifecycle.computable import node_name
from furu.storage.layout import Ending
from furu.storage.records import ErrorRecord, parse

if TYPE_CHECKING:
    from furu.lifecycle.artifact import Artifact
    from furu.lifecycle.computable import Computable
    from furu.storage.atomic import Disk


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
        record = parse(ErrorRecord, content, path)
        cause = f"{record.type}: {record.message}\n{record.traceback}"
    msg = f"Computation previously failed: {node} in {furu_dir}\n{cause}"
    raise FuruComputeError(msg, node=node, furu_dir=furu_dir, state_path=Path(path), hints=hints)
