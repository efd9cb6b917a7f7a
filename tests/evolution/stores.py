"""Stores full of results that nobody had to compute: the files of a published artifact, written at once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from furu.identity.decode import encode_config
from furu.identity.encode import SCHEME, canonical_text
from furu.identity.schema import schema_of
from furu.lifecycle.computable import artifact_paths
from furu.storage.records import SuccessRecord, render

if TYPE_CHECKING:
    import furu

TOKEN = "01700000000000000000-0123456789ab"


def publish(config: furu.Furu[Any], value: Any) -> None:
    """As if `config` had been computed, and `value` returned; its dependencies must be stored already."""
    paths = artifact_paths(config)
    Path(paths.base).mkdir(parents=True, exist_ok=True)
    document = {**encode_config(config), "schema": schema_of(type(config))}
    Path(paths.config).write_text(canonical_text(document))
    record = SuccessRecord(TOKEN, None, 1.0, [{"codec": "json", "value": value}])
    Path(paths.success).write_bytes(render(record))


def publish_document(
    root: Path,
    namespace: str,
    fields: dict[str, Any],
    *,
    version: str | None = None,
    schema: dict[str, Any] | None = None,
    dependencies: tuple[str, ...] = (),
    value: Any = "old",
    cls: str = "gone:Gone",
) -> str:
    """As if a class that nobody can import any more had computed it; its reference. No result without a `value`."""
    identity = {"class": namespace, "version": version, "fields": fields, "dependencies": dependencies}
    furu_hash = hashlib.blake2b(canonical_text(identity).encode(), digest_size=16).hexdigest()
    directory = root / "data" / namespace / furu_hash
    directory.mkdir(parents=True)
    document = {
        "v": 1,
        "scheme": SCHEME,
        "class": cls,
        "namespace": namespace,
        "version": version,
        "hash": furu_hash,
        "fields": fields,
        "dependencies": list(dependencies),
        "schema": schema or {},
    }
    (directory / "config.json").write_text(canonical_text(document))
    if value is not None:
        record = SuccessRecord(TOKEN, None, 1.0, [{"codec": "json", "value": value}])
        (directory / "SUCCESS.json").write_bytes(render(record))
    return f"{namespace}/{furu_hash}"
