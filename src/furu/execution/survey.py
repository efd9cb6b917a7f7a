"""The status of many artifacts, with as few calls on the filesystem as they need.

A class's directory is listed once where that is cheaper than asking for each of its artifacts, so that planning ten
thousand missing nodes takes a few calls; a published node takes one more call of its own.
"""

from __future__ import annotations

import enum
import logging
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths, node_name, qualified_name
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.overrides import OVERRIDES
from furu.lifecycle.published import find_published
from furu.lifecycle.result import is_valid
from furu.lifecycle.schedulers import NO_JOBS, last_ending, look_at_jobs
from furu.storage.atomic import GONE
from furu.storage.layout import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from furu.config import Settings
    from furu.core.furu import Furu
    from furu.storage.layout import ArtifactPaths

_LOG: Final = logging.getLogger("furu")

_WORTH_LISTING: Final = 64
"""Nodes of a class from which on a listing may pay."""

_BYTES_PER_NAME: Final = 40
_NAMES_PER_NODE: Final = 50
"""A directory with more names than this for each node we ask for is not worth being listed."""


class Status(enum.Enum):
    """What an executor has to do about a node."""

    DONE = "done"
    IN_PROGRESS = "in progress"
    TODO = "todo"
    FAILED = "failed"


Finding = tuple[Status, str]

_DONE: Final[Finding] = (Status.DONE, "it is published")
_OVERRIDDEN: Final[Finding] = (Status.DONE, "a test overrides its result")
_MISSING: Final[Finding] = (Status.TODO, "it is missing")


class Survey:
    """The statuses of the nodes of one plan."""

    def __init__(self, settings: Settings, completed: frozenset[str]) -> None:
        self._retry_failed = settings.retry_failed
        self._stale_after_sec = settings.stale_after_sec
        self._always_rerun = settings.always_rerun
        self._completed = completed
        self._is_code_checked = settings.on_code_change == "rerun"
        self._wanted: Counter[str] = Counter()
        self._listings: dict[str, frozenset[str]] = {}

    def look(self, nodes: Mapping[str, Furu[Any]]) -> dict[str, Finding]:
        """Status and reason of each node, by hash, in the order given."""
        overridden = OVERRIDES.keys() & nodes.keys()
        paths = {furu_hash: artifact_paths(obj) for furu_hash, obj in nodes.items() if furu_hash not in overridden}
        by_class: dict[str, list[str]] = {}
        for furu_hash, each in paths.items():
            by_class.setdefault(each.base[: -len(furu_hash) - 1], []).append(furu_hash)
        absent = {
            furu_hash
            for directory, hashes in by_class.items()
            if (present := self._listing(directory, len(hashes))) is not None
            for furu_hash in hashes
            if furu_hash not in present
        }
        found = dict.fromkeys(overridden, _OVERRIDDEN) | dict.fromkeys(absent, _MISSING)
        findings = {
            furu_hash: found.get(furu_hash) or self._status(obj, furu_hash, paths[furu_hash])
            for furu_hash, obj in nodes.items()
        }
        todo = [each for each, (status, _) in findings.items() if status is Status.TODO and each not in found]
        return findings | self._with_jobs({each: paths[each] for each in todo}, findings)

    def _with_jobs(self, todo: Mapping[str, ArtifactPaths], findings: Mapping[str, Finding]) -> dict[str, Finding]:
        """What batch jobs that are on record change about nodes to be computed; asked about all at once."""
        jobs = look_at_jobs(todo.values(), THIS_PROCESS, stale_after_sec=self._stale_after_sec)
        changed: dict[str, Finding] = {}
        for furu_hash, paths in todo.items():
            known = jobs.get(paths.base, NO_JOBS)
            if known.live is not None:
                changed[furu_hash] = Status.IN_PROGRESS, f"{known.live} computes it"
            elif known.ended_ids and (ended := last_ending(paths, known, THIS_PROCESS)) and ended.ending != "ok":
                why = f"Slurm job {ended.job_id} ended: {ended.ending}"
                changed[furu_hash] = Status.TODO, f"{findings[furu_hash][1]}; {why}"
        return changed

    def _listing(self, directory: str, wanted: int) -> frozenset[str] | None:
        """The names in a class's directory, asked once for a plan; None where a listing doesn't pay."""
        if directory not in self._listings:
            # Over all waves: a long chain has one node in each.
            self._wanted[directory] += wanted
            if self._wanted[directory] >= _WORTH_LISTING:
                names = _list_if_small(directory, self._wanted[directory])
                if names is not None:
                    self._listings[directory] = names
        return self._listings.get(directory)

    def _status(self, obj: Furu[Any], furu_hash: str, paths: ArtifactPaths) -> Finding:
        if self._always_rerun and furu_hash not in self._completed and self._is_always_rerun(obj):
            return Status.TODO, "FURU_ALWAYS_RERUN names its class"
        has_validate = obj.__furu_options__.has_validate or self._is_code_checked
        if _is_there(paths.success) and (not has_validate or _is_good(obj, paths)):
            return _DONE
        if _is_there(paths.alias) and _is_good(obj, paths):
            return Status.DONE, "it is an alias of one that is published"
        artifact = Artifact(paths, THIS_PROCESS)
        holder = artifact.holder()
        if holder is not None:
            return Status.IN_PROGRESS, f"{holder.owner.process if holder.owner else 'somebody'} computes it"
        newest = artifact.newest_ended()
        if newest is not None and newest.ending is Ending.FAILED:
            if not self._retry_failed:
                return Status.FAILED, "its last attempt failed and FURU_RETRY_FAILED is off"
            return Status.TODO, "its last attempt failed"
        if newest is not None and newest.ending is Ending.OK:
            return Status.TODO, "its result is not valid any more"
        return _MISSING if newest is None else (Status.TODO, f"its last attempt was {_word(newest.ending)}")

    def _is_always_rerun(self, obj: Furu[Any]) -> bool:
        return "ALL" in self._always_rerun or qualified_name(obj) in self._always_rerun


def _word(ending: Ending | None) -> str:
    return ending.value if ending is not None else "ended in a way that this furu doesn't know"


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        if error.errno in GONE:
            return False
        raise
    return True


def _is_good(obj: Furu[Any], paths: ArtifactPaths) -> bool:
    """Whether the class accepts the published result; one whose check fails is computed again, or fails there."""
    published = find_published(paths, THIS_PROCESS.disk)
    try:
        return published is not None and is_valid(obj, paths, published)
    except Exception:  # noqa: BLE001 -- whatever it is, the node's own get() will raise it again
        _LOG.exception("_validate() of %s raised; its node is planned to be computed", node_name(obj))
        return False


def _list_if_small(directory: str, wanted: int) -> frozenset[str] | None:
    """The names in a directory, unless there are far more than we ask for; its size tells without reading it."""
    try:
        if os.stat(directory).st_size > wanted * _NAMES_PER_NODE * _BYTES_PER_NAME:
            return None
        return frozenset(os.listdir(directory))
    except OSError as error:
        if error.errno in GONE:
            return frozenset()
        raise
