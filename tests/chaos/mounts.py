"""A disk that is too small, and several mounts of one directory, each with stale caches of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE_SEC = 3


def why_no_fuse() -> str | None:
    """Why there can be no such mounts here; None if there can."""
    if shutil.which("bindfs") is None:
        return "bindfs is not installed (apt-get install bindfs)"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse can't be opened"
    return None


@contextmanager
def caching_mounts(source: str, targets: list[str]) -> Iterator[None]:
    """`source` at each of `targets`; each remembers names, attributes and absences for `CACHE_SEC`."""
    caches = ",".join(f"{what}_timeout={CACHE_SEC}" for what in ("attr", "entry", "negative"))
    mounted = []
    try:
        for target in targets:
            os.makedirs(target)
            subprocess.run(["bindfs", "-o", caches, source, target], check=True, timeout=20)
            mounted.append(target)
        yield
    finally:
        for target in mounted:
            # Lazily, where a process that is about to die still has something open.
            if subprocess.run(["fusermount", "-u", target], check=False, timeout=20).returncode:
                subprocess.run(["fusermount", "-u", "-z", target], check=False, timeout=20)


@contextmanager
def small_disk(target: str, size: str) -> Iterator[bool]:
    """A tmpfs of `size` at `target`; gives False, and an ordinary directory, where nobody may mount one."""
    os.makedirs(target)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "furu-chaos", target]
    is_mounted = os.geteuid() == 0 and not subprocess.run(mount, check=False, capture_output=True).returncode
    try:
        yield is_mounted
    finally:
        if is_mounted and subprocess.run(["umount", target], check=False, timeout=20).returncode:
            subprocess.run(["umount", "-l", target], check=False, timeout=20)


def grow(target: str) -> None:
    """Let a small disk be small no more."""
    subprocess.run(["mount", "-o", "remount,size=2g", target], check=True)
