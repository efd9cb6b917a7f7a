"""What a decision about an artifact rests on, and what is decided. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """What is known of one stored artifact.

    Attributes:
        reference: `<namespace>/<hash>`.
        status: as in `furu.ArtifactStatus`, its value.
        at: when it was published, failed or began, in seconds since the epoch.
        took_sec: wall time of the attempt that published it; None where that isn't known.
        size_bytes: on disk; 0 where nobody asked for it.
        needs: references of what it depends on itself.
        alias_of: reference of the artifact whose result it stands for; None if it has its own, or none.
        tags: as annotated.
        is_pinned: as annotated.
        is_current: today's code leads to it.
        is_selected: it fits the query of what may go.
        busy: why nobody may touch it now: who computes it, or which job is about to; None otherwise.
        fixed: why it is none of ours to take; None otherwise.
        is_bare: nothing lies in its directory but its config, not even an annotation.
        success: token of the attempt whose result is published; None where nobody asked for it.
    """

    reference: str
    status: str
    at: float
    took_sec: float | None = None
    size_bytes: int = 0
    needs: tuple[str, ...] = ()
    alias_of: str | None = None
    tags: tuple[str, ...] = ()
    is_pinned: bool = False
    is_current: bool = False
    is_selected: bool = True
    busy: str | None = None
    fixed: str | None = None
    is_bare: bool = False
    success: str | None = None

    @property
    def has_result(self) -> bool:
        """Whether `get()` would load something."""
        return self.status in ("published", "alias")


@dataclass(frozen=True)
class Rules:
    """What may go, and what is kept whatever happens.

    Attributes:
        now: seconds since the epoch.
        grace_sec: what is younger stays.
        older_than_sec: what is younger is no candidate; None for no such condition.
        keep_bytes: take candidates, those first that are cheap to have again for the room they take, until all that is
            stored takes no more than this; None to take every candidate.
        keep_tags: tags that keep an artifact; None for any.
        keeps_needed: what something kept depends on stays too.
        by_code: what today's code leads to stays.
    """

    now: float
    grace_sec: float = 86_400.0
    older_than_sec: float | None = None
    keep_bytes: int | None = None
    keep_tags: frozenset[str] | None = None
    keeps_needed: bool = True
    by_code: bool = False


class Verdict(NamedTuple):
    """What becomes of one artifact.

    Attributes:
        goes: it is taken.
        because: why, or why not.
    """

    goes: bool
    because: str
