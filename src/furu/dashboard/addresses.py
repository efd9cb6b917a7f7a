"""The addresses of pages, in which any stored name stands quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


def artifact_url(reference: str, tab: str = "") -> str:
    """The address of an artifact's page, given `<namespace>/<hash>`."""
    return f"/a/{quote(reference)}{tab}"


def file_url(reference: str, path: str) -> str:
    """The address of a file of an artifact."""
    return f"/file/{quote(reference)}/{quote(path)}"


def list_url(query: str) -> str:
    """The address of the list of what fits a query."""
    return f"/?{urlencode({'q': query})}" if query else "/"


def url_with(parameters: Mapping[str, Any], **changes: Any) -> str:
    """`?...` with some parameters changed; those that become None or empty are left out."""
    merged = {name: value for name, value in {**parameters, **changes}.items() if value not in (None, "")}
    return "?" + urlencode(merged)
