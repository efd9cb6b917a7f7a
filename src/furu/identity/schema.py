"""What a class's fields were when an artifact was made, in words that need no import to be read."""

from __future__ import annotations

from functools import cache
from typing import Any

from furu.identity.digest import encode_any
from furu.identity.encode import FuruEncodeError, Json


@cache
def schema_of(cls: Any) -> dict[str, Json]:
    """For each field its type as text, its part in the identity, and its default where it has one."""
    schema: dict[str, Json] = {}
    for field in cls.__furu_class__.fields:
        entry: dict[str, Json] = {"type": field.type_name, "identity": field.identity}
        if field.has_default:
            try:
                entry["default"] = encode_any(field.default())
            except FuruEncodeError:
                entry["default"] = {"$unencodable": field.type_name}
        schema[field.name] = entry
    return schema
