"""What may be on a disk after a power cut: a model of a filesystem that keeps only what was fsynced.

A name in a directory that was not fsynced since it changed may have any value it had since; a file that was not fsynced
may have any content it had since, none, half of it, or zeros. Every name and every file chooses for itself, so a rename
may be there while the bytes of its file are not, and the two names of a rename may both be there, or neither.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Tree = dict[str, "bytes | None"]
"""Paths below the top and what is there: the bytes of a file, None for a directory; parents come first."""

EXHAUSTIVE: Final = 64


@dataclass(eq=False)
class Node:
    """A file or a directory, whatever names it has.

    Attributes:
        is_directory: or else a file.
        content: of a file, now.
        contents: what a file may come back with: what was synced last, and all since.
        names: of a directory, now.
        changes: by name, what was synced last and all since; only of names that were changed since.
    """

    is_directory: bool
    content: bytes = b""
    contents: list[bytes] = field(default_factory=lambda: [b""])
    names: dict[str, Node] = field(default_factory=dict)
    changes: dict[str, list[Node | None]] = field(default_factory=dict)

    def write(self, content: bytes) -> None:
        """The file's bytes are others now."""
        if content != self.content:
            self.content = content
            self.contents.append(content)

    def name(self, name: str, node: Node | None) -> None:
        """The directory has this under `name` now."""
        before = self.names.get(name)
        if before is node:
            return
        self.changes.setdefault(name, [before]).append(node)
        if node is None:
            del self.names[name]
        else:
            self.names[name] = node

    def sync(self) -> None:
        """All of it has reached the disk."""
        self.contents = [self.content]
        self.changes = {}

    def sync_all(self) -> None:
        """And all below it."""
        self.sync()
        for node in self.names.values():
            node.sync_all()


Slot = tuple[Node, "str | None"]
"""A choice that the cut makes: what a name of a directory is, or, without a name, which bytes a file has."""


@dataclass(frozen=True)
class Cut:
    """The moment of a power cut.

    Attributes:
        label: what happened just before.
        top: the directory above all; it survives.
        names: of each directory, its names then.
        options: what may be there, newest first; only where there is more than one.
        contents: of each file, where nothing is to choose.
        holds: what was promised by then.
    """

    label: str
    top: Node
    names: Mapping[Node, Mapping[str, Node]]
    options: Mapping[Slot, tuple[Any, ...]]
    contents: Mapping[Node, bytes]
    holds: Callable[[], list[str]] | None

    @property
    def size(self) -> int:
        """How many choices there are to combine."""
        return math.prod(map(len, self.options.values()))

    def tree(self, chosen: Mapping[Slot, Any]) -> Tree:
        """What is on the disk; what isn't chosen is the newest. A directory has one name at most."""
        found: Tree = {}
        seen: set[Node] = set()
        settled = self._settled()
        waiting: list[tuple[str, Node]] = [("", self.top)]
        while waiting:
            path, node = waiting.pop()
            for name in sorted(self._all_names(node)):
                child = self._pick((node, name), chosen, self.names[node].get(name))
                if child is None or child in seen or (child in settled and (node, name) in self.options):
                    continue
                own = f"{path}{name}"
                if child.is_directory:
                    seen.add(child)
                    found[own] = None
                    waiting.append((f"{own}/", child))
                else:
                    found[own] = self._pick((child, None), chosen, self.contents[child])
        return found

    def _settled(self) -> set[Node]:
        """The directories that have a name that is no choice."""
        names = ((node, name, child) for node, names in self.names.items() for name, child in names.items())
        return {child for node, name, child in names if child.is_directory and (node, name) not in self.options}

    def _all_names(self, node: Node) -> set[str]:
        return {*self.names[node], *(name for each, name in self.options if each is node and name is not None)}

    def _pick(self, slot: Slot, chosen: Mapping[Slot, Any], settled: Any) -> Any:
        if slot not in self.options:
            return settled
        return chosen.get(slot, self.options[slot][0])

    def choices(self) -> Iterator[dict[Slot, Any]]:
        """All of them where they are few; else all newest and all oldest, each with one or one rename changed."""
        if self.size <= EXHAUSTIVE:
            for values in itertools.product(*self.options.values()):
                yield dict(zip(self.options, values, strict=True))
            return
        oldest = {slot: options[-1] for slot, options in self.options.items()}
        bytes_lost = {slot: options[-1] for slot, options in self.options.items() if slot[1] is None}
        for base in ({}, oldest, bytes_lost):
            yield dict(base)
            for slot, options in self.options.items():
                for option in options:
                    yield {**base, slot: option}
            for renamed in self._renames():
                yield {**base, **{slot: self.options[slot][-1] for slot in renamed}}

    def _renames(self) -> Iterator[list[Slot]]:
        """The names that one node had or has: undone together."""
        of: dict[Node, list[Slot]] = {}
        for slot, options in self.options.items():
            if slot[1] is not None:
                for node in {option for option in options if option is not None}:
                    of.setdefault(node, []).append(slot)
        yield from (slots for slots in of.values() if len(slots) > 1)


def cut(label: str, top: Node, holds: Callable[[], list[str]] | None) -> Cut:
    """The state of this moment, kept."""
    names: dict[Node, Mapping[str, Node]] = {}
    options: dict[Slot, tuple[Any, ...]] = {}
    contents: dict[Node, bytes] = {}
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if node in names or node in contents:
            continue
        if not node.is_directory:
            contents[node] = node.content
            if found := _may_have(node):
                options[node, None] = found
            continue
        names[node] = dict(node.names)
        for name, values in node.changes.items():
            distinct = tuple(dict.fromkeys(reversed(values)))
            if len(distinct) > 1:
                options[node, name] = distinct
        waiting.extend(node.names.values())
        waiting.extend(each for values in node.changes.values() for each in values if each is not None)
    return Cut(label, top, names, options, contents, holds)


def _may_have(node: Node) -> tuple[bytes, ...]:
    if node.contents == [node.content]:
        return ()
    half, zeros = node.content[: len(node.content) // 2], bytes(len(node.content))
    found = tuple(dict.fromkeys([node.content, half, zeros, *reversed(node.contents[:-1])]))
    return found if len(found) > 1 else ()
