"""A config as a tree to look at: encoded values in words, nested configs in their places with their address."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_NODES: Final = 600
MAX_DEPTH: Final = 16
MAX_CHARS: Final = 2_000

_SHORT_CHARS: Final = 80
_OPEN_NODES: Final = 60
_SEQUENCES: Final = {"$tuple": "tuple", "$set": "set", "$frozenset": "frozenset"}


@dataclass
class TreeNode:
    """A value and what is in it.

    Attributes:
        name: of the field, key or position.
        path: from the top, as queries write it.
        text: the value in a line; empty if its parts are below.
        kind: its type where JSON doesn't say it, or the class of a nested config.
        reference: `<namespace>/<hash>` of a nested config.
        is_default: it is the field's default.
        is_cut: there is more than is shown.
        is_open: its parts are shown at once: small trees whole, large ones to their first level.
        children: its parts.
    """

    name: str
    path: str
    text: str = ""
    kind: str = ""
    reference: str | None = None
    is_default: bool = False
    is_cut: bool = False
    is_open: bool = False
    children: list[TreeNode] = field(default_factory=list)

    def nodes(self) -> Iterator[TreeNode]:
        """It and all below it."""
        yield self
        for child in self.children:
            yield from child.nodes()

    def leaves(self) -> Iterator[TreeNode]:
        """The nodes with nothing below them."""
        return (node for node in self.nodes() if not node.children)


def config_tree(
    document: Mapping[str, Any],
    find: Callable[[str], Mapping[str, Any] | None],
    *,
    is_whole: bool = False,
) -> list[TreeNode]:
    """The fields of a config.

    Args:
        document: what config.json holds.
        find: gives the document that a reference stands for, or None where there is none to be read.
        is_whole: long texts are not cut, so that two trees can be compared.
    """
    tree = _Builder(find, None if is_whole else MAX_CHARS).fields(document, "", 0)
    nodes = [node for each in tree for node in each.nodes()]
    for node in nodes if len(nodes) <= _OPEN_NODES else tree:
        node.is_open = True
    return tree


class _Builder:
    def __init__(self, find: Callable[[str], Mapping[str, Any] | None], max_chars: int | None) -> None:
        self._find = find
        self._max_chars = max_chars
        self._left = MAX_NODES
        self._open: set[str] = set()

    def fields(self, document: Mapping[str, Any], path: str, depth: int) -> list[TreeNode]:
        fields, schema = document.get("fields"), document.get("schema")
        if not isinstance(fields, dict):
            return []
        found = []
        for name, value in fields.items():
            node = self.node(name, f"{path}.{name}" if path else name, value, depth)
            about = schema.get(name) if isinstance(schema, dict) else None
            node.is_default = isinstance(about, dict) and "default" in about and about["default"] == value
            found.append(node)
        return found

    def node(self, name: str, path: str, value: Any, depth: int) -> TreeNode:
        self._left -= 1
        node = TreeNode(name, path)
        tag = next((key for key in value if key[:1] == "$"), None) if isinstance(value, dict) else None
        if tag == "$config" and isinstance(value[tag], str):
            self._nest(node, value[tag], depth)
            return node
        node.kind = _kind(value, tag)
        parts = _parts(value, tag)
        if parts is None or (isinstance(value, list | dict) and self._is_short(value)):
            node.text, node.is_cut = self._text(value, tag)
        elif self._is_full(depth):
            node.text, node.is_cut = "…", True
        else:
            self._fill(node, parts, depth)
        return node

    def _is_full(self, depth: int) -> bool:
        return depth >= MAX_DEPTH or self._left <= 0

    def _fill(self, node: TreeNode, parts: Iterable[tuple[str, str, Any]], depth: int) -> None:
        for name, step, value in parts:
            if self._left <= 0:
                node.children.append(TreeNode("…", f"{node.path}…", "more is not shown", is_cut=True))
                return
            node.children.append(self.node(name, node.path + step, value, depth + 1))

    def _nest(self, node: TreeNode, reference: str, depth: int) -> None:
        namespace, _, furu_hash = reference.rpartition("/")
        node.kind, node.reference = namespace.rpartition("/")[2], reference
        node.text = furu_hash[:10]
        document = None if reference in self._open or self._is_full(depth) else self._find(reference)
        if document is None:
            return
        self._open.add(reference)
        node.children = self.fields(document, node.path, depth + 1)
        self._open.discard(reference)

    def _is_short(self, value: Any) -> bool:
        """Whether a sequence or mapping of plain values fits into a line."""
        items = value.get(next(iter(value), "")) if isinstance(value, dict) else value
        items = value if isinstance(value, list) else items
        if not isinstance(items, list):
            return isinstance(value, dict) and not value
        if any(isinstance(item, dict | list) for item in items):
            return False
        return len(items) < _SHORT_CHARS and len(_json(items)) <= _SHORT_CHARS

    def _text(self, value: Any, tag: str | None) -> tuple[str, bool]:
        shown = value if tag is None else value.get("member", value[tag])
        text = shown if tag is not None and isinstance(shown, str) else _json(shown)
        if self._max_chars is None or len(text) <= self._max_chars:
            return text, False
        return f"{text[: self._max_chars]}… ({len(text):,} characters)", True


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "…"


def _kind(value: Any, tag: str | None) -> str:
    if tag is None:
        return ""
    if tag in ("$dataclass", "$model", "$namedtuple", "$enum") and isinstance(value[tag], str):
        return str(value[tag]).rpartition(":")[2].rpartition(".")[2]
    return _SEQUENCES.get(tag) or tag[1:]


def _parts(value: Any, tag: str | None) -> list[tuple[str, str, Any]] | None:
    """Name, step of the path and value of each part; None where the value is one."""
    if tag in _SEQUENCES:
        value = value[tag]
    elif tag == "$dict" and isinstance(value[tag], list):
        pairs = [pair for pair in value[tag] if isinstance(pair, list) and len(pair) == 2]  # noqa: PLR2004 -- a pair
        return [(_json(key), f"[{_json(key)}]", item) for key, item in pairs]
    elif tag is not None:
        fields = value.get("fields")
        value = fields if isinstance(fields, dict) else None
    if isinstance(value, list):
        return [(str(index), f"[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return [(key, f".{key}", item) for key, item in value.items()]
    return None
