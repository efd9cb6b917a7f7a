"""Which roots are worked on: a window that rolls over them in the order given."""

from __future__ import annotations


class RollingWindow:
    """At most `size` roots are open; the next one opens as soon as any open one is finished, even while others run.

    A root's work is what no root before it brings in. It is finished when all of that is settled, and it itself:
    a skipped root may leave work that can still be done, and that counts.
    """

    def __init__(self, work: list[int], size: int | None) -> None:
        """Take how much work each root has, and how many may be open (None: all)."""
        self._left = list(work)
        self._size = len(work) if size is None else size
        self._open: set[int] = set()
        self._next = 0

    @property
    def open_roots(self) -> list[int]:
        """The roots that are open, in order."""
        return sorted(self._open)

    def settle(self, root: int) -> None:
        """One piece of the work of `root` is settled."""
        self._left[root] -= 1
        if not self._left[root]:
            self._open.discard(root)

    def grow(self, root: int, pieces: int) -> None:
        """More work was found for `root`, which is not finished."""
        self._left[root] += pieces

    def roll(self) -> list[int]:
        """Open what may be opened: the roots that are open now and were not before."""
        opened = []
        while self._next < len(self._left) and len(self._open) < self._size:
            if self._left[self._next]:
                self._open.add(self._next)
                opened.append(self._next)
            self._next += 1
        return opened
