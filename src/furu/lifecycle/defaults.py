"""Fields that are left out of the hash while they have their default, and the trap in that.

If the default of such a field changes, a config with the new default has the hash that configs with the old one had.
What the hash can't tell, config.json does: it holds the value. So it is compared before a result counts, once for
each hash and process, and only if a class with such a field exists at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from furu.errors import FuruCorruptRecord, FuruStoreError
from furu.identity.dependencies import all_dependencies
from furu.identity.digest import encode_any
from furu.identity.encode import canonical_text
from furu.lifecycle.computable import artifact_paths, node_name
from furu.storage.records import parse_object

if TYPE_CHECKING:
    from furu.identity.fields import ClassSpec
    from furu.lifecycle.computable import Computable
    from furu.storage.atomic import Disk

_CLASSES: Final[set[str]] = set()
_CHECKED: Final[set[str]] = set()


class FuruDefaultChanged(FuruStoreError):
    """Two configs have one hash, because the default of an `identity="unless-default"` field was changed.

    Attributes:
        node: `Class(hash)`.
        field: the field's name.
    """

    def __init__(self, *, node: str, field: str, stored: str, now: str, path: str) -> None:
        super().__init__(
            f"{node} was stored with {field}={stored}, and here {field}={now} has the same hash: "
            f'the default of a field with identity="unless-default" was changed',
            path=Path(path),
            hints=["give the class another version=, or put the old default back", "furu.plan_migrations() helps"],
        )
        self.node = node
        self.field = field


def note_class(spec: ClassSpec) -> None:
    """Remember that there is such a class."""
    if any(field.identity == "unless-default" for field in spec.fields):
        _CLASSES.add(spec.namespace)


def check_defaults(obj: Computable, disk: Disk) -> None:
    """Refuse a config whose stored namesake, or one below it, was another config.

    Raises:
        FuruDefaultChanged: names the field and both values.
    """
    if not _CLASSES:
        return
    own = artifact_paths(obj).config
    if own in _CHECKED:
        return
    for each in (obj, *all_dependencies(obj)):
        _check_one(cast("Computable", each), disk)
    _CHECKED.add(own)


def _check_one(obj: Computable, disk: Disk) -> None:
    spec = type(obj).__furu_class__
    path = artifact_paths(obj).config
    if spec.namespace not in _CLASSES or path in _CHECKED:
        return
    content = disk.read(path)
    stored = parse_object(content, path).get("fields", {}) if content else {}
    if not isinstance(stored, dict):
        raise FuruCorruptRecord(f"{path} is damaged: fields is no object", path=Path(path))
    for field in spec.fields:
        # An artifact that is older than the field doesn't have it: that it stays valid is what the field is for.
        if field.identity == "unless-default" and field.name in stored:
            then, now = canonical_text(stored[field.name]), canonical_text(encode_any(getattr(obj, field.name)))
            if then != now:
                raise FuruDefaultChanged(node=node_name(obj), field=field.name, stored=then, now=now, path=path)


def forget_checked() -> None:
    """Compare again, in a process whose classes were edited and reloaded."""
    _CHECKED.clear()
