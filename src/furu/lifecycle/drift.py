"""Was a stored result made by the code that is there now? Compares fingerprints; see `furu.storage.code`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from furu.config import on_code_change
from furu.errors import FuruCorruptRecord
from furu.lifecycle.computable import node_name, root_of
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.code import Pieces, changed_pieces, code_digest, fingerprint
from furu.storage.layout import DIGEST, Ending, RootPaths
from furu.storage.records import OwnerRecord, parse_object, parse_own

if TYPE_CHECKING:
    from furu.lifecycle.computable import Computable
    from furu.lifecycle.published import Published
    from furu.storage.layout import ArtifactPaths

_LOG: Final = logging.getLogger("furu")
_warned: Final[set[str]] = set()


def is_code_accepted(obj: Computable, published: Published) -> bool:
    """Whether `FURU_ON_CODE_CHANGE` lets a result count; warns, once for each class, where it says so."""
    try:
        then = recorded_pieces(published.source, published.token, root_of(obj))
    except FuruCorruptRecord as error:  # torn by a power cut, say: these records are not part of the result
        _LOG.warning("%s: it is not known which code made it: %s", node_name(obj), error)
        return True
    if then is None:
        return True  # it is not known what made it, and unknown is no reason to throw anything away
    changes = changed_pieces(then, fingerprint(cast("Any", type(obj))))
    if not changes:
        return True
    is_rerun = on_code_change() == "rerun"
    key = f"{type(obj).__qualname__} {changes}"
    if is_rerun or key not in _warned:
        _warned.add(key)
        _LOG.warning("%s was made by other code: %s", node_name(obj), "; ".join(changes))
    return not is_rerun


def recorded_pieces(paths: ArtifactPaths, token: str, root: str) -> Pieces | None:
    """The fingerprint of the code that made a result; None where none was recorded.

    Raises:
        FuruStoreError: what was recorded can't be read.
    """
    disk = THIS_PROCESS.disk
    for attempt in (paths.ended(token, Ending.OK), paths.lease(token)):
        content = disk.read(attempt.owner)
        if content is not None:
            digest = parse_own(OwnerRecord, content, attempt.owner, "token").code
            path = RootPaths(root).code(digest) if digest is not None and DIGEST.fullmatch(digest) else ""
            stored = disk.read(path) if path else None
            return _parse_pieces(stored, path, digest) if stored is not None else None
    return None


def _parse_pieces(content: bytes, path: str, digest: str | None) -> Pieces:
    pieces = parse_object(content, path).get("pieces")
    if not isinstance(pieces, dict) or code_digest(pieces) != digest:
        msg = f"{path} is damaged: it is not what it is named by"
        raise FuruCorruptRecord(msg, path=Path(path))
    return pieces
