"""Which class of today a stored config belongs to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from furu.errors import FuruConfigError
from furu.evolution.migration import Migration
from furu.identity.decode import FuruDecodeError, import_class
from furu.lifecycle.computable import Computable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def history_of(cls: type[Computable]) -> Sequence[Migration]:
    """What the class itself says in `_migrations`; a base's history is not its own.

    Raises:
        FuruConfigError: it is not a list of `Migration`.
    """
    history = cls.__dict__.get("_migrations", ())
    if not isinstance(history, list | tuple) or not all(isinstance(each, Migration) for each in history):
        msg = f"{cls.__qualname__}._migrations must be a list or tuple of furu.Migration"
        raise FuruConfigError(msg)
    return history


def former_names(cls: type[Computable]) -> frozenset[str]:
    """The namespaces that the class's history says it had."""
    return frozenset(name for migration in history_of(cls) for name in migration.former)


class KnownClasses:
    """The config classes that are imported, and those that documents name.

    Args:
        documents: whose classes are imported, where that is possible, so that what they inherited is known.
    """

    def __init__(self, documents: Iterable[Mapping[str, Any]] = ()) -> None:
        self._imported: dict[str, type | FuruDecodeError] = {}
        for path in dict.fromkeys(document["class"] for document in documents):
            self._import(path)
        self._by_namespace: dict[str, type[Computable]] = {}
        self._heirs: dict[str, list[type[Computable]]] = {}
        for cls in _all_classes():
            self._by_namespace[cls.__furu_class__.namespace] = cls
            for name in former_names(cls):
                self._heirs.setdefault(name, []).append(cls)

    def of(self, document: Mapping[str, Any]) -> type[Computable]:
        """The class that has the document's namespace today.

        Raises:
            FuruDecodeError: there is none, or what stands in its place is another class.
        """
        known = self._by_namespace.get(document["namespace"])
        if known is not None:
            return known
        found = self._import(document["class"])
        if isinstance(found, FuruDecodeError):
            raise found
        if not issubclass(found, Computable):
            msg = f"{document['class']!r} is no furu class"
            raise FuruDecodeError(msg)
        name = found.__furu_class__.namespace
        if name != document["namespace"]:
            msg = f"{document['class']} is {found.__furu_class__.class_path} now, with the name {name!r}"
            raise FuruDecodeError(msg)
        return found

    def heirs(self, namespace: str) -> list[type[Computable]]:
        """The other classes whose history says that they once had this namespace."""
        return self._heirs.get(namespace, [])

    def _import(self, path: str) -> type | FuruDecodeError:
        if path not in self._imported:
            try:
                self._imported[path] = import_class(path)
            except FuruDecodeError as error:
                self._imported[path] = error
            except Exception as error:  # noqa: BLE001 -- a module that fails to run is one that can't be imported
                reason = f"class {path!r} can't be imported: {type(error).__name__}: {error}"
                self._imported[path] = FuruDecodeError(reason)
        return self._imported[path]


def _all_classes() -> Iterator[type[Computable]]:
    """Every imported config class that can be found by its name: of a reloaded one the newest."""
    waiting: list[type] = [Computable]
    seen: set[type] = set()
    while waiting:
        cls = waiting.pop()
        if cls in seen:
            continue
        seen.add(cls)
        waiting.extend(cls.__subclasses__())
        # Computable itself, and a class that is being made, have none yet.
        if "__furu_class__" in cls.__dict__ and _is_current(cls):
            yield cast("type[Computable]", cls)


def _is_current(cls: type) -> bool:
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls
