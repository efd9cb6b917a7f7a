"""`furu doctor`."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
import sqlite3
from typing import TYPE_CHECKING, Final, Literal

import click

import furu
from furu import clock, config
from furu.cli import output
from furu.cli.filesystem import clock_skew_sec, failing_steps, filesystem_type
from furu.cli.main import FAILED
from furu.config.variables import find_misspelt
from furu.errors import FuruError
from furu.evolution.archive import store_roots
from furu.evolution.refs import ArtifactStatus
from furu.index.location import index_path
from furu.index.search import query
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.access import risk_of_root
from furu.storage.atomic import DISK
from furu.storage.layout import TOKEN, ArtifactPaths
from furu.storage.locks import ArtifactLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from furu.index.rows import ArtifactRow

_LEFT_AFTER_SEC: Final = 86_400.0
_SKEW_SEC: Final = 2.0
_SLURM: Final = ("sbatch", "squeue", "sacct", "scancel")
_LISTED: Final = 5


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        level: "ok", "warning" for what may be meant so, or "problem".
        name: of the check.
        text: what was found, and what to do about it.
    """

    level: Literal["ok", "warning", "problem"]
    name: str
    text: str


@click.command("doctor")
@output.as_json
def command(*, is_json: bool) -> int:
    """Check root, permissions, filesystem, clock, leases, leftovers, index, git and Slurm. Repairs nothing."""
    findings = list(_findings())
    if is_json:
        output.say_json([dataclasses.asdict(each) for each in findings])
    else:
        for each in findings:
            output.say(f"{output.styled_status(each.level, 8)} {each.name:11} {output.printable(each.text)}")
    return FAILED if any(each.level == "problem" for each in findings) else 0


def _findings() -> Iterator[Finding]:
    versions = f"furu {furu.__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield Finding("ok", "versions", versions)
    try:
        config.settings()
        roots = store_roots()
    except FuruError as error:
        yield Finding("problem", "settings", str(error))
        return
    yield from _settings()
    for root in roots:
        yield from _root(root)
    yield from _artifacts(roots)
    yield from _tools()


def _settings() -> Iterator[Finding]:
    misspelt = find_misspelt(os.environ)
    for name, meant in misspelt.items():
        yield Finding("warning", "settings", f"{name} is not a variable of furu; did you mean {meant}?")
    if not misspelt:
        yield Finding("ok", "settings", "all can be used")


def _root(root: str) -> Iterator[Finding]:
    if not os.path.isdir(root):
        # Only its own directory has to be there at the first get(): the others are made.
        parent = root
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        is_ours = os.access(parent, os.W_OK | os.X_OK)
        text = f"{root} is not there yet; " + ("the first result makes it" if is_ours else f"{parent} can't be written")
        yield Finding("ok" if is_ours else "problem", "root", text)
        return
    kind = filesystem_type(root)
    free = shutil.disk_usage(root).free
    yield Finding("ok", "root", f"{root} on {kind}, {output.size(free)} free")
    if (risk := risk_of_root(root)) is not None:
        yield Finding("warning", "access", risk)
    try:
        steps = list(failing_steps(root))
        skew = clock_skew_sec(root)
    except OSError as error:
        yield Finding("problem", "permissions", f"{root} can't be written: {error.strerror}; furu can only load there")
        return
    for step, because in steps:
        yield Finding("problem", "filesystem", f"{step} on {kind}: {because}; put the store on another filesystem")
    if not steps:
        yield Finding("ok", "filesystem", "link, rename and listing work as furu needs them")
    if abs(skew) > _SKEW_SEC:
        text = f"files are stamped {skew:+.0f} s off this machine's clock; ages that are shown are off by as much"
        yield Finding("warning", "clock", text)
    else:
        yield Finding("ok", "clock", "this machine and the filesystem agree")


def _artifacts(roots: Sequence[str]) -> Iterator[Finding]:
    try:
        path = index_path(roots)
        rows = query(roots=roots)
    except FuruError as error:
        yield Finding("problem", "index", str(error))
        return
    yield Finding("ok", "index", f"{len(rows)} artifacts in {path} on {filesystem_type(path)}")
    yield from _summed("warning", "leases", "leases that the next get() ends", "all owners are alive", _stale(rows))
    left = "left by processes that were killed; furu gc takes what is old"
    yield from _summed("warning", "leftovers", left, "none", _leftovers(rows))
    unreadable = [f"{row.directory}: {row.error}" for row in rows if row.error and row.ref().document is None]
    yield from _summed("problem", "records", "configs that can't be read", "all configs can be read", unreadable)


def _summed(
    level: Literal["warning", "problem"], name: str, what: str, otherwise: str, found: Sequence[str]
) -> Iterator[Finding]:
    if not found:
        yield Finding("ok", name, otherwise)
        return
    yield Finding(level, name, f"{len(found)} {what}")
    for text in found[:_LISTED]:
        yield Finding(level, name, text)


def _stale(rows: Sequence[ArtifactRow]) -> list[str]:
    return [text for row in rows if row.status is ArtifactStatus.RUNNING and (text := why_stale(row)) is not None]


def why_stale(row: ArtifactRow) -> str | None:
    """Why the owner of a running attempt seems to be gone; nothing is taken from it here."""
    lock = ArtifactLock(ArtifactPaths(str(row.directory)), DISK)
    token = lock.holder()
    found = lock.owner(token) if token is not None else None
    if found is None:
        return None
    owner, beat = found
    if owner is None:
        return f"{row.node}: the owner's record can't be read"
    me = THIS_PROCESS.identity()
    if (owner.boot, owner.pid_namespace) == (me.boot, me.pid_namespace):
        return None if THIS_PROCESS.is_running(owner.pid, owner.started) else f"{row.node}: {owner.process} is gone"
    silent_sec = clock.unix() - beat
    if silent_sec <= owner.lease_sec:
        return None
    return f"{row.node}: {owner.process} has been silent for {output.duration(silent_sec)}"


def _leftovers(rows: Sequence[ArtifactRow]) -> list[str]:
    now = clock.unix()
    found = []
    for row in rows:
        for name in DISK.list_directory(str(row.directory)):
            token = name.removeprefix("new-")
            if token != name and TOKEN.fullmatch(token) and now - int(token[:20]) / 1e9 > _LEFT_AFTER_SEC:
                found.append(f"{row.directory}/{name}")
    return found


def _tools() -> Iterator[Finding]:
    git = shutil.which("git")
    yield Finding("ok", "git", git) if git else Finding("warning", "git", "not found; results don't record the commit")
    there = [name for name in _SLURM if shutil.which(name)]
    missing = [name for name in _SLURM if name not in there]
    if not there:
        yield Finding("ok", "slurm", "not on this machine")
    elif missing:
        yield Finding("warning", "slurm", f"has {', '.join(there)}, but not {', '.join(missing)}")
    else:
        yield Finding("ok", "slurm", f"{', '.join(there)} are there")
