"""What today's code leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from furu.errors import FuruError
from furu.evolution.aliases import reference_of
from furu.evolution.archive import Archive, store_roots
from furu.evolution.classes import KnownClasses
from furu.evolution.rebuild import Present
from furu.identity.dependencies import all_dependencies
from furu.lifecycle.computable import Computable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from furu.core.furu import Furu


def needed_by(targets: Iterable[Furu[Any]]) -> set[str]:
    """References of these configs, and of all that they depend on."""
    found = set()
    for target in targets:
        found |= {reference_of(each) for each in (target, *all_dependencies(target)) if isinstance(each, Computable)}
    return found


def still_current() -> set[str]:
    """References of what is stored and is the same config under today's class. Imports the classes."""
    archive = Archive(store_roots())
    present = Present(archive, KnownClasses())
    found = set()
    for reference in archive.scan():
        try:
            present.config(reference)
        except FuruError:
            continue
        found.add(reference)
    return found
