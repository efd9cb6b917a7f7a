"""Options that are sizes and durations, as people write them."""

from __future__ import annotations

import re
from typing import Final

import click

from furu.index.query import duration_sec

_SIZE: Final = re.compile(r"(?P<number>\d+(\.\d+)?)\s*((?P<unit>[kmgtp])(?P<binary>i?))?b?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def age(text: str) -> float:
    """Seconds of `90`, `10m`, `2h`, `3d`, `1w`.

    Raises:
        click.BadParameter: it is none of these.
    """
    sec = duration_sec(text)
    if sec is None:
        msg = f"{text!r} is no duration: write 90, 10m, 2h, 3d or 1w"
        raise click.BadParameter(msg)
    return sec


def size(text: str) -> int:
    """Bytes of `500GB` (powers of 1000) or `500GiB` (of 1024).

    Raises:
        click.BadParameter: it is neither.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        msg = f"{text!r} is no size: write 500GB or 500GiB"
        raise click.BadParameter(msg)
    return int(float(match["number"]) * (1024 if match["binary"] else 1000) ** _POWERS[(match["unit"] or "").lower()])
