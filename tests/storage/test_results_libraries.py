"""Results of numpy, pandas, polars, pyarrow and torch: equal, with dtype, index, labels and order."""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal

import pytest

from furu.errors import FuruCodecError, FuruCorruptRecord
from furu.storage.results import RESULT_FOLDER, ResultDirectory, load_result, store_result

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")


def round_trip(value, data_dir):
    record = store_result(value, ResultDirectory(lambda: data_dir))
    return load_result(json.loads(json.dumps(record, allow_nan=False)), data_dir)


def files(data_dir):
    return sorted(path.name for path in (data_dir / RESULT_FOLDER).iterdir())


RECORD_DTYPE = [("a", "<f4"), ("b", "U3"), ("c", "i2", (2,))]
ARRAYS = {
    "floats": np.arange(12.0).reshape(3, 4),
    "large": np.arange(10_000).reshape(100, 100),
    "fortran": np.asfortranarray(np.arange(10_000).reshape(100, 100)),
    "strided": np.arange(10_000)[::2],
    "scalar": np.array(1.5),
    "empty": np.zeros((0, 3), "f4"),
    "bools": np.array([True, False]),
    "half": np.array([1, np.nan], "f2"),
    "complex": np.array([1j, np.inf], "c8"),
    "big endian": np.array([1, 2], ">i4"),
    "text": np.array(["a", "bcd", "\U0001f600"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2024-01-01", "NaT"], "M8[D]"),
    "durations": np.array([1, 2], "m8[ns]"),
    "records": np.zeros(3, RECORD_DTYPE),
    "many fields": np.zeros(2, [(f"column_{n}", "f8") for n in range(1000)]),
    "bytes of nothing": np.array([b"\x00\x01"], "V2"),
}


@pytest.mark.parametrize("value", ARRAYS.values(), ids=ARRAYS)
def test_array_comes_back(value, tmp_path):
    loaded = round_trip({"a": (value,)}, tmp_path)["a"][0]
    assert type(loaded) is np.ndarray
    assert (loaded.dtype, loaded.shape) == (value.dtype, value.shape)
    assert loaded.flags.f_contiguous == value.flags.f_contiguous or not value.flags.forc
    assert loaded.tobytes() == value.tobytes()
    assert loaded.flags.writeable


def test_small_array_is_inline_and_large_one_a_file_for_numpy(tmp_path):
    round_trip([np.arange(3), np.arange(10_000)], tmp_path)
    assert files(tmp_path) == ["result.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / RESULT_FOLDER / "result.npy"), np.arange(10_000))


SCALARS = [
    np.float64(0.1),
    np.float32("nan"),
    np.float16(1),
    np.longdouble(1) / 3,
    np.int8(-1),
    np.uint64(2**64 - 1),
    np.bool_(True),
    np.complex64(1j),
    np.str_(""),
    np.str_("naïve"),
    np.bytes_(b""),
    np.bytes_(b"ab"),
    np.datetime64("2024-01-01", "D"),
    np.datetime64("NaT", "ns"),
    np.timedelta64(5, "25s"),
]


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_numpy_scalar_keeps_its_dtype(value, tmp_path):
    loaded = round_trip([value], tmp_path)[0]
    assert (type(loaded), loaded.dtype, repr(loaded)) == (type(value), value.dtype, repr(value))


def test_numpy_scalars_are_keys_and_members(tmp_path):
    value = {np.int64(1): {np.float32(2)}}
    loaded = round_trip(value, tmp_path)
    assert loaded == value
    assert type(next(iter(loaded))) is np.int64


REFUSED_ARRAYS = {
    "objects": (np.array([{}]), "holds Python objects"),
    "objects in fields": (np.zeros(1, [("a", "O")]), "holds Python objects"),
    "dtype with metadata": (np.zeros(1, np.dtype("f8", metadata={"unit": "m"})), "would come back with another one"),
    "masked": (np.ma.array([1], mask=[True]), r"no codec takes a numpy\.ma.*MaskedArray"),
    "matrix": (np.ones((1, 1)).view(np.matrix), "no codec takes a numpy.*matrix"),
    "record scalar": (np.zeros(1, RECORD_DTYPE)[0], "objects or fields"),
    "variable text": (
        np.array(["a"], np.dtypes.StringDType()) if hasattr(np.dtypes, "StringDType") else np.array([{}]),
        "",
    ),
}


@pytest.mark.parametrize(("value", "message"), REFUSED_ARRAYS.values(), ids=REFUSED_ARRAYS)
def test_array_that_only_pickle_could_store_is_refused(value, message, tmp_path):
    with pytest.raises(FuruCodecError, match=rf"can't store result\['x'\]: .*{message}"):
        round_trip({"x": value}, tmp_path)


def test_pickled_array_in_the_place_of_ours_is_not_unpickled(tmp_path):
    record = store_result(np.arange(10_000), ResultDirectory(lambda: tmp_path))
    path = tmp_path / RESULT_FOLDER / "result.npy"
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(FuruCorruptRecord, match="allow_pickle=False"):
        load_result(record, tmp_path)


BERLIN = pd.date_range("2024-03-30", periods=3, tz="Europe/Berlin")
FRAMES = {
    "simple": pd.DataFrame({"b": [1, 2], "a": ["x", "y"], "c": [0.5, float("nan")]}),
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="i2"), "b": pd.Series([], dtype=object)}),
    "no columns": pd.DataFrame(index=[5, 6]),
    "numbered rows": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(4, 8, 2, name="n")),
    "text index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")),
    "object index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", None], dtype=object)),
    "index with a number for a name": pd.DataFrame({"a": [1]}, index=pd.Index([5.5], name=3)),
    "duplicates in the index": pd.DataFrame({"a": [1, 2]}, index=[7, 7]),
    "levels": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "b"), (2, "a")], names=["x", None])),
    "regular dates": pd.DataFrame({"a": [1, 2, 3]}, index=BERLIN),
    "irregular dates": pd.DataFrame({"a": [1, 2]}, index=pd.DatetimeIndex(["2024-01-03", "2024-01-01"], name="at")),
    "category index": pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(["q", "p"], categories=["q", "p", "o"])),
    "labels that are numbers": pd.DataFrame([[1, 2]]),
    "labels of some type": pd.DataFrame([[1, 2, 3]], columns=["a", 1, None]),
    "labels that are tuples": pd.DataFrame([[1]], columns=pd.Index([("a", 1)], tupleize_cols=False)),
    "labels with holes": pd.DataFrame([[1, 2]], columns=["a", float("nan")]),
    "integer labels": pd.DataFrame([[1, 2]], columns=[5, 3]),
    "same labels": pd.DataFrame([[1, 2, 3]], columns=["a", "a", "b"]),
    "labels with levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["m"], [1, 2]], names=["k", "n"])),
    "labels that are dates": pd.DataFrame([[1, 2, 3]], columns=BERLIN),
    "labels with a name": pd.DataFrame({"a": [1]}).rename_axis(columns="what"),
    "labels like arguments": pd.DataFrame({"self": [1], "name": ["x"]}),
    "labels like ours": pd.DataFrame({"__index__0": [1], "0": [2]}, index=["x"]),
    "dates": pd.DataFrame({"a": BERLIN, "b": BERLIN.tz_localize(None)}),
    "seconds": pd.DataFrame({"a": np.array(["2024-01-01", "NaT"], "M8[s]"), "b": np.array([1, 2], "m8[s]")}),
    "periods": pd.DataFrame({"a": pd.period_range("2024", periods=2, freq="M")}),
    "intervals": pd.DataFrame({"a": pd.interval_range(0, 2)}),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", None], categories=["y", "x", "z"], ordered=True)}),
    "categories that are numbers": pd.DataFrame({"a": pd.Categorical([2, 1, 2])}),
    "bins": pd.DataFrame({"a": pd.cut([1, 5, 9], [0, 4, 10])}),
    "no value of a category": pd.DataFrame({"a": pd.Categorical([], categories=["x"])}),
    "nullable": pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}),
    "nullable text": pd.DataFrame({"a": pd.array(["x", None], "string")}),
    "text of another storage": pd.DataFrame({"a": pd.array(["x", None], "string[python]")}),
    "arrow": pd.DataFrame({"a": pd.array([1, None], "int8[pyarrow]")}),
    "arrow seconds": pd.DataFrame({"a": pd.array([1, None], pd.ArrowDtype(pa.timestamp("s")))}),
    "small numbers": pd.DataFrame(
        {"a": np.array([1, 2], "i1"), "b": np.array([1, 2], "f4"), "c": np.array([1], "f2")[[0, 0]]}
    ),
    "object text": pd.DataFrame({"a": pd.Series(["x", None], dtype=object)}),
    "object text with nan": pd.DataFrame({"a": pd.Series(["x", float("nan")], dtype=object)}),
    "object bools": pd.DataFrame({"a": pd.Series([True, None], dtype=object)}),
    "object ints": pd.DataFrame({"a": pd.Series([1, 2], dtype=object)}),
    "lists": pd.DataFrame({"a": [[1, 2], []], "b": [["x"], None]}),
    "decimals": pd.DataFrame({"a": [Decimal("1.25"), None]}),
    "python dates": pd.DataFrame({"a": [dt.date(2024, 1, 1), None]}),
    "bytes": pd.DataFrame({"a": [b"x", b"\x00"]}),
    "only objects": pd.DataFrame({"a": pd.Series([None, None], dtype=object)}, index=["p", "q"]),
}


@pytest.mark.parametrize("value", FRAMES.values(), ids=FRAMES)
def test_pandas_frame_comes_back(value, tmp_path):
    before = value.copy()
    loaded = round_trip({"frame": value}, tmp_path)["frame"]
    pd.testing.assert_frame_equal(loaded, value, check_exact=True, check_freq=True, check_column_type="exact")
    assert list(loaded.columns.names) == list(value.columns.names)
    assert [type(each) for each in loaded.to_numpy().ravel()] == [type(each) for each in value.to_numpy().ravel()]
    pd.testing.assert_frame_equal(before, value, check_freq=True)


SERIES = {
    "named": pd.Series([1, 2], index=["x", "y"], name="count"),
    "nameless": pd.Series([0.5]),
    "name that is a tuple": pd.Series([1], name=("a", 1)),
    "dates": pd.Series([1, 2, 3], index=BERLIN),
    "category": pd.Series(["a", "b"], dtype="category"),
    "empty": pd.Series([], dtype="M8[ns]"),
}


@pytest.mark.parametrize("value", SERIES.values(), ids=SERIES)
def test_pandas_series_comes_back(value, tmp_path):
    pd.testing.assert_series_equal(round_trip([value], tmp_path)[0], value, check_exact=True, check_freq=True)


def test_attributes_of_pandas_come_back(tmp_path):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"unit": ("m", 1)}
    series = frame["a"].copy()
    series.attrs = {"n": 1}
    assert round_trip(frame, tmp_path).attrs == {"unit": ("m", 1)}
    assert round_trip(series, tmp_path).attrs == {"n": 1}


def test_pandas_file_is_parquet_for_others(tmp_path):
    round_trip(pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), tmp_path)
    assert files(tmp_path) == ["result.parquet"]
    assert pd.read_parquet(tmp_path / RESULT_FOLDER / "result.parquet")["a"].tolist() == [1, 2]


def test_folder_named_like_a_partition_adds_no_column(tmp_path):
    data_dir = tmp_path / "lr=0.1"
    data_dir.mkdir()
    assert list(round_trip(pd.DataFrame({"a": [1]}), data_dir)) == ["a"]
    assert round_trip(pl.DataFrame({"a": [1]}), data_dir).columns == ["a"]


REFUSED_FRAMES = {
    "types mixed": (pd.DataFrame({"a": ["x", 1]}), "column a"),
    "ints and floats mixed": (pd.DataFrame({"a": pd.Series([1, 2.5], dtype=object)}), "column 'a' of Python objects"),
    "tuples": (pd.DataFrame({"a": [(1, 2)]}), "column 'a' of Python objects would come back changed"),
    "arrays": (pd.DataFrame({"a": [np.arange(2)]}), "column 'a' of Python objects"),
    "dicts of other keys": (pd.DataFrame({"a": [{"x": 1}, {"y": 1}]}), "column 'a' of Python objects"),
    "own objects": (pd.DataFrame({"a": [object()]}), "column a"),
    "none and nan": (pd.DataFrame({"a": pd.Series(["x", None, float("nan")], dtype=object)}), "both None and nan"),
    "complex": (pd.DataFrame({"a": [1j]}), "column a"),
    "sparse": (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "column a"),
    "arrow lists": (
        pd.DataFrame({"a": pd.array([[1]], pd.ArrowDtype(pa.list_(pa.int8())))}),
        "does not keep the dtype",
    ),
    "arrow decimals": (pd.DataFrame({"a": pd.array([None], pd.ArrowDtype(pa.decimal128(5, 2)))}), "of column 'a'"),
    "big endian": (pd.DataFrame({"a": np.array([1], ">i4")}), "column '?a"),
    "subclass": (type("Own", (pd.DataFrame,), {})({"a": [1]}), "no codec takes"),
    "timestamp": (pd.Timestamp("2024-01-01"), "no codec takes a pandas.*Timestamp"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED_FRAMES.values(), ids=REFUSED_FRAMES)
def test_pandas_value_that_would_come_back_changed_is_refused(value, message, tmp_path):
    with pytest.raises(FuruCodecError, match=rf"can't store result\[0\](.|\n)*{message}"):
        round_trip([value], tmp_path)


POLARS = {
    "simple": pl.DataFrame({"b": [1, None], "a": ["x", "y"]}),
    "empty": pl.DataFrame(),
    "no rows": pl.DataFrame({"a": [1]}).clear(),
    "small": pl.DataFrame({"a": [1]}, schema={"a": pl.Int8}),
    "category": pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Categorical)}),
    "enum": pl.DataFrame({"a": pl.Series(["x"], dtype=pl.Enum(["y", "x"]))}),
    "decimal": pl.DataFrame({"a": pl.Series(["1.5"]).cast(pl.Decimal(10, 2))}),
    "dates": pl.DataFrame({"a": [dt.date(2024, 1, 1)], "b": [dt.time(1)], "c": [dt.timedelta(1)]}),
    "zone": pl.DataFrame({"a": pl.Series([dt.date(2024, 1, 1)]).cast(pl.Datetime("ms", "Europe/Berlin"))}),
    "nested": pl.DataFrame({"a": [[1, 2], None], "b": [{"x": 1}, {"x": 2}]}),
    "fixed": pl.DataFrame({"a": pl.Series([[1, 2]], dtype=pl.Array(pl.Int16, 2))}),
    "nothing": pl.DataFrame({"a": [None]}),
    "bytes": pl.DataFrame({"a": [b"x"]}),
}


@pytest.mark.parametrize("value", POLARS.values(), ids=POLARS)
def test_polars_frame_comes_back(value, tmp_path):
    loaded = round_trip((value,), tmp_path)[0]
    assert (loaded.schema, loaded.shape) == (value.schema, value.shape)
    assert loaded.equals(value)


def test_polars_series_comes_back(tmp_path):
    value = pl.Series("speed", [1.5, None])
    loaded = round_trip(value, tmp_path)
    assert (loaded.name, loaded.dtype, loaded.to_list()) == ("speed", pl.Float64, [1.5, None])


REFUSED_POLARS = {
    "objects": (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), "parquet can't hold its columns"),
    "no fields": (pl.DataFrame({"a": pl.Series([], dtype=pl.Struct([]))}), "parquet can't hold its columns"),
    "lazy": (pl.LazyFrame({"a": [1]}), "no codec takes"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED_POLARS.values(), ids=REFUSED_POLARS)
def test_polars_value_that_parquet_does_not_keep_is_refused(value, message, tmp_path):
    with pytest.raises(FuruCodecError, match=message):
        round_trip(value, tmp_path)


def test_library_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FuruCodecError, match=r"can't store result\['frame'\]: ") as caught:
        round_trip({"frame": pd.DataFrame({"a": [1]})}, tmp_path)
    assert caught.value.hints == ("install pyarrow where results are computed",)


def test_pyarrow_whose_files_may_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pa, "__version__", "14.0.0")
    with pytest.raises(FuruCodecError, match=r"pyarrow 14\.0\.0 may run code"):
        round_trip(pa.table({"a": [1]}), tmp_path)


def test_rows_that_are_missing_are_noticed(tmp_path):
    record = store_result(pd.DataFrame({"a": [1, 2]}), ResultDirectory(lambda: tmp_path))
    record["value"]["record"]["rows"] = 3
    with pytest.raises(FuruCorruptRecord, match="2 rows in the place of 3"):
        load_result(record, tmp_path)


def test_arrow_table_comes_back_with_every_type_and_metadata(tmp_path):
    value = pa.table(
        {
            "seconds": pa.array([1, None], pa.timestamp("s")),
            "words": pa.array(["a", "b"]).dictionary_encode(),
            "pairs": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())),
        }
    ).replace_schema_metadata({"unit": "m"})
    loaded = round_trip({"t": value}, tmp_path)["t"]
    assert loaded.schema.equals(value.schema, check_metadata=True)
    assert loaded.equals(value)
