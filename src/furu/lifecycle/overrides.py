"""Results that tests put in the place of computed ones, for this process; `furu.testing` is the way to set them.

Readers ask `if OVERRIDES and ...` first, so that nobody pays for this who doesn't use it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Always the same dict, changed in place: readers in other threads keep no copy and take no lock.
OVERRIDES: Final[dict[str, Any]] = {}
"""`furu_hash` -> the value that `get()` returns."""

ABSENT: Final = object()
"""What no override is, for readers: a result may well be None."""

_layers: Final[list[Mapping[str, Any]]] = []
_writing: Final = threading.Lock()


@contextmanager
def overriding(results: Mapping[str, Any]) -> Iterator[None]:
    """Put `results`, by `furu_hash`, in force inside a `with`, in all threads.

    Blocks nest; of two that overlap in different threads the one entered last wins.
    """
    layer = dict(results)
    with _writing:
        _layers.append(layer)
        OVERRIDES.update(layer)
    try:
        yield
    finally:
        with _writing:
            _layers[:] = [other for other in _layers if other is not layer]
            for furu_hash in layer:
                _restore(furu_hash)


def _restore(furu_hash: str) -> None:
    for layer in reversed(_layers):
        if furu_hash in layer:
            OVERRIDES[furu_hash] = layer[furu_hash]
            return
    OVERRIDES.pop(furu_hash, None)
