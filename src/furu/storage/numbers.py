"""Numbers in records, within the bounds in which others calculate with them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

LATEST: Final = 1e11
"""A moment in seconds since the epoch that calendars still know: the end of the year 5138."""

Moment = Annotated[float, Field(ge=-LATEST, le=LATEST, allow_inf_nan=False)]
Duration = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
ProcessId = Annotated[int, Field(ge=0, lt=1 << 31)]
