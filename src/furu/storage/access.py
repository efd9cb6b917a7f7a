"""Who else may write where furu reads: what everybody may change can be loaded, but never run."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Final

from furu.errors import FuruStoreError

_LOG: Final = logging.getLogger("furu")
_looked_at: Final[set[str]] = set()


def look_at_root(root: str) -> None:
    """Warn if everybody may replace results below `root`; once in a process, so that it costs a hit next to nothing."""
    if root not in _looked_at:
        _looked_at.add(root)
        if (risk := risk_of_root(root)) is not None:
            _LOG.warning("%s", risk)


def risk_of_root(root: str) -> str | None:
    """What is wrong with who may write a root, in a sentence with what to do; None when nothing is.

    A group that may write, or another owner, is how people share a store: whom they let in is theirs to say.
    """
    found = next((path for path in (root, f"{root}/data") if is_open_to_all(path)), None)
    if found is None:
        return None
    because = f"{found} can be written by everybody, who may replace results in it"
    return f"{because}; furu loads them, but no pickles, and its workers refuse it: {_remedy(found)}"


def refuse_open_to_all(path: str, what: str) -> None:
    """Refuse what would run as code, where somebody else could have put it there.

    Args:
        path: of the file; it and every directory above it count.
        what: is refused, for the message.

    Raises:
        FuruStoreError: everybody may write one of them.
    """
    current = os.path.abspath(path)
    while True:
        if is_open_to_all(current):
            msg = f"{what} below {current} is refused: everybody may write there, and it could run any code as you"
            raise FuruStoreError(msg, path=Path(current), hints=[_remedy(current)])
        parent = os.path.dirname(current)
        if parent == current:
            return
        current = parent


def is_open_to_all(path: str) -> bool:
    """Whether every user may change it, or replace what is in it; a sticky directory such as /tmp protects that.

    What isn't there, or can't be looked at, is not: whoever uses it will say so.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return bool(mode & stat.S_IWOTH) and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX)


def refuse_foreign_links(path: str, root: str) -> None:
    """Refuse a link between a root and a directory in it that neither we, nor the root's owner, nor root have made.

    One's own are followed: they put a part of a store on another disk.

    Raises:
        FuruStoreError: there is one, and who made it would choose where we write.
    """
    trusted = None
    while len(path) > len(root):
        try:
            found = os.lstat(path)
        except OSError:
            found = None
        if found is not None and stat.S_ISLNK(found.st_mode):
            trusted = trusted or {0, os.geteuid(), os.stat(root).st_uid}
            if found.st_uid not in trusted:
                msg = f"{path} is a link that user {found.st_uid} has made"
                raise FuruStoreError(msg, path=Path(path), hints=["remove it, or make it yourself"])
        path = os.path.dirname(path)


def _remedy(path: str) -> str:
    return f"chmod o-w {path}"
