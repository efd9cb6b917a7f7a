"""Which stored results were made by other code than today's, and what would a change of the classes orphan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from furu.errors import FuruError
from furu.evolution.archive import Archive, store_roots
from furu.evolution.classes import KnownClasses
from furu.evolution.rebuild import Present
from furu.identity.decode import FuruDecodeError
from furu.identity.encode import canonical_text
from furu.identity.schema import schema_of
from furu.lifecycle.drift import recorded_pieces
from furu.storage.atomic import DISK
from furu.storage.code import changed_pieces, fingerprint
from furu.storage.records import parse_success

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from furu.evolution.archive import Document
    from furu.storage.scan import ScannedArtifact

_LISTED: Final = 10


class StaleArtifact(NamedTuple):
    """A published result that today's code would not make, or would not find.

    Attributes:
        reference: `<namespace>/<hash>`.
        because: what changed: functions, with `code=True`, or why the config is not the same any more.
        wall_sec: what it took to compute it; None where that isn't known.
    """

    reference: str
    because: tuple[str, ...]
    wall_sec: float | None


class ClassImpact(NamedTuple):
    """What the present classes mean for the stored artifacts of one namespace.

    Attributes:
        namespace: the class's directory below `data/`.
        stored: published artifacts there.
        orphaned: those that no config of today leads to any more.
        wall_sec: what those took to compute.
        reasons: why, the commonest first, with how many.
        defaults: fields whose default has changed, with the old and the new one: a config that is made without them
            is another one now, although the old results can still be had by naming the old values.
        made_with_defaults: how many artifacts have the old value of such a field.
    """

    namespace: str
    stored: int
    orphaned: int
    wall_sec: float
    reasons: tuple[tuple[str, int], ...]
    defaults: tuple[str, ...]
    made_with_defaults: int


@dataclass(frozen=True)
class Impact:
    """What would be lost if the classes stay as they are now.

    Attributes:
        classes: those with an impact, the costliest first.
    """

    classes: tuple[ClassImpact, ...]

    @property
    def orphaned(self) -> int:
        """Artifacts that no config leads to any more."""
        return sum(entry.orphaned for entry in self.classes)

    @property
    def wall_sec(self) -> float:
        """Seconds of computing that those took."""
        return sum(entry.wall_sec for entry in self.classes)

    def __bool__(self) -> bool:
        return bool(self.classes)

    def __str__(self) -> str:
        if not self.classes:
            return "no stored artifact is affected"
        lines = [f"{self.orphaned} stored artifacts would be orphaned; they took {self.wall_sec:.0f} s to compute"]
        for entry in self.classes:
            lines.append(f"{entry.namespace}: {entry.orphaned} of {entry.stored} orphaned ({entry.wall_sec:.0f} s)")
            lines += [f"  {count} because {reason}" for reason, count in entry.reasons[:_LISTED]]
            lines += [f"  default changed: {default}" for default in entry.defaults]
            if entry.defaults:
                lines.append(f"  {entry.made_with_defaults} have the old default; a config made without it is new")
        return "\n".join(lines)


def stale(*, code: bool = False, namespace: str = "", roots: Sequence[str] | None = None) -> list[StaleArtifact]:
    """Published artifacts that don't fit today's classes; recomputes and changes nothing. Imports their classes.

    Args:
        code: look at the code that made them, instead of at their configs.
        namespace: only below this directory of `data/`.
        roots: where to look; by default the roots in force.
    """
    store = _Store(roots, namespace)
    found = []
    for reference, stored, document in store.published():
        reasons = store.code_changes(stored, document) if code else store.config_change(reference)
        if reasons:
            found.append(StaleArtifact(reference, tuple(reasons), store.wall_sec(stored)))
    return found


def impact(*, namespace: str = "", roots: Sequence[str] | None = None) -> Impact:
    """What the classes as they are now mean for what is stored: run it before a change is merged.

    Every stored config is hashed again by the class of today. Imports the classes; changes nothing.

    Args:
        namespace: only below this directory of `data/`.
        roots: where to look; by default the roots in force.
    """
    store = _Store(roots, namespace)
    groups: dict[str, list[tuple[str, ScannedArtifact, Document]]] = {}
    for entry in store.published():
        groups.setdefault(entry[1].namespace, []).append(entry)
    classes = [_class_impact(store, name, entries) for name, entries in groups.items()]
    affected = [entry for entry in classes if entry.orphaned or entry.defaults]
    return Impact(tuple(sorted(affected, key=lambda entry: (-entry.wall_sec, entry.namespace))))


class _Store:
    """What is stored, read against today's classes."""

    def __init__(self, roots: Sequence[str] | None, namespace: str) -> None:
        self._archive = Archive(list(roots) if roots is not None else store_roots())
        self._scanned = self._archive.scan(namespace)
        self._readable = dict(self._documents())
        self.classes = KnownClasses(self._readable.values())
        self._present = Present(self._archive, self.classes)

    def _documents(self) -> Iterator[tuple[str, Document]]:
        for reference, stored in self._scanned.items():
            if stored.is_published:
                try:
                    yield reference, self._archive.document(reference)
                except FuruError:
                    continue  # `furu doctor` and all_stale_refs() report what can't be read

    def published(self) -> Iterator[tuple[str, ScannedArtifact, Document]]:
        for reference, document in self._readable.items():
            yield reference, self._scanned[reference], document

    def config_change(self, reference: str) -> list[str]:
        """Why the config is not the same any more; nothing if it is."""
        try:
            self._present.config(reference)
        except FuruError as error:
            return [error.message]
        return []

    def code_changes(self, stored: ScannedArtifact, document: Document) -> list[str]:
        """Which pieces of code differ from those that made the result."""
        token = self._token(stored)
        root = stored.paths.base.removesuffix(f"/data/{stored.namespace}/{stored.furu_hash}")
        try:
            then = recorded_pieces(stored.paths, token, root) if token is not None else None
        except FuruError as error:
            return [error.message]
        if then is None:
            return []
        try:
            cls = self.classes.of(document)
        except FuruDecodeError as error:
            return [error.message]
        return changed_pieces(then, fingerprint(cast("Any", cls)))

    def wall_sec(self, stored: ScannedArtifact) -> float | None:
        """What the artifact took."""
        content = DISK.read(stored.paths.success)
        try:
            usage = parse_success(content, stored.paths.success).usage if content is not None else None
        except FuruError:
            return None
        return usage.wall_sec if usage is not None else None

    def _token(self, stored: ScannedArtifact) -> str | None:
        content = DISK.read(stored.paths.success)
        try:
            return parse_success(content, stored.paths.success).token if content is not None else None
        except FuruError:
            return None


def _class_impact(store: _Store, name: str, entries: list[tuple[str, ScannedArtifact, Document]]) -> ClassImpact:
    reasons: dict[str, int] = {}
    orphaned, wall_sec, with_defaults = 0, 0.0, 0
    changed = _changed_defaults(store, (document for _, _, document in entries))
    for reference, stored, document in entries:
        change = store.config_change(reference)
        if change:
            orphaned += 1
            wall_sec += store.wall_sec(stored) or 0.0
            reasons[change[0]] = reasons.get(change[0], 0) + 1
        elif any(canonical_text(document["fields"].get(field)) == old for field, (old, _) in changed.items()):
            with_defaults += 1
    return ClassImpact(
        namespace=name,
        stored=len(entries),
        orphaned=orphaned,
        wall_sec=wall_sec,
        reasons=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        defaults=tuple(f"{field}: {old} → {new}" for field, (old, new) in changed.items()),
        made_with_defaults=with_defaults,
    )


def _changed_defaults(store: _Store, documents: Iterable[Document]) -> dict[str, tuple[str, str]]:
    """Fields whose default was another one in the newest stored schema, with both as text."""
    changed: dict[str, tuple[str, str]] = {}
    for document in documents:
        try:
            now = schema_of(cast("Any", store.classes.of(document)))
        except FuruDecodeError:
            continue
        for field, entry in document.get("schema", {}).items():
            new = now.get(field, {})
            if entry.get("identity") is not False and "default" in entry and "default" in new:
                old_text, new_text = canonical_text(entry["default"]), canonical_text(new["default"])
                if old_text != new_text:
                    changed[field] = old_text, new_text
    return changed
