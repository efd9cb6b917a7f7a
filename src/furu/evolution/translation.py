"""What each stored config is today: the same, another one by its class's history or through what it holds, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu.errors import FuruError
from furu.evolution.archive import bottom_up
from furu.evolution.classes import history_of
from furu.evolution.migration import Stuck, name_after, ways
from furu.evolution.rebuild import Present, build, check_unchanged, doubtful_fields
from furu.identity.decode import FuruDecodeError, encode_config, references_of
from furu.identity.encode import SCHEME, canonical_text, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.evolution.archive import Archive, Document
    from furu.evolution.classes import KnownClasses
    from furu.evolution.migration import Arrival, Migration
    from furu.identity.encode import Json
    from furu.identity.fields import Config
    from furu.lifecycle.computable import Computable


class Reading(NamedTuple):
    """What a stored config is today.

    Attributes:
        present: the same config, if its class still takes it as it is.
        moved: another config that its result stands for as well, or instead.
        passed: the migrations on the way to `moved`.
        because: why it is neither; beside `present`, why the class that took over can't take it.
    """

    present: Computable | None = None
    moved: Computable | None = None
    passed: tuple[Migration, ...] = ()
    because: str = ""

    @property
    def choices(self) -> tuple[Computable, ...]:
        """What a config that holds it may hold today, the likelier first."""
        return tuple(each for each in (self.present, self.moved) if each is not None)


class Translator:
    """Reads stored configs bottom-up, so that a config comes after all that it holds."""

    def __init__(self, archive: Archive, classes: KnownClasses) -> None:
        self._archive = archive
        self._classes = classes
        self._present = Present(archive, classes)

    def read(self, references: Iterable[str]) -> dict[str, Reading]:
        """These configs and all below them."""
        readings: dict[str, Reading] = {}
        for reference in bottom_up(references, self._archive.needs):
            readings[reference] = self._read(reference, readings)
        return readings

    def _read(self, reference: str, readings: Mapping[str, Reading]) -> Reading:
        present, because = None, ""
        try:
            document = self._archive.document(reference)
            present = self._present.config(reference)
        except FuruError as error:
            because = error.message
            if not isinstance(error, FuruDecodeError):  # the document itself is no good
                return Reading(because=because)
        classes = list(self._classes.heirs(document["namespace"]))
        if present is None:
            try:
                classes.append(self._classes.of(document))
            except FuruDecodeError as error:
                if not classes:
                    name = document["namespace"]
                    hint = f"Migration(from_class={name!r}) on the class that took over would carry it over"
                    return Reading(because=f"{error.message}; {hint}")
        if not classes:
            return Reading(present)
        found = self._candidates(reference, document, classes, readings)
        if isinstance(found, str):
            return Reading(present, because=found or because)
        config, passed = found
        return Reading(present, config, passed, because=_usurped(document, config, passed))

    def _candidates(
        self, reference: str, document: Document, classes: list[type[Computable]], readings: Mapping[str, Reading]
    ) -> tuple[Computable, tuple[Migration, ...]] | str:
        """The one other config that it can be today, or why there is none or no single one."""
        held = {needed: readings[needed].choices for needed in self._archive.needs(reference) if needed in readings}
        reasons: list[tuple[int, str]] = []
        for choice in range(max((len(each) for each in held.values()), default=1) or 1):
            # Its own past where a class has split: what it holds is either all as it was, or all as it became.
            today = {needed: each[min(choice, len(each) - 1)] for needed, each in held.items() if each}
            lost = {needed: readings[needed].because for needed, each in held.items() if not each}
            found: dict[str, tuple[Computable, tuple[Migration, ...]]] = {}
            for cls in classes:
                for way in _ways(document, cls, today):
                    try:
                        config, passed = _arrive(way, cls, document, today, lost)
                    except _Refused as refused:
                        reasons.append((refused.rank, refused.because))
                        continue
                    found.setdefault(encode(config)["$config"], (config, passed))
            found.pop(reference, None)
            if len(found) > 1:
                several = ", ".join(sorted(found))
                return f"its history leads to several configs: {several}; from_version and to_version would tell them"
            if found:
                return found.popitem()[1]
        return max(reasons, key=lambda reason: reason[0], default=(0, ""))[1]


def _usurped(document: Document, config: Computable, passed: tuple[Migration, ...]) -> str:
    """Whether another config has the hash now: the default of a field has changed that is left out while it has it."""
    spec = config.__furu_class__
    if passed or document["namespace"] != spec.namespace:
        return ""
    optional = [field.name for field in spec.fields if field.identity == "unless-default"]
    values = {field.name: getattr(config, field.name) for field in spec.fields if field.name not in optional}
    try:
        usurper = type(config)(**values)
    except FuruError:
        return ""
    if usurper.furu_hash != document["hash"]:
        return ""
    changed = [name for name in optional if getattr(usurper, name) != getattr(config, name)]
    details = ", ".join(f"{name}={getattr(usurper, name)!r}, was {getattr(config, name)!r}" for name in changed)
    return (
        f"its hash now also stands for another default ({details}): give the class another version, or the default back"
    )


class _Refused(Exception):
    """A way leads nowhere: why, and how far it went."""

    def __init__(self, rank: int, because: str) -> None:
        super().__init__(because)
        self.rank, self.because = rank, because


_ARRIVED: Final = 1_000
_WRONG_VALUE: Final = 1_000_000
"""Of several ways that lead nowhere, the one is told of where a step fitted but for the value; then one that was gone
to the end, where the class refused; then the longest.
"""


def _ways(document: Document, cls: type[Computable], today: Mapping[str, Config]) -> Iterable[Arrival | Stuck]:
    references = {needed: encode(config)["$config"] for needed, config in today.items()}
    fields = {name: _rewritten(value, references) for name, value in document["fields"].items()}
    configs = {references[needed]: config for needed, config in today.items()}
    return ways({**document, "fields": fields}, history_of(cls), cls.__furu_class__.namespace, configs)


def _arrive(
    way: Arrival | Stuck,
    cls: type[Computable],
    document: Document,
    today: Mapping[str, Config],
    lost: Mapping[str, str],
) -> tuple[Computable, tuple[Migration, ...]]:
    """The config at the end of a way.

    Raises:
        _Refused: there is none.
    """
    if isinstance(way, Stuck):
        raise _Refused(way.progress + (_WRONG_VALUE if way.is_about_value else 0), way.because)
    spec, rank = cls.__furu_class__, _ARRIVED + len(way.passed)
    if document.get("scheme") != SCHEME:
        raise _Refused(rank, f"it was hashed by scheme {document.get('scheme')}, this furu has {SCHEME}")
    if way.version != spec.version:
        reason = f"{spec.class_path} has the version {spec.version!r} now, this is of {way.version!r}"
        raise _Refused(rank, f"{reason}: the code means to compute something else")
    for needed in references_of(way.fields):
        if needed in lost:
            raise _Refused(rank, f"it holds {needed}, and {lost[needed]}")
    doubtful = {new for name in doubtful_fields(document) if (new := name_after(name, way.passed)) is not None}
    try:
        config = build(cls, way.fields, way.configs, doubtful)
        check_unchanged(config, way.fields)
    except FuruDecodeError as error:
        raise _Refused(rank, error.message) from None
    _check_dependencies(config, document, today, rank)
    return config, way.passed


def _check_dependencies(config: Computable, document: Document, today: Mapping[str, Config], rank: int) -> None:
    stored = document.get("dependencies", [])
    expected = sorted(encode(today[each])["$config"] if each in today else each for each in stored)
    if (stored or config.__furu_class__.declares_dependencies) and encode_config(config)["dependencies"] != expected:
        raise _Refused(rank, "its _dependencies() names other configs than when the result was made")


def _rewritten(value: Json, references: Mapping[str, str]) -> Json:
    """An encoded value with other references in it, in canonical form again."""
    if isinstance(value, list):
        return [_rewritten(item, references) for item in value]
    if not isinstance(value, dict):
        return value
    if "$config" in value:
        return {"$config": references.get(value["$config"], value["$config"])}
    changed: dict[str, Any] = {key: _rewritten(item, references) for key, item in value.items()}
    for tag in ("$set", "$frozenset"):
        if tag in changed:
            changed[tag] = sorted(changed[tag], key=canonical_text)
    if "$dict" in changed:
        changed["$dict"] = sorted(changed["$dict"], key=lambda pair: canonical_text(pair[0]))
    return changed
