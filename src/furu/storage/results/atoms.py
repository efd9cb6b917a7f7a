"""Values without parts: what JSON has no word for, or would not give back the same."""

from __future__ import annotations

import base64
import datetime
import math
import zoneinfo
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from furu.storage.results.refusal import Unloadable, Unstorable, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from furu.storage.results.codec import Json

# Other JSON readers lose what is beyond 64 bits, and Python itself refuses to read more than 4300 digits.
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**64 - 1


def is_plain_int(value: int) -> bool:
    """Whether every JSON reader gives the same number back."""
    return _MIN_INT <= value <= _MAX_INT


def is_plain_str(value: str) -> bool:
    """Whether the text survives UTF-8; lone surrogates, as in odd file names, do not."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def encode_int(value: int) -> Json:
    """An integer of any size."""
    # Hexadecimal is linear in the number of digits and has no limit.
    return value if is_plain_int(value) else {"$int": hex(value)}


def encode_float(value: float) -> Json:
    """A float; JSON proper has no nan and no infinities."""
    return value if math.isfinite(value) else {"$float": repr(value)}


def encode_str(value: str) -> Json:
    """Any text, also what UTF-8 refuses."""
    if is_plain_str(value):
        return value
    return {"$str": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")}


def _itself(value: Json) -> Json:
    return value


def _complex(value: complex) -> Json:
    return {"$complex": [repr(value.real), repr(value.imag)]}


def _fraction(value: Fraction) -> Json:
    return {"$Fraction": [hex(value.numerator), hex(value.denominator)]}


def _text(value: Decimal | UUID) -> Json:
    return {f"${type(value).__name__}": str(value)}


def _date(value: datetime.date) -> Json:
    return {"$date": value.isoformat()}


def _timedelta(value: datetime.timedelta) -> Json:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _moment(value: datetime.datetime | datetime.time) -> Json:
    record: dict[str, Json] = {f"${type(value).__name__}": value.replace(tzinfo=None).isoformat()}
    if value.fold:
        record["fold"] = value.fold
    if value.tzinfo is not None:
        record["zone"] = _zone(value.tzinfo)
    return record


def _zone(zone: datetime.tzinfo) -> Json:
    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        return zone.key
    if type(zone) is not datetime.timezone:
        reason = f"its time zone is a {type_name(type(zone))}"
        raise Unstorable(reason, kind=type(zone), hints=["use zoneinfo.ZoneInfo or datetime.timezone"])
    offset, name = zone.utcoffset(None), zone.tzname(None)
    unnamed = datetime.timezone(offset).tzname(None)
    return [offset.days, offset.seconds, offset.microseconds, *([] if name == unnamed else [name])]


ENCODERS: Final[dict[type, Callable[[Any], Json]]] = {
    type(None): _itself,
    bool: _itself,
    int: encode_int,
    float: encode_float,
    str: encode_str,
    complex: _complex,
    Decimal: _text,
    Fraction: _fraction,
    UUID: _text,
    datetime.date: _date,
    datetime.datetime: _moment,
    datetime.time: _moment,
    datetime.timedelta: _timedelta,
}


def _load_float(record: dict[str, Json]) -> float:
    return float(_checked(record["$float"], str))


def _load_int(record: dict[str, Json]) -> int:
    return int(_checked(record["$int"], str), 16)


def _load_str(record: dict[str, Json]) -> str:
    return base64.b64decode(record["$str"], validate=True).decode("utf-8", "surrogatepass")


def _load_complex(record: dict[str, Json]) -> complex:
    real, imaginary = record["$complex"]
    return complex(float(real), float(imaginary))


def _load_decimal(record: dict[str, Json]) -> Decimal:
    return Decimal(_checked(record["$Decimal"], str))


def _load_fraction(record: dict[str, Json]) -> Fraction:
    numerator, denominator = record["$Fraction"]
    return Fraction(int(numerator, 16), int(denominator, 16))


def _load_uuid(record: dict[str, Json]) -> UUID:
    return UUID(_checked(record["$UUID"], str))


def _load_date(record: dict[str, Json]) -> datetime.date:
    return datetime.date.fromisoformat(record["$date"])


def _load_datetime(record: dict[str, Json]) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(record["$datetime"])
    return moment.replace(tzinfo=_load_zone(record.get("zone")), fold=record.get("fold", 0))


def _load_time(record: dict[str, Json]) -> datetime.time:
    moment = datetime.time.fromisoformat(record["$time"])
    return moment.replace(tzinfo=_load_zone(record.get("zone")), fold=record.get("fold", 0))


def _load_timedelta(record: dict[str, Json]) -> datetime.timedelta:
    days, seconds, microseconds = record["$timedelta"]
    return datetime.timedelta(days, seconds, microseconds)


def _load_zone(zone: Json) -> datetime.tzinfo | None:
    if zone is None:
        return None
    if isinstance(zone, str):
        try:
            return zoneinfo.ZoneInfo(zone)
        except zoneinfo.ZoneInfoNotFoundError as error:
            reason = f"the time zone {zone!r} is not known here"
            raise Unloadable(reason, name="zoneinfo.ZoneInfo", hints=["pip install tzdata"]) from error
    days, seconds, microseconds, *name = zone
    return datetime.timezone(datetime.timedelta(days, seconds, microseconds), *name)


def _checked(value: Json, kind: type) -> Any:
    if type(value) is not kind:
        msg = f"{value!r} is not a {kind.__name__}"
        raise TypeError(msg)
    return value


LOADERS: Final[dict[str, Callable[[dict[str, Json]], object]]] = {
    "$float": _load_float,
    "$int": _load_int,
    "$str": _load_str,
    "$complex": _load_complex,
    "$Decimal": _load_decimal,
    "$Fraction": _load_fraction,
    "$UUID": _load_uuid,
    "$date": _load_date,
    "$datetime": _load_datetime,
    "$time": _load_time,
    "$timedelta": _load_timedelta,
}
