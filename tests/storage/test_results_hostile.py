"""Records that a damaged disk or an enemy wrote: an error, never an execution, never a guess."""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furu.errors import FuruCodecError, FuruCorruptRecord
from furu.storage.results import RESULT_FOLDER, ResultDirectory, load_result, store_result


@dataclasses.dataclass
class Loud:
    """Tells when any of its code runs."""

    a: int
    ran = False

    def __post_init__(self) -> None:
        Loud.ran = True


class Executed:
    def __reduce__(self):
        return (setattr, (Loud, "ran", True))


def tree(value):
    return {"codec": "tree", "value": value}


def named(tag, path, **rest):
    return tree({tag: path, "fields": {}, "set": [], "member": "x", **rest})


CLASS_PATHS = [
    "os:system",
    "builtins:eval",
    "builtins:object",
    "builtins:type",
    "subprocess:Popen",
    "pathlib:Path",
    "furu.storage.results:pickle.loads",
    "json:decoder.JSONDecoder",
    "os:path",
    "functools:partial",
    "__main__:X",
    "os:__dict__",
    "dataclasses:Field.__class__",
    "no_such_module:X",
    ":X",
    "os:",
    "os",
    "",
    ".os:X",
    "..:X",
    "os:sys.modules",
    "a b:X",
    "os;system:X",
    None,
    7,
    ["os", "system"],
    {"a": 1},
]


@pytest.mark.parametrize("path", CLASS_PATHS, ids=str)
@pytest.mark.parametrize("tag", ["$dataclass", "$model", "$namedtuple", "$enum"])
def test_class_that_is_no_class_of_data_is_never_used(tag, path, tmp_path):
    with pytest.raises((FuruCodecError, FuruCorruptRecord)):
        load_result(named(tag, path), tmp_path)


def test_class_of_another_kind_than_the_tag_says(tmp_path):
    for tag, path in (("$enum", f"{__name__}:Loud"), ("$dataclass", "http:HTTPStatus"), ("$model", f"{__name__}:Loud")):
        with pytest.raises(FuruCodecError, match=r"is not what \$\w+ stands for"):
            load_result(named(tag, path), tmp_path)


def test_no_code_of_a_class_runs(tmp_path):
    loaded = load_result(named("$dataclass", f"{__name__}:Loud", fields={"a": 1}), tmp_path)
    assert (loaded.a, Loud.ran) == (1, False)


def test_modules_of_refused_names_are_not_imported(tmp_path):
    sys.modules.pop("this", None)
    with pytest.raises(FuruCorruptRecord):
        load_result(named("$dataclass", "this:__builtins__"), tmp_path)
    assert "this" not in sys.modules


FILE_NAMES = [
    "../secret",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b",
    "result/../../x",
    "result.json/",
    "result.json\n",
    "result\0.json",
    "RESULT.json",
    "x.json",
    ".hidden",
    "result..json",
    None,
    7,
    ["result.json"],
]


@pytest.mark.parametrize("name", FILE_NAMES, ids=repr)
def test_file_outside_of_the_results_folder_is_never_opened(name, tmp_path):
    (tmp_path / "secret").write_text("1")
    records = [
        {"codec": "json", "file": name},
        {"codec": "tree", "file": name},
        tree({"$bytes": None, "file": name}),
        tree({"$codec": "numpy.array", "record": {"file": name}}),
        tree({"$codec": "polars.frame", "record": {"file": name}}),
        tree({"$codec": "pyarrow.table", "record": {"file": name}}),
        tree({"$codec": "pandas.frame", "record": {"file": name, "rows": 1}}),
    ]
    for record in records:
        with pytest.raises(FuruCorruptRecord, match="no file of a result"):
            load_result(record, tmp_path)
    with pytest.raises(FuruCorruptRecord, match="no file of a result"):
        load_result({"codec": "pickle", "file": name}, tmp_path, allow_pickle=True)


@pytest.mark.parametrize(
    "relative", ["..", "../x", "a/../../x", "/etc", "a\0b", None, 7, ["a"], {"$tuple": ["a"]}], ids=repr
)
def test_path_outside_is_never_given(relative, tmp_path):
    with pytest.raises(FuruCorruptRecord):
        load_result(tree({"$path": relative}), tmp_path)


def nested(depth):
    values = []
    for _ in range(depth):
        values = [values]
    return values


SHAPES = {
    "no record": None,
    "a list": [],
    "empty": {},
    "json of nothing": {"codec": "json"},
    "unknown tag": tree({"$pickle": "x"}),
    "unknown codec": tree({"$codec": "acme.unknown", "record": 1}),
    "codec that is no text": tree({"$codec": ["numpy.array"], "record": 1}),
    "unknown way": {"codec": "yaml", "value": 1},
    "way that is no text": {"codec": ["json"], "value": 1},
    "tuple of a number": tree({"$tuple": 1}),
    "tuple of text": tree({"$tuple": "ab"}),
    "tuple of a dict": tree({"$tuple": {"a": 1}}),
    "pairs that are none": tree({"$dict": [[1, 2, 3]]}),
    "pairs that are text": tree({"$dict": ["ab", "c"]}),
    "key that can't be one": tree({"$dict": [[[], 1]]}),
    "set of lists": tree({"$set": [[1]]}),
    "float of a list": tree({"$float": [1]}),
    "float of a word": tree({"$float": "one"}),
    "int of a word": tree({"$int": "0xzz"}),
    "int of a number": tree({"$int": 5}),
    "bytes of no base64": tree({"$bytes": "***"}),
    "bytes of nothing": tree({"$bytes": None}),
    "text of no text": tree({"$str": 3}),
    "date": tree({"$date": "tomorrow"}),
    "datetime": tree({"$datetime": "2024-13-01T00:00:00"}),
    "zone": tree({"$datetime": "2024-01-01T00:00:00", "zone": "../../etc/passwd"}),
    "zone of nowhere": tree({"$datetime": "2024-01-01T00:00:00", "zone": "Nowhere/Land"}),
    "fold": tree({"$datetime": "2024-01-01T00:00:00", "fold": "x"}),
    "timedelta": tree({"$timedelta": [1e400, 0, 0]}),
    "decimal": tree({"$Decimal": "one"}),
    "fraction": tree({"$Fraction": ["0x1", "0x0"]}),
    "uuid": tree({"$UUID": 7}),
    "complex": tree({"$complex": ["1"]}),
    "fields that are a list": tree({"$dataclass": f"{__name__}:Loud", "fields": [1]}),
    "field the class lacks": tree({"$dataclass": f"{__name__}:Loud", "fields": {"a": 1, "__class__": 2}}),
    "no fields": tree({"$dataclass": f"{__name__}:Loud"}),
    "too deep": tree(nested(100_000)),
    "array of objects": tree({"$codec": "numpy.array", "record": {"$bytes": ""}}),
    "scalar of objects": tree({"$codec": "numpy.scalar", "record": ["|O", {"$bytes": "AAAAAAAAAAA="}]}),
    "scalar of another size": tree({"$codec": "numpy.scalar", "record": ["<f8", {"$bytes": "AA=="}]}),
    "scalar of a list of fields": tree({"$codec": "numpy.scalar", "record": ["f8,f8", {"$bytes": ""}]}),
    "pickle": {"codec": "pickle", "file": "result.pkl"},
    "pickle in a tree": tree({"$codec": "pickle", "record": {"file": "result.pkl"}}),
}


@pytest.mark.parametrize("record", SHAPES.values(), ids=SHAPES)
def test_damaged_record_is_an_error_of_ours(record, tmp_path):
    (tmp_path / RESULT_FOLDER).mkdir()
    (tmp_path / RESULT_FOLDER / "result.pkl").write_bytes(pickle.dumps(Executed()))
    with pytest.raises((FuruCodecError, FuruCorruptRecord)):
        load_result(record, tmp_path)
    assert not Loud.ran


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
TAGS = st.sampled_from(
    "$tuple $set $frozenset $dict $OrderedDict $Counter $bytes $path $float $int $str $complex $Decimal $Fraction $UUID"
    " $date $datetime $time $timedelta $enum $namedtuple $dataclass $model $codec".split()
)
OTHER_KEYS = st.sampled_from(
    ["file", "fields", "set", "member", "members", "record", "zone", "fold", "extra", "private"]
)


@given(TAGS, JSON, st.dictionaries(OTHER_KEYS, JSON, max_size=3))
def test_any_json_gives_a_value_or_an_error_of_ours(tag, first, rest):
    with contextlib.suppress(FuruCodecError, FuruCorruptRecord):
        load_result(tree([{tag: first, **rest}]), Path("/nonexistent"))


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "other": lambda content: b"\x93NUMPY" + bytes(100),
    "pickle": lambda content: pickle.dumps(Executed()),
}


def large_array():
    return pytest.importorskip("numpy").arange(5000.0)


def pandas_frame():
    pytest.importorskip("pyarrow")
    return pytest.importorskip("pandas").DataFrame({"a": range(5000), "b": [str(n) for n in range(5000)]})


def polars_frame():
    return pytest.importorskip("polars").DataFrame({"a": range(5000)})


def arrow_table():
    return pytest.importorskip("pyarrow").table({"a": list(range(5000))})


FILES = {
    "json": lambda: ["x" * 70_000],
    "array": large_array,
    "pandas": pandas_frame,
    "polars": polars_frame,
    "pyarrow": arrow_table,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_damaged_file_is_named(make, damage, tmp_path):
    record = store_result(make(), ResultDirectory(lambda: tmp_path))
    [path] = (tmp_path / RESULT_FOLDER).iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FuruCorruptRecord) as caught:
        load_result(record, tmp_path)
    assert caught.value.path == path
    assert not Loud.ran


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_missing_file_is_named(make, tmp_path):
    record = store_result({"a": make()}, ResultDirectory(lambda: tmp_path))
    [path] = (tmp_path / RESULT_FOLDER).iterdir()
    path.unlink()
    with pytest.raises(FuruCorruptRecord, match="is missing beside the result") as caught:
        load_result(record, tmp_path)
    assert caught.value.path == path


def test_path_in_the_result_is_noted(tmp_path):
    with pytest.raises(FuruCorruptRecord) as caught:
        load_result(tree({"a": [{"$bytes": None, "file": "result.bin"}]}), tmp_path)
    assert caught.value.__notes__ == ["while loading result['a'][0]"]


def test_value_that_is_no_json(tmp_path):
    with pytest.raises(FuruCorruptRecord, match=r"record of result\[0\] is damaged: TypeError: tuple is not JSON"):
        load_result(tree([(1,)]), tmp_path)


def test_error_of_the_file_system_says_nothing_about_the_record(tmp_path):
    record = store_result("x" * 70_000, ResultDirectory(lambda: tmp_path))
    path = tmp_path / RESULT_FOLDER / "result.json"
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        load_result(record, tmp_path)
