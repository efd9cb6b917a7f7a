"""pandas frames and series as parquet, with beside it what parquet does not keep.

The file has a column for each one of the frame and, unless the rows are just numbered, one for each level of its index.
Categories, labels that are no text, and columns of Python objects are restored from the record; what would not come
back equal is refused when it is stored. pandas is imported when one is loaded.
"""

from __future__ import annotations

import io
import sys
from typing import IO, TYPE_CHECKING, Any, Final

from furu.storage.results.arrow_tables import import_pyarrow
from furu.storage.results.directory import ResultDirectory, open_result, record_name
from furu.storage.results.refusal import GENERAL_HINTS, Unstorable

if TYPE_CHECKING:
    from pathlib import Path

    from furu.storage.results.codec import Json

_INDEX: Final = "__index__"
_CONVERT: Final = "convert the column with astype()"


class PandasFrame:
    """`pandas.DataFrame`."""

    name = "pandas.frame"

    def handles(self, kind: type, /) -> bool:
        pandas = sys.modules.get("pandas")
        return pandas is not None and kind is pandas.DataFrame

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        flat, index = _flatten(value)
        columns = {name: _Column.of(flat[name]) for name in flat}
        natural = [name for name, column in columns.items() if not column.record]
        casts = _casts(flat[natural])
        for name, column in columns.items():
            if column.physical is not None:
                flat[name] = column.physical
        table = _table(flat)
        for name, column in columns.items():
            column.check(table.column(name))
        with directory.create(".parquet") as file:
            import_pyarrow().parquet.write_table(table, file)
        return {
            "file": record_name(file),
            "rows": len(value),
            "columns": _labels(value.columns),
            "index": index,
            "restore": {name: column.record for name, column in columns.items() if column.record} | casts,
            **({"attrs": value.attrs} if value.attrs else {}),
        }

    def load(self, record: Json, directory: Path, /) -> Any:
        with open_result(record["file"], directory) as file:
            table = _read_table(file)
        frame = _restore_columns(table, record["restore"], record["rows"])
        levels = [frame.pop(name) for name in list(frame) if name.startswith(_INDEX)]
        frame.index = _index(record["index"], levels)
        frame.columns = _index(record["columns"], record["columns"].get("levels"))
        frame.attrs = record.get("attrs", {})
        if len(frame) != record["rows"]:
            msg = f"{len(frame)} rows in the place of {record['rows']}"
            raise ValueError(msg)
        return frame


class PandasSeries:
    """`pandas.Series`, as a frame of one column."""

    name = "pandas.series"

    def handles(self, kind: type, /) -> bool:
        pandas = sys.modules.get("pandas")
        return pandas is not None and kind is pandas.Series

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        frame = value.to_frame("value")
        frame.attrs = value.attrs
        return {"frame": PandasFrame().store(frame, directory), "name": value.name}

    def load(self, record: Json, directory: Path, /) -> Any:
        frame = PandasFrame().load(record["frame"], directory)
        series = frame["value"].rename(record["name"])
        series.attrs = frame.attrs
        return series


class _Column:
    """What becomes of one column: how it is written, and how it is restored from that (nothing, if parquet does)."""

    def __init__(
        self, name: str, record: Json = None, *, physical: Any = None, objects: list[object] | None = None
    ) -> None:
        self.name = name
        self.record = record
        self.physical = physical
        self._objects = objects

    @classmethod
    def of(cls, series: Any) -> _Column:
        import pandas as pd

        if isinstance(series.dtype, pd.CategoricalDtype):
            categories = pd.Series(series.cat.categories.rename(None))
            record = {"categories": categories, "ordered": bool(series.cat.ordered)}
            return cls(series.name, record, physical=series.cat.codes)
        if getattr(series.dtype, "byteorder", "=") not in "=|":
            reason = f"parquet does not keep the byte order of column {series.name!r}"
            raise Unstorable(reason, kind=pd.DataFrame, hints=[_CONVERT, *GENERAL_HINTS])
        if series.dtype != object:
            return cls(series.name)
        objects = series.tolist()
        missing = {"nan" if _is_nan(each) else "none" for each in objects if each is None or _is_nan(each)}
        if len(missing) > 1:
            reason = f"column {series.name!r} has both None and nan for what is missing"
            raise Unstorable(reason, kind=pd.DataFrame, hints=["choose one: series.where(series.notna(), None)"])
        return cls(series.name, {"objects": missing.pop() if missing else "none"}, objects=objects)

    def check(self, stored: Any) -> None:
        """Refuse Python objects that Arrow took for something else."""
        if self._objects is None:
            return
        loaded = _objects(stored, self.record["objects"])
        for before, after in zip(self._objects, loaded, strict=True):
            if not _is_same(before, after):
                reason = f"column {self.name!r} of Python objects would come back changed: {before!r}"
                hints = ["series.infer_objects()", "make its values all of one simple type", *GENERAL_HINTS]
                raise Unstorable(reason, kind=type(before), hints=hints)


def _flatten(frame: Any) -> tuple[Any, Json]:
    """The frame with numbered rows and text for labels, its index as further columns; and the record of the index."""
    import pandas as pd

    flat = frame.copy(deep=False)
    labels = list(frame.columns)
    are_names = all(type(label) is str and not label.startswith(_INDEX) for label in labels)
    flat.columns = labels if are_names and len({*labels}) == len(labels) else [f"{n}" for n in range(len(labels))]
    flat.index = pd.RangeIndex(len(frame))
    index = frame.index
    record: dict[str, Json] = {"names": list(index.names)}
    if type(index) is pd.RangeIndex:
        return flat, {**record, "range": [index.start, index.stop, index.step]}
    if freq := _plain_freq(index):
        record["freq"] = freq
    for level in range(index.nlevels):
        flat[f"{_INDEX}{level}"] = _level(index, level)
    return flat, {**record, "multi": isinstance(index, pd.MultiIndex)}


def _labels(index: Any) -> Json:
    """The record of the column labels."""
    import pandas as pd

    record: dict[str, Json] = {"names": list(index.names)}
    if type(index) is pd.RangeIndex:
        return {**record, "range": [index.start, index.stop, index.step]}
    if index.nlevels == 1 and (index.dtype == object or str(index.dtype) == "str"):
        return {**record, "labels": index.tolist(), "dtype": str(index.dtype)}
    if freq := _plain_freq(index):
        record["freq"] = freq
    levels = [_level(index, level) for level in range(index.nlevels)]
    return {**record, "multi": isinstance(index, pd.MultiIndex), "levels": levels}


def _level(index: Any, level: int) -> Any:
    import pandas as pd

    values = index.get_level_values(level)
    return pd.Series(values.array, dtype=values.dtype)


def _index(record: Json, levels: Any) -> Any:
    import pandas as pd

    names = record["names"]
    if "range" in record:
        return pd.RangeIndex(*record["range"], name=names[0])
    if "labels" in record:
        return pd.Index(record["labels"], dtype=record["dtype"], name=names[0], tupleize_cols=False)
    if record["multi"]:
        return pd.MultiIndex.from_arrays(levels, names=names)
    index = pd.Index(levels[0].array, dtype=levels[0].dtype, name=names[0])
    if "freq" in record:
        index.freq = record["freq"]
    return index


def _plain_freq(index: Any) -> str | None:
    """The regular step of a DatetimeIndex or TimedeltaIndex; periods have it in their dtype."""
    import pandas as pd

    freq = index.freq if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
    return freq.freqstr if freq is not None and pd.tseries.frequencies.to_offset(freq.freqstr) == freq else None


def _table(frame: Any) -> Any:
    pyarrow = import_pyarrow()
    try:
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = f"parquet can't hold its columns: {' '.join(str(arg) for arg in error.args)}"
        raise Unstorable(reason, kind=type(frame), hints=[_CONVERT, *GENERAL_HINTS]) from error


def _read_table(file: IO[bytes]) -> Any:
    # Not read_table(path), which would read folders named `key=value` as columns.
    return import_pyarrow().parquet.ParquetFile(file).read()


def _casts(natural: Any) -> dict[str, Json]:
    """How to mend the dtypes that parquet does not keep, told by a round trip of no rows."""
    import pandas as pd

    loaded = _without_rows(natural)
    casts = {}
    for name, dtype in natural.dtypes.items():
        if loaded[name].dtype == dtype:
            continue
        cast = _cast_name(dtype)
        if cast is None or loaded[name].astype(cast).dtype != dtype:
            reason = f"parquet does not keep the dtype {dtype} of column {name!r}"
            raise Unstorable(reason, kind=pd.DataFrame, hints=[_CONVERT, *GENERAL_HINTS])
        casts[str(name)] = {"cast": cast}
    return casts


def _without_rows(frame: Any) -> Any:
    buffer = io.BytesIO()
    import_pyarrow().parquet.write_table(_table(frame.iloc[:0]), buffer)
    buffer.seek(0)
    try:
        return _read_table(buffer).to_pandas()
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = f"parquet does not keep the dtype of a column: {error}"
        raise Unstorable(reason, kind=type(frame), hints=[_CONVERT, *GENERAL_HINTS]) from error


def _cast_name(dtype: Any) -> str | None:
    """The name of a dtype that holds the same values as what parquet makes of it."""
    if str(dtype) == "string":
        return f"string[{dtype.storage}]"
    # Parquet has no unit of seconds; milliseconds hold the same moments.
    return str(dtype) if dtype.kind in "mM" else None


def _restore_columns(table: Any, records: dict[str, Json], rows: int) -> Any:
    """The frame with all columns of the file as they were, and numbered rows."""
    import pandas as pd

    names = table.column_names
    objects = {name for name in names if "objects" in records.get(name, ())}
    natural = table.drop_columns(list(objects)) if objects else table
    frame = natural.to_pandas() if natural.num_columns else pd.DataFrame(index=pd.RangeIndex(rows))
    for position, name in enumerate(names):
        match records.get(name):
            case {"objects": missing}:
                values = pd.Series(_objects(table.column(name), missing), dtype=object, index=frame.index)
                frame.insert(position, name, values)
            case {"categories": categories, "ordered": ordered}:
                dtype = pd.CategoricalDtype(pd.Index(categories.array, dtype=categories.dtype), ordered)
                codes = pd.Categorical.from_codes(frame[name].to_numpy(), dtype=dtype)
                frame.isetitem(position, pd.Series(codes, index=frame.index))
            case {"cast": dtype}:
                frame.isetitem(position, frame[name].astype(dtype))
    return frame


def _objects(stored: Any, missing: str) -> list[object]:
    values = stored.to_pylist()
    return [float("nan") if each is None else each for each in values] if missing == "nan" else values


def _is_nan(value: object) -> bool:
    return type(value) is float and value != value  # noqa: PLR0124 -- only nan differs from itself


def _is_same(before: object, after: object) -> bool:
    if type(before) is not type(after):
        return False
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_same, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return list(before) == list(after) and all(map(_is_same, before.values(), after.values()))
    return bool(before == after) or (_is_nan(before) and _is_nan(after))
