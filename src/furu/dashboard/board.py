"""What all pages share: the store, the watcher of its index, and answers that hold until something changes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from furu.dashboard.disk import Disk
from furu.dashboard.runs import Runs
from furu.dashboard.store import Store
from furu.dashboard.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_MAX_REMEMBERED: Final = 128


class Board:
    """A dashboard over one store.

    Attributes:
        store: what is shown.
        watcher: keeps its index up to date.
        runs: records of runs.
        disk: measures what it takes.

    Args:
        roots: of the store.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self.store = Store(roots)
        self.watcher = Watcher(roots)
        self.runs = Runs(self.store.roots)
        self.disk = Disk(self.store.roots)
        self._remembered: dict[Hashable, tuple[int, Any]] = {}
        self._lock = threading.Lock()

    @property
    def roots(self) -> list[str]:
        """Of the store."""
        return self.store.roots

    def start(self) -> None:
        """Begin to watch."""
        self.watcher.start()

    def close(self) -> None:
        """Have open pages go: the server is about to end."""
        self.watcher.close()

    def stop(self) -> None:
        """End what runs in the background."""
        self.disk.stop()
        self.watcher.stop()

    def remember(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once for each state of the index."""
        version = self.watcher.known.version
        with self._lock:
            found = self._remembered.get(key)
        if found is not None and found[0] == version:
            return found[1]
        made = make()
        with self._lock:
            self._remembered.pop(key, None)
            self._remembered[key] = version, made
            while len(self._remembered) > _MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return made
