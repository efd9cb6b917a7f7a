"""Changing the text of a query: what a click on a status or a class makes of it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from furu.index.query import parse

if TYPE_CHECKING:
    from collections.abc import Collection

_PLAIN: Final = re.compile(r"[^\s,\"']+")


def quoted(text: str) -> str:
    """A value as queries write it."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def without(text: str, names: Collection[str]) -> str:
    """The query without its conditions on these facts.

    Raises:
        FuruQueryError: the text is no query.
    """
    conditions = parse(text).conditions
    places = [*(each.position for each in conditions), len(text)]
    kept = [
        text[begin:end].strip()
        for each, (begin, end) in zip(conditions, pairwise(places), strict=True)
        if not (each.is_fact and each.name in names)
    ]
    return " ".join(kept)


def with_fact(text: str, name: str, value: str, replaced: Collection[str] = ()) -> str:
    """The query with a condition `name:value` in the place of those it has on that fact.

    Args:
        text: a query.
        name: of the fact.
        value: what it shall be.
        replaced: other facts whose conditions go too.

    Raises:
        FuruQueryError: the text is no query.
    """
    return f"{without(text, {name, *replaced})} {name}:{quoted(value)}".strip()


def asked(text: str, name: str) -> frozenset[str]:
    """The values that the query asks a fact for.

    Raises:
        FuruQueryError: the text is no query.
    """
    conditions = [each for each in parse(text).conditions if each.is_fact and each.name == name]
    return frozenset(value.text for each in conditions if each.operator == "=" for value in each.values)
