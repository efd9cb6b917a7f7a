"""Stored artifacts as values, readable without their class."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from furu.errors import FuruError, FuruNothingPublished
from furu.evolution.annotate import annotations_of
from furu.evolution.archive import Archive, bottom_up, store_roots
from furu.evolution.classes import KnownClasses, former_names
from furu.evolution.rebuild import Present
from furu.identity.decode import decode_graph
from furu.lifecycle import describe
from furu.lifecycle.computable import Computable
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import Published, find_published
from furu.storage.layout import ArtifactPaths, Ending
from furu.storage.results import load_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.identity.fields import Config
    from furu.storage.scan import ScannedArtifact


class ArtifactStatus(enum.Enum):
    """What the names in an artifact's directory say."""

    PUBLISHED = "published"
    ALIAS = "alias"
    RUNNING = "running"
    FAILED = "failed"
    PREEMPTED = "preempted"
    CRASHED = "crashed"
    LOST = "lost"
    INVALID = "invalid"
    RECORDED = "recorded"


@dataclass(frozen=True)
class ArtifactRef:
    """A stored artifact. Nothing of its class is needed but for `load_config()`.

    Attributes:
        root: of the store.
        namespace: directory of the class below `data/`.
        furu_hash: name of the artifact's own directory.
        status: what it is; `RECORDED` if others refer to it and it was never computed.
        document: what config.json holds; None if that can't be read.
        error: why it can't be read.
    """

    root: Path
    namespace: str
    furu_hash: str
    status: ArtifactStatus
    document: dict[str, Any] | None = field(repr=False)
    error: str | None = None
    _archive: Archive | None = field(default=None, repr=False, compare=False)

    @property
    def reference(self) -> str:
        """`<namespace>/<hash>`, as documents and aliases name it."""
        return f"{self.namespace}/{self.furu_hash}"

    @property
    def node(self) -> str:
        """`Class(hash)`, as messages name it."""
        return f"{self.namespace.rpartition('/')[2]}({self.furu_hash})"

    @property
    def paths(self) -> ArtifactPaths:
        """The names inside of its directory."""
        return ArtifactPaths(f"{self.root}/data/{self.reference}")

    @property
    def directory(self) -> Path:
        """The artifact's directory."""
        return Path(self.paths.base)

    @property
    def fields(self) -> dict[str, Any]:
        """Encoded values by field name; see `furu.identity.encode`. Empty if the document can't be read."""
        return dict(self.document["fields"]) if self.document else {}

    @property
    def schema(self) -> dict[str, Any]:
        """Type as text, part in the identity and default of each field, when it was stored."""
        return dict(self.document.get("schema", {})) if self.document else {}

    @property
    def class_path(self) -> str | None:
        """`module:Class`, when it was stored."""
        return self.document["class"] if self.document else None

    @property
    def version(self) -> str | None:
        """The class option, when it was stored."""
        return self.document.get("version") if self.document else None

    @property
    def tags(self) -> tuple[str, ...]:
        """As `furu.tag` gave them, sorted."""
        return annotations_of(self).tags

    @property
    def note(self) -> str | None:
        """As `furu.note` wrote it."""
        return annotations_of(self).note

    @property
    def is_pinned(self) -> bool:
        """Whether `furu.pin` has it kept."""
        return annotations_of(self).is_pinned

    @property
    def has_result(self) -> bool:
        """Whether there is a result: its own, or that of the artifact it is an alias of.

        Raises:
            FuruStoreError: a record of it is damaged.
        """
        return find_published(self.paths, THIS_PROCESS.disk) is not None

    @property
    def result_dir(self) -> Path:
        """The files of the result, as `furu_dir`.

        Raises:
            FuruNothingPublished: there is none.
        """
        return Path(self._published().directory)

    def _repr_html_(self) -> str | None:
        from furu.evolution.notebook import ref_html

        return ref_html(self)

    def load_result(self, *, allow_pickle: bool = False) -> Any:
        """The stored value, without its config's class; classes of the value itself may be imported.

        Args:
            allow_pickle: also load what a class with `codec="pickle"` stored, which can run any code.

        Raises:
            FuruNothingPublished: there is no result.
            FuruError: its class has a `_load()`, so that no value was stored.
            FuruCodecError: the value can't be read here.
        """
        published = self._published()
        if not published.success.result:
            msg = f"{self.node}: its class has a _load(), so no value was stored with it"
            raise FuruError(msg, hints=[f"the files are in {published.directory}", "load_config().get() calls _load()"])
        return load_result(published.success.result[0], Path(published.directory), allow_pickle=allow_pickle)

    def metadata(self) -> dict[str, Any]:
        """Owner, environment and usage of the attempt that made the result, as `get_metadata()`.

        Raises:
            FuruNothingPublished: there is no result.
        """
        return describe.metadata_at(self.paths, str(self.root), self.node)

    def load_config(self, *, strict: bool = True) -> Computable:
        """The config.

        Args:
            strict: it has to be the same, with the same hash, under today's class. Otherwise whatever its class makes
                of the fields that both have, with today's defaults for the others: a config to look at or to change.

        Raises:
            FuruError: it can't be read, its class can't be imported, or it isn't the same any more; says why.
        """
        archive = self._archive or Archive([str(self.root)])
        classes = KnownClasses()
        if strict:
            return Present(archive, classes).config(self.reference)
        documents = {each: archive.document(each) for each in bottom_up([self.reference], archive.needs)}
        configs = {
            each: {"class": classes.of(document).__furu_class__.class_path, "fields": document["fields"]}
            for each, document in documents.items()
        }
        config: Config = decode_graph({**configs.pop(self.reference), "configs": configs}, strict=False)
        assert isinstance(config, Computable)  # noqa: S101 -- only those are ever stored
        return config

    def why_stale(self) -> str | None:
        """Why today's code never asks for it; None if it does, by the same config."""
        try:
            self.load_config()
        except FuruError as error:
            return error.message
        return None

    def _published(self) -> Published:
        published = find_published(self.paths, THIS_PROCESS.disk)
        if published is None:
            raise FuruNothingPublished(node=self.node, furu_dir=self.directory)
        return published


def refs(root: str | Path | None = None, namespace: str | None = None) -> list[ArtifactRef]:
    """The stored artifacts, sorted by namespace and hash. Imports nothing; one whose record is damaged says so.

    Args:
        root: of the store; without it, those in force.
        namespace: only this one and those inside of it: `"acme"` also gives those of `"acme/train"`.
    """
    archive = Archive([str(Path(root).absolute())] if root is not None else store_roots())
    return [_ref(archive, reference, found) for reference, found in archive.scan(namespace or "").items()]


def _ref(archive: Archive, reference: str, found: ScannedArtifact) -> ArtifactRef:
    document, problem = None, None
    try:
        document = archive.document(reference)
    except FuruError as error:
        problem = error.message
    root = Path(found.paths.base.removesuffix(f"/data/{reference}"))
    return ArtifactRef(root, found.namespace, found.furu_hash, status_of(found), document, problem, archive)


_BY_ENDING = {
    Ending.OK: ArtifactStatus.INVALID,  # its result was taken back
    Ending.FAILED: ArtifactStatus.FAILED,
    Ending.PREEMPTED: ArtifactStatus.PREEMPTED,
    Ending.CRASHED: ArtifactStatus.CRASHED,
    Ending.LOST: ArtifactStatus.LOST,
}


def status_of(found: ScannedArtifact) -> ArtifactStatus:
    """The status that the names in an artifact's directory give it."""
    if found.is_published:
        return ArtifactStatus.PUBLISHED
    if found.holder is not None:
        return ArtifactStatus.RUNNING
    if found.is_alias:
        return ArtifactStatus.ALIAS
    if found.last_ending is None:
        return ArtifactStatus.RECORDED
    return _BY_ENDING.get(found.last_ending, ArtifactStatus.RECORDED)


class ClassHistory:
    """What is stored of one class, now and under the names that it once had."""

    def __init__(self, cls: type[Computable]) -> None:
        own = cls.__furu_class__.namespace
        self._refs = [ref for ref in refs(namespace=own) if ref.namespace == own]
        self._former = sorted(former_names(cls) - {own})
        archive = self._refs[0]._archive if self._refs else None
        self._present = Present(archive, KnownClasses()) if archive is not None else None

    def current(self) -> Iterator[tuple[ArtifactRef, Computable]]:
        """Those that today's class still stands for, with the config."""
        for ref in self._refs:
            config = self._config(ref)
            if config is not None:
                yield ref, config

    def stale(self) -> list[ArtifactRef]:
        """Those that it doesn't: of an older shape, version or name, or unreadable."""
        former = [ref for name in self._former for ref in refs(namespace=name) if ref.namespace == name]
        return former + [ref for ref in self._refs if self._config(ref) is None]

    def _config(self, ref: ArtifactRef) -> Computable | None:
        try:
            return self._present.config(ref.reference) if self._present is not None else None
        except FuruError:
            return None
