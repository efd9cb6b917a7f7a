"""Telling that something is about to be computed which is nearly there."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from furu.lifecycle.computable import Computable

_LOG: Final = logging.getLogger("furu")

# On a higher layer, and only needed by whoever misses: named here, loaded then.
_TELLER: Final = "furu.evolution.nearest"


def tell(obj: Computable) -> None:
    """One line in the log about the nearest stored artifact, if there is one near; never an error."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    try:
        importlib.import_module(_TELLER).tell_near_miss(obj)
    except Exception:  # noqa: BLE001 -- whatever it is, it is not the computation's
        _LOG.debug("the nearest stored artifact of %s could not be found", type(obj).__name__, exc_info=True)
