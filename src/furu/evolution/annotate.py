"""Tags, notes and pins, for configs and for stored artifacts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from furu.config import settings
from furu.errors import FuruError
from furu.lifecycle.computable import Computable, artifact_paths, node_name
from furu.lifecycle.compute import record_identity
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.annotations import Annotations, Annotator, read_annotations, refusing

if TYPE_CHECKING:
    from furu.storage.layout import ArtifactPaths


class FuruPinned(FuruError):
    """A result can't be deleted, because somebody has it kept.

    Attributes:
        node: `Class(hash)`.
        reason: why it is kept; empty if nobody said it.
    """

    def __init__(self, *, node: str, reason: str) -> None:
        because = f": {reason}" if reason else ""
        hints = ["furu.unpin() takes the pin away", "delete(force=True) asks for no pin"]
        super().__init__(f"{node} is pinned{because}", hints=hints)
        self.node = node
        self.reason = reason


class Stored(Protocol):
    """An `ArtifactRef`, a row of a query: whatever knows where its artifact lies."""

    @property
    def paths(self) -> ArtifactPaths:
        """The names inside of its directory."""


def tag(artifact: Computable | Stored, *names: str) -> None:
    """Give an artifact tags, such as `"paper"`; `furu.query("tag:paper")` finds it, and `furu gc` keeps it.

    Args:
        artifact: a config, whether it is computed or not, or a stored artifact.
        names: letters, digits and `. _ + -`.

    Raises:
        FuruAnnotationError: (a `ValueError`) a name can't be a tag; none was given then.
        FuruReadOnlyStore: this user can't write there.
    """
    _recorded(artifact).add_tags(names)


def untag(artifact: Computable | Stored, *names: str) -> None:
    """Take tags away; those that it doesn't have are no trouble.

    Args:
        artifact: as for `tag`.
        names: of the tags.

    Raises:
        FuruAnnotationError: (a `ValueError`) a name can't be a tag.
        FuruReadOnlyStore: this user can't write there.
    """
    _annotator(artifact).remove_tags(names)


def note(artifact: Computable | Stored, text: str | None) -> None:
    """Put a note in the place of the one that an artifact has.

    Args:
        artifact: as for `tag`.
        text: the note; None removes the one that is there.

    Raises:
        FuruAnnotationError: (a `ValueError`) it is empty, or far too long.
        FuruReadOnlyStore: this user can't write there.
    """
    if text is None:
        _annotator(artifact).remove_note()
    else:
        _recorded(artifact).write_note(text)


def pin(artifact: Computable | Stored, reason: str = "") -> None:
    """Have `furu gc` keep an artifact and all that it depends on.

    Args:
        artifact: as for `tag`.
        reason: shown where the pin is.

    Raises:
        FuruAnnotationError: (a `ValueError`) the reason is far too long.
        FuruReadOnlyStore: this user can't write there.
    """
    _recorded(artifact).write_pin(reason)


def unpin(artifact: Computable | Stored) -> None:
    """Take the pin of `artifact`, named as for `tag`, away, if there is one.

    Raises:
        FuruReadOnlyStore: this user can't write there.
    """
    _annotator(artifact).remove_pin()


def annotations_of(artifact: Computable | Stored) -> Annotations:
    """Tags, note and pin of an artifact.

    Raises:
        FuruStoreError: the note is damaged.
    """
    return read_annotations(_paths_of(artifact), THIS_PROCESS.disk)


def check_unpinned(config: Computable) -> None:
    """Refuse to go on where the artifact is pinned.

    Raises:
        FuruPinned: it is.
    """
    found = annotations_of(config)
    if found.is_pinned:
        raise FuruPinned(node=node_name(config), reason=found.pin_reason)


def _recorded(artifact: Computable | Stored) -> Annotator:
    """For an artifact that may be annotated before it is computed: then its config is recorded."""
    paths = _paths_of(artifact)
    if isinstance(artifact, Computable) and not os.path.isdir(paths.base):
        with refusing(paths):
            record_identity(artifact, THIS_PROCESS, sync=settings().fsync)
    return _annotator(artifact)


def _annotator(artifact: Computable | Stored) -> Annotator:
    me = THIS_PROCESS
    return Annotator(_paths_of(artifact), me.disk, me.identity().user, me.new_token(), sync=settings().fsync)


def _paths_of(artifact: Computable | Stored) -> ArtifactPaths:
    return artifact_paths(artifact) if isinstance(artifact, Computable) else artifact.paths
