"""What a notebook shows of a stored artifact whose class needn't be known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from furu.drawing.graph import SHORT_HASH
from furu.drawing.html import heading, or_repr, page, pairs
from furu.drawing.markup import element

if TYPE_CHECKING:
    from furu.evolution.refs import ArtifactRef

_MOST_CHARS: Final = 300


def ref_html(ref: ArtifactRef) -> str | None:
    """An artifact: status, encoded fields, where it is, and what is wrong with it."""
    return or_repr(lambda: _ref(ref))


def _ref(ref: ArtifactRef) -> str:
    notes = [element("p", ref.error, css="furu-note")] if ref.error else []
    facts = {"class": ref.class_path, "version": ref.version, "path": str(ref.directory)}
    return page(
        heading(ref.namespace.rpartition("/")[2], ref.furu_hash[:SHORT_HASH], ref.status.value),
        *notes,
        pairs((name, _text(value)) for name, value in ref.fields.items()),
        pairs((name, value) for name, value in facts.items() if value is not None),
    )


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
