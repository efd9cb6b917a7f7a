"""Configs side by side: a line for each field, the same in all left out unless asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.dashboard.config_tree import TreeNode

MIN_COMPARED: Final = 2
MAX_COMPARED: Final = 8

_SHOWN_CHARS: Final = 300


@dataclass(frozen=True)
class Cell:
    """One config's value.

    Attributes:
        text: as it is shown.
        reference: of the nested config that it is.
        is_absent: the config has no such field, which is not the same as one that is null.
        group: equal values of a line have the same number, the most frequent one 0.
    """

    text: str
    reference: str | None
    is_absent: bool
    group: int


@dataclass(frozen=True)
class Line:
    """One field of all of them.

    Attributes:
        path: of the field.
        cells: a value for each config.
        is_same: they are all equal.
    """

    path: str
    cells: tuple[Cell, ...]
    is_same: bool


def compare(trees: Sequence[Sequence[TreeNode]]) -> list[Line]:
    """A line for each path that any of the configs has, in the order of the first that has it.

    Args:
        trees: what `config_tree(..., is_whole=True)` made of each.
    """
    values = [{leaf.path: leaf for node in tree for leaf in node.leaves()} for tree in trees]
    paths = list(dict.fromkeys(path for each in values for path in each))
    return [_line(path, [each.get(path) for each in values]) for path in paths]


def _line(path: str, nodes: Sequence[TreeNode | None]) -> Line:
    keys = [None if node is None else (node.kind, node.text, node.reference) for node in nodes]
    distinct = sorted(set(keys), key=lambda key: (-keys.count(key), keys.index(key)))
    cells = [_cell(node, distinct.index(key)) for node, key in zip(nodes, keys, strict=True)]
    return Line(path, tuple(cells), len(distinct) == 1)


def _cell(node: TreeNode | None, group: int) -> Cell:
    if node is None:
        return Cell("absent", None, is_absent=True, group=group)
    text = (
        node.text if len(node.text) <= _SHOWN_CHARS else f"{node.text[:_SHOWN_CHARS]}… ({len(node.text):,} characters)"
    )
    return Cell(f"{node.kind} {text}" if node.kind else text, node.reference, is_absent=False, group=group)
