"""The configs that are stored below some roots, by reference; each document is read once, none is decoded here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import config
from furu.errors import FuruCorruptRecord, FuruError, FuruStoreError
from furu.identity.decode import references_of
from furu.identity.shape import fault_of
from furu.storage.atomic import DISK
from furu.storage.layout import HASH, ArtifactPaths
from furu.storage.records import parse_object
from furu.storage.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from furu.storage.scan import ScannedArtifact

Document = dict[str, Any]

_REFERENCE: Final = re.compile(r"[^/.][^/]*(/[^/.][^/]*)*/(?P<hash>[^/]+)")


def store_roots() -> list[str]:
    """The roots in force: that of most artifacts, then that of version-controlled ones if it is another."""
    return list(dict.fromkeys([config.root(), config.version_controlled_root()]))


class Archive:
    """Documents by reference, `<namespace>/<hash>`.

    Args:
        roots: where to look, in this order.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = roots
        self._documents: dict[str, Document | FuruError] = {}
        self._needs: dict[str, list[str]] = {}

    def scan(self, namespace: str = "") -> dict[str, ScannedArtifact]:
        """What is stored, by reference, as names alone tell."""
        found: dict[str, ScannedArtifact] = {}
        for root in self.roots:
            for artifact in scan(root, namespace):
                found.setdefault(f"{artifact.namespace}/{artifact.furu_hash}", artifact)
        return found

    def document(self, reference: str) -> Document:
        """What config.json holds.

        Raises:
            FuruStoreError: it isn't there, is damaged, belongs to another artifact, or is a newer furu's.
        """
        if reference not in self._documents:
            try:
                self._documents[reference] = self._read(reference)
            except FuruError as error:
                self._documents[reference] = error
        found = self._documents[reference]
        if isinstance(found, FuruError):
            raise found
        return found

    def needs(self, reference: str) -> list[str]:
        """What a config refers to, each once: in fields, and by `_dependencies()`; nothing if it can't be read."""
        if reference not in self._needs:
            try:
                document = self.document(reference)
            except FuruError:
                self._needs[reference] = []
            else:
                found = [*references_of(document["fields"]), *document.get("dependencies", ())]
                self._needs[reference] = list(dict.fromkeys(found))
        return self._needs[reference]

    def _read(self, reference: str) -> Document:
        match = _REFERENCE.fullmatch(reference)
        if not match or not HASH.fullmatch(match["hash"]):
            msg = f"{reference!r} is no reference to a config"
            raise FuruStoreError(msg, path=Path(self.roots[0]))
        for root in self.roots:
            path = ArtifactPaths(f"{root}/data/{reference}").config
            if content := DISK.read(path):
                return _checked(parse_object(content, path), reference, path)
        msg = f"the config of {reference} is not stored"
        raise FuruStoreError(msg, path=Path(f"{self.roots[0]}/data/{reference}"))


def _checked(document: Document, reference: str, path: str) -> Document:
    if (fault := fault_of(document)) is not None:
        raise FuruCorruptRecord(f"{path} is damaged: {fault}", path=Path(path))
    place = f"{document.get('namespace')}/{document.get('hash')}"
    if "class" not in document or place != reference:
        msg = f"{path} is not the document of {reference}"
        raise FuruCorruptRecord(msg, path=Path(path), hints=["was it copied there from somewhere else?"])
    return document


def bottom_up(references: Iterable[str], needs: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """References and all below them, each once and after what it needs; one in a ring comes in some order."""
    done: set[str] = set()
    opened: set[str] = set()
    waiting = list(references)[::-1]
    while waiting:
        current = waiting[-1]
        missing = [] if current in opened else [each for each in needs(current) if each not in done]
        opened.add(current)
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        if current not in done:
            done.add(current)
            yield current
