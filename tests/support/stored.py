"""Artifacts of classes that nobody can import, put below a root as if they had been computed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from furu.identity.encode import SCHEME, canonical_text
from furu.storage.layout import ArtifactPaths, Ending
from furu.storage.process import ProcessIdentity
from furu.storage.records import AliasRecord, ErrorRecord, OwnerRecord, SuccessRecord, Usage, render

BEGAN_NS = 1_700_000_000_000_000_000


def token(number: int) -> str:
    """The token of an attempt that began `number` seconds after the first."""
    return f"{BEGAN_NS + number * 1_000_000_000:020d}-{number:012x}"


def owner(number: int) -> OwnerRecord:
    """Somebody on `host1`."""
    host1 = ProcessIdentity("host1", "m", "b", 1, 2, "3", "ada")
    at = BEGAN_NS / 1e9 + number
    return OwnerRecord(**vars(host1), token=token(number), node="Node", lease_sec=120.0, at=at)


class Stored:
    """A store that a test fills by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._number = 0

    def add(self, namespace: str, status: str = "published", *, version: str | None = None, **fields: Any) -> str:
        """An artifact with these encoded fields; its reference. `status` as in `furu.ArtifactStatus`."""
        identity = {"class": namespace, "version": version, "fields": fields}
        furu_hash = hashlib.blake2b(canonical_text(identity).encode(), digest_size=16).hexdigest()
        reference = f"{namespace}/{furu_hash}"
        about = {"v": 1, "scheme": SCHEME, "class": "gone:Gone", "namespace": namespace, "version": version}
        document = {**about, "hash": furu_hash, "fields": fields, "dependencies": [], "schema": {}}
        directory = self.root / "data" / reference
        directory.mkdir(parents=True)
        (directory / "config.json").write_text(canonical_text(document))
        self._number += 1
        if status != "recorded":
            self.end(reference, status, self._number)
        return reference

    def end(self, reference: str, status: str, number: int) -> None:
        """Give the artifact an attempt that ended like this, or runs."""
        paths = ArtifactPaths(f"{self.root}/data/{reference}")
        at = BEGAN_NS / 1e9 + number
        if status == "running":
            _write(paths.lease(token(number)).owner, owner(number))
        elif status == "published":
            _write(paths.success, SuccessRecord(token(number), None, at, [], Usage(float(number))))
            _write(paths.ended(token(number), Ending.OK).owner, owner(number))
        else:
            ended = paths.ended(token(number), Ending(status))
            _write(ended.owner, owner(number))
            if status == "failed":
                _write(ended.error, ErrorRecord("builtins.ValueError", "loss is nan", "Traceback", at, Usage(1.5)))

    def alias(self, own: str, target: str) -> None:
        """Make one an alias of the other."""
        _write(f"{self.root}/data/{own}/alias.json", AliasRecord(own, target, BEGAN_NS / 1e9))


def config(reference: str) -> dict[str, str]:
    """A nested config, encoded."""
    return {"$config": reference}


def _write(path: str, record: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(render(record))
