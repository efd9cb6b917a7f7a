"""Numbers for people."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEPS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"))
_KIB: Final = 1024
_TENTHS_BELOW: Final = 10


def size(count: float) -> str:
    """Bytes: `512 B`, `3.4 GiB`."""
    for unit in _UNITS:
        if count < _KIB or unit == _UNITS[-1]:
            break
        count /= _KIB
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def duration(sec: float | None) -> str:
    """Seconds in the largest unit that fits: `0.3s`, `4m`, `2h`; nothing for None."""
    if sec is None:
        return ""
    for step, unit in _STEPS:
        if sec >= step:
            amount = sec / step
            return f"{amount:.1f}{unit}" if amount < _TENTHS_BELOW and unit != "m" else f"{amount:.0f}{unit}"
    return f"{sec:.2f}s"
