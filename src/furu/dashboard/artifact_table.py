"""A page of artifacts as a table: which fields are worth a column, and what stands in them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu.index.plain import leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.index.rows import ArtifactRow

MAX_COLUMNS: Final = 8

_MAX_CHARS: Final = 60
_MAX_FIELDS: Final = 12
_MAX_CONSTANTS: Final = 12
_MISSING: Final = object()


@dataclass(frozen=True)
class TableRow:
    """One artifact.

    Attributes:
        row: as the index has it.
        cells: a text for each column; None where it has no such field.
        fields: further `(path, text)` pairs, where classes are mixed.
    """

    row: ArtifactRow
    cells: tuple[str | None, ...]
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ArtifactTable:
    """Artifacts with columns.

    Attributes:
        columns: paths of fields.
        rows: in the order of the query.
        constants: `(path, text)` of fields that are the same in all of them.
        hidden: how many fields that differ have no column.
    """

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    constants: tuple[tuple[str, str], ...]
    hidden: int


def artifact_table(rows: Sequence[ArtifactRow], *, is_whole: bool = False) -> ArtifactTable:
    """The table of one page.

    Args:
        rows: of the page.
        is_whole: also columns for fields that are the same everywhere.
    """
    values = [dict(leaves(row.config)) for row in rows]
    for each in values:
        each.pop("", None)
    if len({row.namespace for row in rows}) > 1:
        return _mixed(rows, values)
    paths = list(dict.fromkeys(path for each in values for path in each))
    found = {path: [each.get(path, _MISSING) for each in values] for path in paths}
    varying = [path for path in paths if len(set(map(_key, found[path]))) > 1]
    constant = [path for path in paths if path not in set(varying)] if len(rows) > 1 else []
    shown = varying if len(rows) > 1 and not is_whole else paths
    columns = tuple(shown[: MAX_COLUMNS if not is_whole else 4 * MAX_COLUMNS])
    return ArtifactTable(
        columns=columns,
        rows=tuple(
            TableRow(row, tuple(_shown(found[path][number]) for path in columns), ()) for number, row in enumerate(rows)
        ),
        constants=() if is_whole else tuple((path, _shown(found[path][0]) or "") for path in constant[:_MAX_CONSTANTS]),
        hidden=len(shown) - len(columns),
    )


def _mixed(rows: Sequence[ArtifactRow], values: Sequence[dict[str, Any]]) -> ArtifactTable:
    """Of several classes each row names the fields in which it differs from others of its class."""
    sizes = Counter(row.namespace for row in rows)
    seen: dict[str, dict[str, set[str]]] = {}
    for row, each in zip(rows, values, strict=True):
        by_path = seen.setdefault(row.namespace, {})
        for path, value in each.items():
            by_path.setdefault(path, set()).add(_key(value))
    shown = {
        namespace: {path for path, texts in by_path.items() if sizes[namespace] == 1 or len(texts) > 1}
        for namespace, by_path in seen.items()
    }
    found = []
    for row, each in zip(rows, values, strict=True):
        fields = [(path, _shown(value) or "") for path, value in each.items() if path in shown[row.namespace]]
        found.append(TableRow(row, (), tuple(fields[:_MAX_FIELDS])))
    return ArtifactTable((), tuple(found), (), 0)


def _key(value: Any) -> str:
    """What tells values apart; two that differ only far behind their beginning still differ."""
    return "" if value is _MISSING else json.dumps(value)


def _shown(value: Any) -> str | None:
    """A value in a line, short; None where there is none."""
    if value is _MISSING:
        return None
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
