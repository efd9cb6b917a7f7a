"""Everything about one artifact, as its page and scripts want it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from furu.cli.attempts import AttemptFacts, attempts_of
from furu.dashboard.config_tree import TreeNode, config_tree
from furu.dashboard.files import place_of
from furu.errors import FuruError
from furu.identity.decode import references_of
from furu.lifecycle.describe import metadata_at
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published

if TYPE_CHECKING:
    from furu.dashboard.files import Place
    from furu.dashboard.store import Located, Store
    from furu.evolution.archive import Archive

MAX_RESULT_CHARS: Final = 20_000

_MAX_STRING_CHARS: Final = 400
_MAX_RECORDS: Final = 10_000


@dataclass(frozen=True)
class ArtifactView:
    """One artifact.

    Attributes:
        artifact: which.
        status: what it is now.
        class_path: `module:Class`, when it was stored.
        version: the class option.
        tree: its fields.
        document: what config.json holds; None if that can't be read.
        attempts: oldest first.
        depends_on: references, each once.
        alias_of: reference of the artifact whose result it stands for.
        stored: what codecs made of the value, in a list of one; empty if there is none.
        result: the same as text; None if there is none.
        is_result_cut: there is more of it.
        metadata: of the attempt that made the result.
        place: where its files are.
        problems: what could not be read, and why.
    """

    artifact: Located
    status: str
    class_path: str | None
    version: str | None
    tree: list[TreeNode]
    document: dict[str, Any] | None
    attempts: list[AttemptFacts]
    depends_on: list[str]
    alias_of: str | None = None
    stored: list[Any] = field(default_factory=list)
    result: str | None = None
    is_result_cut: bool = False
    metadata: dict[str, Any] | None = None
    place: Place | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def snippet(self) -> str:
        """Python that loads it; nothing of it is stored text."""
        return f'import furu\n\nref = furu.query("hash:{self.artifact.furu_hash}")[0].ref()\nresult = ref.load_result()'


class Documents:
    """Gives documents by reference, or None where there is none to be read."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __call__(self, reference: str) -> dict[str, Any] | None:
        try:
            return self._archive.document(reference)
        except FuruError:
            return None


def view_artifact(store: Store, artifact: Located) -> ArtifactView:
    """What its directory says now; what can't be read is among the problems."""
    archive = store.archive()
    problems: list[str] = []
    document: dict[str, Any] | None = None
    try:
        document = archive.document(artifact.reference)
    except FuruError as error:
        problems.append(error.message)
    view = ArtifactView(
        artifact=artifact,
        status=artifact.status.value,
        class_path=_text(document, "class"),
        version=_text(document, "version"),
        tree=config_tree(document, Documents(archive)) if document else [],
        document=document,
        attempts=attempts_of(artifact.paths),
        depends_on=needed_by(document) if document else [],
        problems=problems,
    )
    try:
        return _with_result(view)
    except FuruError as error:
        problems.append(error.message)
        return view


def needed_by(document: dict[str, Any]) -> list[str]:
    """References in a config's fields, and those that `_dependencies()` gave."""
    try:
        found = references_of(document["fields"])
    except RecursionError:
        found = []
    given = document.get("dependencies")
    found += [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    return list(dict.fromkeys(map(str, found)))


def _with_result(view: ArtifactView) -> ArtifactView:
    artifact = view.artifact
    published = find_published(artifact.paths, THIS_PROCESS.disk)
    if published is None:
        return replace(view, place=place_of(artifact))
    source = published.source.base
    text = _words(published.success.result[0]) if published.success.result else None
    return replace(
        view,
        alias_of=source.removeprefix(f"{artifact.root}/data/") if source != artifact.paths.base else None,
        stored=published.success.result,
        result=text[:MAX_RESULT_CHARS] if text is not None else None,
        is_result_cut=text is not None and len(text) > MAX_RESULT_CHARS,
        metadata=metadata_at(artifact.paths, artifact.root, artifact.reference),
        place=place_of(artifact),
    )


def said_of_file(stored: Any, name: str) -> str | None:
    """What a codec's record says of a file that it wrote, such as the columns of a table; None if nothing is said.

    Args:
        stored: what codecs made of a value.
        name: of a file beside the result.
    """
    waiting = [stored]
    for _ in range(_MAX_RECORDS):
        if not waiting:
            return None
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("file") == name:
                return _words(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return None


def _words(value: Any) -> str:
    """A stored value as JSON, with encoded bytes and other long texts cut."""
    try:
        return json.dumps(_shortened(value), indent=2, ensure_ascii=False)
    except RecursionError:
        return "it is nested too deep to be shown"


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_STRING_CHARS:
        return f"{value[:_MAX_STRING_CHARS]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value


def _text(document: dict[str, Any] | None, name: str) -> str | None:
    value = (document or {}).get(name)
    return value if isinstance(value, str) else None
