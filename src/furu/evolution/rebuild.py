"""Building a config of today from a stored document, or saying why that isn't possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruConfigError, FuruError
from furu.evolution.archive import bottom_up
from furu.identity.decode import FuruDecodeError, decode
from furu.identity.digest import furu_hash
from furu.identity.encode import SCHEME, canonical_text, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from furu.evolution.archive import Archive, Document
    from furu.evolution.classes import KnownClasses
    from furu.identity.encode import Json
    from furu.identity.fields import ClassSpec, Config
    from furu.lifecycle.computable import Computable


def doubtful_fields(document: Document) -> set[str]:
    """Fields that were no part of the identity: the stored value needn't be the one that the result was made with."""
    return {name for name, entry in document.get("schema", {}).items() if entry.get("identity") is False}


def build(
    cls: type[Computable], fields: Mapping[str, Json], configs: Mapping[str, Config], doubtful: AbstractSet[str]
) -> Computable:
    """The config of `cls` with these encoded fields: all of them, and nothing but defaults that don't matter.

    A field that is no part of the identity may come and go; one that has become a part of it is taken for absent,
    since its stored value says nothing of the result.

    Raises:
        FuruDecodeError: the class has other fields, or doesn't take the values as they are.
    """
    chosen = _matching(cls.__furu_class__, fields, doubtful)
    try:
        config = cls(**{name: decode(value, configs) for name, value in chosen.items()})
        furu_hash(config)
    except FuruDecodeError:
        raise
    except FuruConfigError as error:
        raise FuruDecodeError(error.message) from error
    except Exception as error:
        msg = f"{cls.__qualname__} can't be built from it: {type(error).__name__}: {error}"
        raise FuruDecodeError(msg) from error
    return config


def _matching(spec: ClassSpec, fields: Mapping[str, Json], doubtful: AbstractSet[str]) -> dict[str, Json]:
    identities = {field.name: field.identity for field in spec.fields}
    fields = {name: value for name, value in fields.items() if name not in doubtful or identities.get(name) is False}
    issues = [f"has no field {name!r}, which was {_show(fields[name])}" for name in fields.keys() - identities.keys()]
    for field in spec.fields:
        if field.name not in fields and not (field.identity is not True and field.has_default):
            known = ", whose value was not part of the identity" if field.name in doubtful else ""
            issues.append(f"now also has {field.name!r}{known}")
    if issues:
        msg = f"{spec.class_path} {'; '.join(sorted(issues))}"
        raise FuruDecodeError(msg)
    return dict(fields)


def check_unchanged(config: Computable, fields: Mapping[str, Json]) -> None:
    """Refuse a config that its class made something else of than the document says.

    Raises:
        FuruDecodeError: names the field and both values.
    """
    for field in config.__furu_class__.fields:
        if field.identity is not False and field.name in fields:
            text, stored = canonical_text(encode(getattr(config, field.name))), canonical_text(fields[field.name])
            if text != stored:
                name = type(config).__qualname__
                msg = f"{name} makes {text} of {field.name}={stored}; say so with Map({field.name!r}, …)"
                raise FuruDecodeError(msg)


_RING: Final = FuruDecodeError("that one refers back to it")


class Present:
    """Stored configs as the same configs of today's classes: those whose hash is still what it was."""

    def __init__(self, archive: Archive, classes: KnownClasses) -> None:
        self._archive = archive
        self._classes = classes
        self._found: dict[str, Computable | FuruError] = {}

    def config(self, reference: str) -> Computable:
        """The config.

        Raises:
            FuruError: it can't be read, or isn't the same any more; says why.
        """
        for each in bottom_up([reference], self._unknown_needs):
            if each not in self._found:
                try:
                    self._found[each] = self._build(each)
                except FuruError as error:
                    self._found[each] = error
        found = self._found[reference]
        if isinstance(found, FuruError):
            raise found
        return found

    def _unknown_needs(self, reference: str) -> list[str]:
        return [] if reference in self._found else self._archive.needs(reference)

    def _build(self, reference: str) -> Computable:
        document = self._archive.document(reference)
        cls = self._classes.of(document)
        spec = cls.__furu_class__
        if document.get("scheme") != SCHEME:
            msg = f"it was hashed by scheme {document.get('scheme')}, this furu has {SCHEME}"
            raise FuruDecodeError(msg)
        if document.get("version") != spec.version:
            msg = f"{spec.class_path} has the version {spec.version!r} now, this is of {document.get('version')!r}"
            raise FuruDecodeError(msg)
        configs: dict[str, Any] = {}
        for needed in self._archive.needs(reference):
            found = self._found.get(needed, _RING)
            if isinstance(found, FuruError):
                msg = f"it holds {needed}, and {found.message}"
                raise FuruDecodeError(msg)
            configs[needed] = found
        config = build(cls, document["fields"], configs, doubtful_fields(document))
        if config.furu_hash != document["hash"]:
            msg = f"{spec.class_path} gives it the hash {config.furu_hash} now: its identity has changed"
            raise FuruDecodeError(msg)
        return config


def _show(value: Json, limit: int = 60) -> str:
    text = canonical_text(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
