"""What a notebook shows of a query's rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.drawing.graph import SHORT_HASH
from furu.drawing.html import badge, heading, or_repr, page, pairs, table
from furu.drawing.markup import element
from furu.drawing.units import duration
from furu.index.plain import leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from furu.index.rows import ArtifactRow

_MOST_ROWS: Final = 100
_MOST_CHARS: Final = 200


def rows_html(rows: Sequence[ArtifactRow], next_page: str | None) -> str | None:
    """A table of artifacts, with the fields in which those of a class differ."""
    return or_repr(lambda: _rows(rows, next_page))


def row_html(row: ArtifactRow) -> str | None:
    """One artifact as the index knows it."""
    return or_repr(lambda: _row(row))


def _rows(rows: Sequence[ArtifactRow], next_page: str | None) -> str:
    shown = rows[:_MOST_ROWS]
    fields = [{path: _text(value) for path, value in leaves(row.config) if path} for row in shown]
    values: dict[tuple[str, str], set[str]] = {}
    for row, found in zip(shown, fields, strict=True):
        for path, text in found.items():
            values.setdefault((row.namespace, path), set()).add(text)
    lines = []
    for row, found in zip(shown, fields, strict=True):
        differing = [f"{path}={text}" for path, text in found.items() if len(values[row.namespace, path]) > 1]
        if row.error:
            differing.append(f"({_cut(row.error)})")
        label = element("code", row.furu_hash[:SHORT_HASH])
        when = clock.isoformat(row.at)
        lines.append(
            (badge(row.status.value), row.class_name, label, duration(row.took_sec), when, "  ".join(differing))
        )
    more = [f"and {len(rows) - len(shown)} more"] if len(rows) > len(shown) else []
    more += ["there is a next page: query(..., after=rows.next_page)"] if next_page else []
    notes = [element("p", each, css="furu-soft") for each in more]
    head = ("status", "class", "hash", "took", "when", "fields")
    return page(element("p", f"{len(rows)} artifacts"), table(head, lines), *notes)


def _row(row: ArtifactRow) -> str:
    return page(
        heading(row.class_name, row.furu_hash[:SHORT_HASH], row.status.value),
        pairs((path, _text(value)) for path, value in leaves(row.config) if path),
        pairs(_facts(row)),
    )


def _facts(row: ArtifactRow) -> Iterator[tuple[str, str]]:
    took = f", took {duration(row.took_sec)}" if row.took_sec is not None else ""
    yield "when", clock.isoformat(row.at) + took
    if row.error:
        yield "error", _cut(row.error)
    if row.host:
        yield "host", row.host
    yield "path", str(row.directory)


def _text(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
