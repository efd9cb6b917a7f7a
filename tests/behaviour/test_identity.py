"""S006-S023: what a user sees of identity, directories and namespaces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import furu
from furu.errors import FuruConfigError
from tests.support.computed import Outer, Value
from tests.support.documented import Data, Train, full
from tests.support.scripts import Script
from tests.support.values import Color, Leaf, Point


class TestHash:
    def test_s006_it_is_path_safe_and_the_order_of_keywords_is_irrelevant(self):
        one, other = Data(name="a", path=Path("b")), Data(path=Path("b"), name="a")
        assert one.furu_hash == one._furu_hash == other.furu_hash
        assert 32 == len(one.furu_hash)
        assert set(one.furu_hash) <= set("0123456789abcdef")

    def test_s007_every_public_field_takes_part(self):
        values = {field.name: getattr(full(), field.name) for field in Train.__furu_class__.fields}
        optional = [f.name for f in Train.__furu_class__.fields if f.has_default and f.identity is True]
        without = [Train(**{name: values[name] for name in values if name != each}) for each in optional]
        assert 1 + len(optional) == len({full().furu_hash, *(config.furu_hash for config in without)})

    @pytest.mark.parametrize(
        ("one", "other", "is_same"),
        [
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
            ({3, 1, 2}, {2, 3, 1}, True),
            ([1, 2], [2, 1], False),
            ((1, 2), (2, 1), False),
            ([1, 2], (1, 2), False),
            ({1, 2}, [1, 2], False),
            ({1: "x"}, {"1": "x"}, False),
            ("a/b", Path("a/b"), False),
        ],
        ids="dict set list tuple list/tuple set/list int/str-keys str/path".split(),
    )
    def test_s009_order_and_kind_of_containers(self, one, other, is_same):
        assert is_same == (Leaf(value=one).furu_hash == Leaf(value=other).furu_hash)

    def test_s010_a_nested_change_changes_every_ancestor(self):
        def ancestors(value: int) -> list[str]:
            child = Leaf(value=value)
            parent = Leaf(value={"x": [child]})
            return [each.furu_hash for each in (child, parent, Leaf(value=Point(parent)))]

        assert 6 == len({*ancestors(1), *ancestors(2)})

    def test_s011_it_is_the_same_in_every_process_whatever_the_seed_of_hash(self):
        """Sets, paths, enums, dataclasses, and the order of dependencies found in a set."""
        source = """
from tests.support.documented import full
from tests.support.values import Color, Leaf, Point
from pathlib import Path
parts = frozenset(Leaf(value=name) for name in "abcdefgh")
config = Leaf(value=[{"x", "y", "z", 1, None}, Path("a"), Color.RED, Point({"k": {"b", "a"}}), parts, full()])
print("=", config.furu_hash, *[each.furu_hash for each in config._get_dependencies()])
"""
        scripts = [Script(source, PYTHONHASHSEED=seed) for seed in "012"]
        answers = {script.expect("=") for script in scripts}
        for script in scripts:
            assert 0 == script.finish(), script.story()
            script.close()
        parts = frozenset(Leaf(value=name) for name in "abcdefgh")
        held = [{"x", "y", "z", 1, None}, Path("a"), Color.RED, Point({"k": {"b", "a"}}), parts, full()]
        config = Leaf(value=held)
        assert {" ".join(each.furu_hash for each in (config, *config._get_dependencies()))} == answers


class TestDirectory:
    def test_s014_it_is_module_class_hash(self, own_store):
        config = Outer.Inner(number=3)
        expected = own_store / "data" / "tests" / "support" / "computed" / "Outer" / "Inner" / config.furu_hash
        assert expected == config._base_furu_dir()

    def test_s015_looking_creates_nothing(self, own_store):
        config = Leaf(value=Leaf(value=1))
        assert not config.exists()
        for look in (config._get_dependencies, config._base_furu_dir, config.log, config.to_dict, config.to_python):
            assert look()
        assert config.furu_dir
        assert [] == list(own_store.iterdir())

    def test_s016_furu_dir_is_the_artifact_until_files_are_published(self):
        """As DESIGN has it: of the published attempt, of the running one inside `_create()`, else the base."""
        config = Value(value=1)
        assert config._base_furu_dir() == config.furu_dir
        config.get()
        assert config._base_furu_dir() == config.furu_dir, "it wrote no files"

    def test_s018_the_root_is_read_when_it_is_needed(self, own_store, monkeypatch):
        config = Leaf()
        for root in (own_store / "one", own_store / "two"):
            monkeypatch.setenv("FURU_PATH", str(root))
            assert config._base_furu_dir().is_relative_to(root)
        with furu.using(path=own_store / "three"):
            assert config._base_furu_dir().is_relative_to(own_store / "three")

    def test_a_result_is_found_again_below_another_root(self, own_store, monkeypatch, notes):
        monkeypatch.setenv("FURU_PATH", str(own_store / "one"))
        Value(value=1).get()
        (own_store / "one").rename(own_store / "two")
        monkeypatch.setenv("FURU_PATH", str(own_store / "two"))
        assert 1 == Value(value=1).get()
        assert ["create a"] == notes


IN_MAIN = """
import furu, json

class Here(furu.Furu[int]):
    x: int = 0
    def _create(self):
        return 1

print("=", Here().furu_hash)
for verb in (Here().get, Here().exists, Here()._base_furu_dir, Here().to_dict):
    try:
        verb()
    except ValueError as error:
        print("refused", type(error).__name__, error)
"""


class TestNamespace:
    def test_s017_s023_classes_of_main_are_refused_when_it_matters(self):
        """Defined and hashed they may be; without a place in the store they are."""
        script = Script(IN_MAIN)
        assert script.expect("=")
        for _ in range(4):
            assert "defined in __main__" in script.expect("refused FuruConfigError")
        assert 0 == script.finish()
        script.close()

    def test_s017_local_classes_are_refused_when_it_matters(self):
        class Local(furu.Furu[int]):
            def _create(self) -> int:
                return 0

        assert Local().furu_hash
        for verb in (Local().get, Local().exists, Local()._base_furu_dir, Local().to_dict, lambda: Local().furu_dir):
            with pytest.raises(ValueError, match="is a local class"):
                verb()

    def test_s017_a_local_class_in_a_field_is_refused_before_anything_is_computed(self, own_store, notes):
        class Local(furu.Furu[int]):
            def _create(self) -> int:
                return 0

        with pytest.raises(FuruConfigError, match="is a local class"):
            Value(value=Local()).get()
        assert [] == notes


def test_the_identity_is_on_disk(own_store):
    """config.json lets a person, or a tool without the code, see what an artifact is."""
    config = Value(value={"x": (1, Color.RED)})
    config.get()
    stored = json.loads((config._base_furu_dir() / "config.json").read_text())
    assert config.furu_hash == stored["hash"]
    assert {"name", "value"} == set(stored["fields"])
