"""Codecs of users, pickle on request, the files they write, and life without any library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest

import furu.errors
from furu.errors import FuruCodecError, FuruCorruptRecord
from furu.storage.results import RESULT_FOLDER, ResultDirectory, load_result, register_codec, result_file, store_result


def unwritable():
    raise AssertionError("made a directory for an inline result")


def round_trip(value, data_dir):
    record = store_result(value, ResultDirectory(lambda: data_dir))
    return load_result(json.loads(json.dumps(record, allow_nan=False)), data_dir)


class Plain:
    pass


class TestResultDirectory:
    """Where files go."""

    def test_made_on_first_need_and_once(self, tmp_path):
        made = []

        def make():
            made.append(1)
            (tmp_path / "files").mkdir()
            return tmp_path / "files"

        directory = ResultDirectory(make)
        assert made == []
        names = [directory.new_file(suffix).name for suffix in (".npy", ".npy", "", ".tar.gz")]
        assert names == ["result.npy", "result-1.npy", "result-2", "result-3.tar.gz"]
        assert (made, directory.data_dir) == ([1], tmp_path / "files")

    def test_file_of_an_earlier_attempt_is_left_alone(self, tmp_path):
        store_result(bytes(5000), ResultDirectory(lambda: tmp_path))
        record = store_result(bytes([1]) * 5000, ResultDirectory(lambda: tmp_path))
        assert load_result(record, tmp_path) == bytes([1]) * 5000

    @pytest.mark.parametrize("suffix", ["/x", ".a/b", "npy", ".", "..", ". "])
    def test_odd_suffix_is_refused(self, tmp_path, suffix):
        with pytest.raises(FuruCodecError, match="suffix"):
            ResultDirectory(lambda: tmp_path).new_file(suffix)


class Molecule:
    def __init__(self, formula, weights):
        self.formula, self.weights = formula, weights

    def __eq__(self, other):
        return type(other) is Molecule and vars(other) == vars(self)

    __hash__ = None


class MoleculeCodec:
    name = "acme.molecule"

    def handles(self, kind):
        return kind is Molecule

    def store(self, value, directory):
        path = directory.new_file(".mol")
        path.write_text(value.formula)
        return {"file": path.name, "weights": value.weights}

    def load(self, record, directory):
        return Molecule(result_file(record["file"], directory).read_text(), record["weights"])


class TestRegisteredCodec:
    """Codecs that users add."""

    def test_value_inside_a_result_uses_it_and_its_record_may_hold_any_storable_value(self, tmp_path):
        register_codec(MoleculeCodec())
        value = {"best": Molecule("H2O", (1.0, b"\x00"))}
        assert round_trip(value, tmp_path) == value

    def test_named_codec_stores_what_it_would_not_be_asked_for(self, tmp_path):
        class Csv:
            name = "acme.csv"

            def handles(self, kind):
                return False

            def store(self, value, directory):
                return ",".join(map(str, value))

            def load(self, record, directory):
                return [int(each) for each in record.split(",")]

        register_codec(Csv())
        record = store_result([1, 2], ResultDirectory(unwritable), codec="acme.csv")
        assert record == {"codec": "tree", "value": {"$codec": "acme.csv", "record": "1,2"}}
        assert load_result(record, tmp_path) == [1, 2]

    def test_unknown_name_lists_the_right_ones(self):
        with pytest.raises(FuruCodecError, match=r"no codec 'pikle'; there are: pickle, .*numpy\.array"):
            store_result(1, ResultDirectory(unwritable), codec="pikle")

    def test_error_of_a_codec_is_the_callers_with_the_place_noted(self, tmp_path):
        class Broken(MoleculeCodec):
            name = "acme.broken"

            def handles(self, kind):
                return kind is Plain

            def store(self, value, directory):
                return 1 / 0

        register_codec(Broken())
        with pytest.raises(ZeroDivisionError) as caught:
            round_trip({"a": [Plain()]}, tmp_path)
        assert caught.value.__notes__ == ["while storing result['a'][0]"]
        Broken.handles = lambda self, kind: False

    @pytest.mark.parametrize("name", [None, "", "json", "pickle", "numpy.array", "a b", "$x"])
    def test_name_must_be_free_and_plain(self, name):
        codec = MoleculeCodec()
        codec.name = name
        with pytest.raises(FuruCodecError, match="needs a name"):
            register_codec(codec)

    def test_missing_methods_are_named(self):
        with pytest.raises(FuruCodecError, match=r"has no handles\(\), store\(\), load\(\)"):
            register_codec(SimpleNamespace(name="acme.nothing"))

    def test_wrong_use_of_the_directory_is_told_as_it_is(self, tmp_path):
        class Odd:
            name = "acme.odd"

            def handles(self, kind):
                return False

            def store(self, value, directory):
                return directory.new_file("odd")

            def load(self, record, directory):
                return None

        register_codec(Odd())
        with pytest.raises(FuruCodecError, match="'odd' is not a file suffix"):
            store_result(1, ResultDirectory(lambda: tmp_path), codec="acme.odd")


class TestPickle:
    """Only for a class that asks."""

    def test_value_that_no_codec_takes_comes_back(self, tmp_path):
        record = store_result(deque([1, 2]), ResultDirectory(lambda: tmp_path), codec="pickle")
        assert record == {"codec": "pickle", "file": "result.pkl"}
        assert load_result(record, tmp_path, allow_pickle=True) == deque([1, 2])

    def test_is_refused_for_any_other_class(self, tmp_path):
        record = store_result(1, ResultDirectory(lambda: tmp_path), codec="pickle")
        with pytest.raises(FuruCodecError, match="runs whatever code"):
            load_result(record, tmp_path)

    def test_value_that_cannot_be_pickled(self, tmp_path):
        with pytest.raises(FuruCodecError, match="generator can't be pickled"):
            store_result((each for each in "a"), ResultDirectory(lambda: tmp_path), codec="pickle")

    def test_truncated_file(self, tmp_path):
        record = store_result([1, 2], ResultDirectory(lambda: tmp_path), codec="pickle")
        (tmp_path / RESULT_FOLDER / "result.pkl").write_bytes(b"\x80\x05]")
        with pytest.raises(FuruCorruptRecord, match="pickle can't be read"):
            load_result(record, tmp_path, allow_pickle=True)


def test_works_without_any_library(tmp_path):
    """Python's own types need neither numpy nor any other optional library, and load none."""
    script = """
import sys
from pathlib import Path
for library in ("numpy", "pandas", "polars", "pyarrow", "torch"):
    sys.modules[library] = None
from furu.storage.results import ResultDirectory, check_storable, load_result, store_result
from furu.errors import FuruCodecError
check_storable(dict[str, tuple[float, bytes]])
value = {"a": (1, {2.5}), "b": bytes(9000), 3: [None]}
record = store_result(value, ResultDirectory(Path.cwd))
assert load_result(record, Path.cwd()) == value
scalar = {"$codec": "numpy.scalar", "record": ["<f8", {"$bytes": "AAAAAAAAAAA="}]}
try:
    load_result({"codec": "tree", "value": scalar}, Path())
except FuruCodecError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(furu.errors.__file__).parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "can't load result: " in ran.stdout
    assert "install numpy where results are loaded" in ran.stdout
