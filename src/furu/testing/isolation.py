"""A store of a test's own."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from furu.config import using

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def isolated_root(path: str | Path | None = None) -> Iterator[Path]:
    """A store of its own inside a `with`, for the whole process; gives its root.

    Artifacts kept in git and submitit's folders lie below it as well. Publishing doesn't wait for the disk, and
    neither git nor `FURU_ALWAYS_RERUN` is asked.

    Args:
        path: an existing or new directory, which is kept; without it, a temporary one that is removed afterwards.
    """
    with ExitStack() as stack:
        if path is None:
            # A thread that outlives the block may still be writing there.
            path = stack.enter_context(tempfile.TemporaryDirectory(prefix="furu-", ignore_cleanup_errors=True))
        root = Path(path).absolute()
        root.mkdir(parents=True, exist_ok=True)
        stack.enter_context(
            using(
                path=root,
                version_controlled_path=root / "version-controlled",
                submitit_path=root / "submitit",
                always_rerun=frozenset(),
                fsync=False,
                record_git="ignore",
            )
        )
        yield root
