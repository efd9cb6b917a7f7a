"""How long nodes of a class take, so that a worker with little time left doesn't begin what it can't end."""

from __future__ import annotations

import math
import os
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from furu.execution.cost import recorded_walls
from furu.lifecycle.computable import artifact_paths

if TYPE_CHECKING:
    from furu.core.furu import Furu

_KEPT: Final = 128
_SHARE: Final = 0.9
_LONGEST_SEC: Final = 10**9


class Runtimes:
    """Wall times by class: of stored artifacts, and of what this run has computed."""

    def __init__(self) -> None:
        self._walls: dict[type, deque[float]] = {}

    def need_sec(self, obj: Furu[Any]) -> int:
        """What nine of ten nodes of this class took at most, in whole seconds; 0 when none is known."""
        walls = sorted(self._of(obj))
        return min(_LONGEST_SEC, math.ceil(walls[math.ceil(len(walls) * _SHARE) - 1])) if walls else 0

    def add(self, obj: Furu[Any], wall_sec: float) -> None:
        """One more has been computed."""
        self._of(obj).append(wall_sec)

    def _of(self, obj: Furu[Any]) -> deque[float]:
        if type(obj) not in self._walls:
            stored = recorded_walls(os.path.dirname(artifact_paths(obj).base))
            self._walls[type(obj)] = deque(stored, maxlen=_KEPT)
        return self._walls[type(obj)]
