"""Running code as somebody whom permission bits bind, also where the tests run as root."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_VERSION_3: Final = 0x20080522
_DAC_OVERRIDE_AND_READ_SEARCH: Final = 0b110


def run_bound_by_permissions(function: Callable[[], T]) -> T:
    """Call `function` in a thread of its own that has given up root's right to ignore permission bits."""
    with ThreadPoolExecutor(1, initializer=_give_up_override) as pool:
        return pool.submit(function).result()


def _give_up_override() -> None:
    if os.geteuid() != 0:
        return
    # The raw call concerns the calling thread only.
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) == 0:
        sets[0] &= ~_DAC_OVERRIDE_AND_READ_SEARCH
        libc.capset(header, sets)
