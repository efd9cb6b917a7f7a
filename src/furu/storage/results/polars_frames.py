"""polars frames and series as parquet. polars is imported when one is loaded."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from furu.storage.results.directory import ResultDirectory, open_result, record_name
from furu.storage.results.refusal import GENERAL_HINTS, Unstorable

if TYPE_CHECKING:
    from pathlib import Path

    from furu.storage.results.codec import Json


class PolarsFrame:
    """`polars.DataFrame`."""

    name = "polars.frame"

    def handles(self, kind: type, /) -> bool:
        polars = sys.modules.get("polars")
        return polars is not None and kind is polars.DataFrame

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        _check_schema(value)
        with directory.create(".parquet") as file:
            value.write_parquet(file)
        return {"file": record_name(file)}

    def load(self, record: Json, directory: Path, /) -> Any:
        with open_result(record["file"], directory) as file:
            return _read(file)


class PolarsSeries:
    """`polars.Series`, as a frame of one column."""

    name = "polars.series"

    def handles(self, kind: type, /) -> bool:
        polars = sys.modules.get("polars")
        return polars is not None and kind is polars.Series

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        return PolarsFrame().store(value.to_frame(), directory)

    def load(self, record: Json, directory: Path, /) -> Any:
        return PolarsFrame().load(record, directory).to_series()


def _read(file: Any) -> Any:
    import polars as pl

    # From bytes: a path could hold `key=value` folders, which polars would read as columns.
    return pl.read_parquet(file.read(), hive_partitioning=False)


def _check_schema(frame: Any) -> None:
    """Refuse a dtype that parquet does not keep, told by a round trip of no rows."""
    import polars as pl

    buffer = io.BytesIO()
    try:
        frame.clear().write_parquet(buffer)
    except pl.exceptions.PolarsError as error:
        raise Unstorable(f"parquet can't hold its columns: {error}", kind=type(frame), hints=GENERAL_HINTS) from error
    buffer.seek(0)
    kept = _read(buffer).schema
    changed = [f"{name!r} ({dtype})" for name, dtype in frame.schema.items() if kept.get(name) != dtype]
    if changed or list(kept) != frame.columns:
        reason = f"parquet does not keep the dtype of {', '.join(changed)}"
        raise Unstorable(reason, kind=type(frame), hints=["cast the columns", *GENERAL_HINTS])
