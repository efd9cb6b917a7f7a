"""Whether a document has the shape that `encode_config` gives one; looked at once, before anybody relies on it."""

from __future__ import annotations

from typing import Final

MAX_DEPTH: Final = 200
"""How deep values may be nested in a document: less than what Python can walk through from anywhere."""

_TEXTS: Final = ("class", "namespace", "hash")
_SEQUENCES: Final = ("$tuple", "$set", "$frozenset")
_PAIR: Final = 2


def fault_of(document: object) -> str | None:
    """What is wrong with a document of one config, in a few words; None if it can be walked through.

    What tagged values hold is looked at as far as others walk through it without decoding it; a class that is gone
    or a date that is none is for `decode` to say.
    """
    if not isinstance(document, dict):
        return "it is no object"
    if "class" not in document:
        return "it names no class"
    for name in _TEXTS:
        if not isinstance(document.get(name, ""), str):
            return f"{name} is no text"
    if not isinstance(document.get("version"), str | None):
        return "version is no text"
    dependencies, schema = document.get("dependencies", []), document.get("schema", {})
    if not isinstance(dependencies, list) or not all(isinstance(each, str) for each in dependencies):
        return "dependencies is no list of references"
    if not isinstance(schema, dict) or not all(isinstance(entry, dict) for entry in schema.values()):
        return "schema is no object of objects"
    fields = document.get("fields")
    return _fault_of_value(fields) if isinstance(fields, dict) else "fields is no object"


def _fault_of_value(value: object) -> str | None:
    waiting = [(value, 0)]
    while waiting:
        current, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return f"its values are nested deeper than {MAX_DEPTH} levels"
        if isinstance(current, list):
            waiting.extend((item, depth + 1) for item in current)
        elif isinstance(current, dict):
            if (fault := _fault_of_tag(current)) is not None:
                return fault
            waiting.extend((item, depth + 1) for item in current.values())
    return None


def _fault_of_tag(value: dict[str, object]) -> str | None:
    if not isinstance(value.get("$config", ""), str):
        return f"{value['$config']!r:.40} is no reference"
    for tag in _SEQUENCES:
        if not isinstance(value.get(tag, []), list):
            return f"{tag} holds no list"
    pairs = value.get("$dict", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == _PAIR for pair in pairs):
        return "$dict holds no pairs"
    is_tagged = any(key[:1] == "$" for key in value)
    return "a value's fields are no object" if is_tagged and not isinstance(value.get("fields", {}), dict) else None
