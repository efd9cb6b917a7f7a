"""The graph below configs that may not be stored, to be drawn: edges by the configs, statuses by names on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from furu.drawing.graph import MISSING, SHORT_HASH, Node
from furu.evolution.refs import ArtifactStatus, status_of
from furu.lifecycle.computable import artifact_paths
from furu.storage.scan import look

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from furu.core.furu import Furu
    from furu.drawing.graph import Edge


def reference_of(config: Furu[object]) -> str:
    """`<namespace>/<hash>`."""
    return f"{config.__furu_class__.namespace}/{config.furu_hash}"


def stored_status(config: Furu[object]) -> str:
    """What the names in the artifact's directory say, in a word; empty where a class has no place in the store."""
    spec = config.__furu_class__
    if not spec.is_storable:
        return ""
    status = status_of(look(spec.namespace, config.furu_hash, artifact_paths(config)))
    return MISSING if status is ArtifactStatus.RECORDED else status.value


class ConfigGraph:
    """A source for `furu.drawing.neighbourhood`; it knows what configs need, but not who needs them.

    Args:
        configs: where it begins.
    """

    def __init__(self, configs: Iterable[Furu[object]]) -> None:
        self._known = {reference_of(each): each for each in configs}

    def needs(self, references: Collection[str]) -> Iterator[Edge]:
        """Edges from what some configs depend on."""
        for user in references:
            for needed in self._known[user]._get_dependencies(recursive=False):
                reference = reference_of(needed)
                self._known.setdefault(reference, needed)
                yield reference, user

    def users(self, references: Collection[str]) -> tuple[Edge, ...]:  # noqa: ARG002 -- who needs a config is not in it
        """Nothing."""
        return ()

    def describe(self, references: Collection[str]) -> Iterator[Node]:
        """A node for each reference."""
        for reference in references:
            config = self._known[reference]
            yield Node(
                reference=reference,
                class_name=type(config).__name__,
                label=config.furu_hash[:SHORT_HASH],
                status=stored_status(config),
            )
