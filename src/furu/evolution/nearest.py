"""Why is this missing? The stored artifacts that come nearest to a config, and the fields in which they differ."""

from __future__ import annotations

import heapq
import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu import config
from furu.errors import FuruError
from furu.evolution.archive import Archive
from furu.evolution.differences import Difference, differences
from furu.identity.decode import encode_graph
from furu.identity.fields import check_config
from furu.lifecycle.computable import node_name
from furu.lifecycle.get import verdict_of

if TYPE_CHECKING:
    from furu.lifecycle.computable import Computable
    from furu.storage.scan import ScannedArtifact

_LOG: Final = logging.getLogger("furu")

LOOKED_AT: Final = 5_000
"""Stored artifacts of the class that `explain` compares with at most."""

_LOOKED_AT_ON_A_MISS: Final = 50
_NEAR: Final = 2
"""Differing paths up to which a stored artifact is worth a line in the log."""


@dataclass(frozen=True)
class Nearest:
    """A stored artifact beside the one that was asked for.

    Attributes:
        reference: `<namespace>/<hash>`.
        differences: from it to the config.
    """

    reference: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        return f"{self.reference[-32:][:10]}: " + "; ".join(map(str, self.differences))


@dataclass(frozen=True)
class Explanation:
    """What `get()` would do with a config, and why.

    Attributes:
        node: `Class(hash)`.
        action: `load`, `compute`, `wait` or a refusal.
        because: the reason.
        nearest: the stored artifacts of the class that differ least, the nearest first; empty for one that is there.
        looked_at: how many stored artifacts were compared.
        has_history: the class has `_migrations`, so older results may stand for it once these are applied.
    """

    node: str
    action: str
    because: str
    nearest: tuple[Nearest, ...]
    looked_at: int
    has_history: bool = False

    def __str__(self) -> str:
        lines = [f"{self.node}: {self.action}, because {self.because}"]
        lines += [f"  nearest of {self.looked_at} stored: {each}" for each in self.nearest[:1]]
        lines += [f"  then {each}" for each in self.nearest[1:]]
        if not self.nearest and self.action != "load":
            lines.append("  no other artifact of its class is stored")
        if self.has_history and self.action != "load":
            lines.append(
                "  its class has _migrations: furu.plan_migrations() says which older results would stand for it"
            )
        return "\n".join(lines)


def explain(obj: Computable, *, count: int = 3) -> Explanation:
    """What `get()` would do now and why; for a missing artifact, the nearest stored ones and how they differ.

    Args:
        obj: the config.
        count: how many of the nearest to name.
    """
    check_config(obj, "obj")
    verdict = verdict_of(obj)
    looked_at = 0
    nearest: list[Nearest] = []
    if verdict.action.value != "load":
        looked_at, nearest = find_nearest(obj, count=count, limit=LOOKED_AT)
    has_history = bool(getattr(type(obj), "_migrations", ()))
    return Explanation(node_name(obj), verdict.action.value, verdict.because, tuple(nearest), looked_at, has_history)


def find_nearest(obj: Computable, *, count: int, limit: int) -> tuple[int, list[Nearest]]:
    """How many published artifacts of the class were compared (at most `limit`), and the nearest of them."""
    spec = type(obj).__furu_class__
    archive = Archive([config.version_controlled_root() if obj.__furu_options__.version_controlled else config.root()])
    ours = encode_graph(obj)
    own = f"{spec.namespace}/{obj.furu_hash}"
    published = (reference for reference, stored in archive.scan(spec.namespace).items() if _counts(stored))
    found: list[Nearest] = []
    looked_at = 0
    for reference in itertools.islice((each for each in published if each != own), limit):
        try:
            theirs = archive.document(reference)
        except FuruError:
            continue  # a damaged record is somebody else's concern
        looked_at += 1
        between = differences(theirs, ours, lambda each: _find(archive, each), ours["configs"].get)
        found.append(Nearest(reference, tuple(between)))
    return looked_at, heapq.nsmallest(count, found, key=lambda each: (len(each.differences), each.reference))


def _counts(stored: ScannedArtifact) -> bool:
    return stored.is_published


def _find(archive: Archive, reference: str) -> dict[str, Any] | None:
    try:
        return archive.document(reference)
    except FuruError:
        return None


_told: Final[set[str]] = set()


def tell_near_miss(obj: Computable) -> None:
    """One line in the log if what is about to be computed is nearly there; once for each class and process."""
    namespace = type(obj).__furu_class__.namespace
    if namespace in _told:
        return
    _told.add(namespace)
    _, nearest = find_nearest(obj, count=1, limit=_LOOKED_AT_ON_A_MISS)
    if nearest and len(nearest[0].differences) <= _NEAR:
        _LOG.info("%s is not stored; the nearest is %s", node_name(obj), nearest[0])


def forget_told() -> None:
    """Tell the next near miss of every class again."""
    _told.clear()
