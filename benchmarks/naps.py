"""Sleeps, as nodes and as plain calls."""

from __future__ import annotations

import time
from typing import Final

import furu

NAP_SEC: Final = 0.05


class Nap(furu.Furu[list[float]]):
    """Sleeps; its result is when it began and when it ended, in seconds since the epoch."""

    number: int
    after: Nap | None = None

    def _create(self) -> list[float]:
        began = time.time()
        time.sleep(NAP_SEC)
        return [began, time.time()]


def nap(_: int) -> tuple[float, float]:
    """The same without furu."""
    began = time.time()
    time.sleep(NAP_SEC)
    return began, time.time()
