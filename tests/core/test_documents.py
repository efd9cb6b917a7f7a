"""`to_dict`, `from_dict` and `to_python`: a config as JSON or as source, and back."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

import furu
from furu.errors import FuruConfigError
from furu.identity.decode import FuruDecodeError
from tests.support import documented, values
from tests.support.documented import Data, Grid, IntGrid, Later, Model, Optimizer, Outer, Schedule, Train, full
from tests.support.values import Access, Aliased, Derived, Leaf, Pair, Point, signature


def through_json(config: furu.Furu[Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(config.to_dict(), allow_nan=False))
    return document


NESTED: dict[str, Any] = {
    "all": full(),
    "defaults": Train(data=Data()),
    "none": Train(data=Data(path=None)),
    "in a list": Train(data=Data(), others=[Data(name="b"), Data(name="c")]),
    "in a dict": Train(data=Data(), named={"x": Data(), "y": IntGrid(cell=1)}),
    "in a dataclass": Train(data=Data(), schedule=Schedule((1,), Data(name="s"))),
    "in a model": Train(data=Data(), model=Model(sources=[Data(name="m")])),
    "in a set of tuples": Train(data=Data(), anything={(Data(name="t"), 1)}),
    "as a key": Train(data=Data(), anything={Data(name="k"): 1}),
    "in Any": Train(data=Data(), anything=Train(data=Data(name="deep"))),
    "forward reference": Later(after=documented.Last(number=2)),
    "nested class": Outer(inner=Outer.Inner(number=5)),
    "generic": IntGrid(cell=3),
}


@pytest.mark.parametrize("config", NESTED.values(), ids=NESTED)
class TestRoundTrip:
    def test_s020_s021_through_json(self, config):
        """Type, hash and directory are the same."""
        again = type(config).from_dict(through_json(config))
        assert type(config) is type(again)
        assert config == again
        assert config.furu_hash == again.furu_hash
        assert config._base_furu_dir() == again._base_furu_dir()

    def test_each_field_has_its_type_again(self, config):
        again = type(config).from_dict(through_json(config))
        for field in type(config).__furu_class__.fields:
            assert type(getattr(config, field.name)) is type(getattr(again, field.name)), field.name
        assert repr(config) == repr(again) or isinstance(config, Train)

    def test_the_base_class_reads_any(self, config):
        assert config == furu.Furu.from_dict(through_json(config))

    def test_source_evaluates_to_an_equal_config(self, config):
        assert config == evaluate(config)


def evaluate(config: furu.Furu[Any]) -> Any:
    *before, expression = config.to_python().splitlines()
    scope: dict[str, Any] = {}
    exec("\n".join(before), scope)
    return eval(expression, scope)


def test_fields_without_part_in_the_identity_travel_too():
    assert 9 == Train.from_dict(through_json(full())).workers


def test_shared_configs_stay_shared():
    again = Train.from_dict(through_json(full()))
    assert again.schedule is not None
    assert again.data is again.others[0]
    assert again.data is again.named["a"]
    assert again.data is again.schedule.data


def test_a_ladder_of_forty_levels_is_eighty_entries():
    rung: list[Any] = [Leaf(value=1), Leaf(value=2)]
    for level in range(40):
        rung = [Leaf(value=(level, side, *rung)) for side in "lr"]
    document = through_json(Leaf(value=rung))
    assert 82 == len(document["configs"])
    assert Leaf(value=rung) == Leaf.from_dict(document)


def test_a_deep_chain_travels():
    config = Leaf(value=0)
    for _ in range(1_500):
        config = Leaf(value=[config])
    assert config == Leaf.from_dict(through_json(config))


def test_the_source_of_a_ladder_grows_with_its_configs():
    """Not with the ways through them: a million here."""
    rung = Leaf(value="end")
    for _ in range(20):
        rung = Leaf(value=[rung, rung])
    assert rung == evaluate(rung)
    assert 25 > len(rung.to_python().splitlines())


def test_the_source_of_a_deep_chain_can_be_parsed():
    config = Leaf(value=0)
    for _ in range(1_500):
        config = Leaf(value=config)
    assert config == evaluate(config)


def test_equal_configs_with_other_values_beside_the_identity_stay_apart_in_the_source():
    several = Leaf(value=[Train(**{**vars_of(full()), "workers": workers}) for workers in (1, 2)])
    assert [1, 2] == [each.workers for each in evaluate(several).value]


def vars_of(config: furu.Furu[Any]) -> dict[str, Any]:
    return {field.name: getattr(config, field.name) for field in type(config).__furu_class__.fields}


class TestRefused:
    """S022: never a silent dict, never another config than the one that was written."""

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"class": "tests.nowhere:Train"}, "can't be imported"),
            ({"class": f"{documented.__name__}:Nobody"}, "can't be imported"),
            ({"class": f"{documented.__name__}:full"}, "is no class"),
            ({"class": f"{documented.__name__}:Model"}, "is no furu class"),
            ({"class": f"{documented.__name__}:Outer.Nobody"}, "can't be imported"),
            ({"hash": "0" * 32}, "but 0+ where the document was written"),
            ({"surprise": 1}, "not a config document"),
            ({"configs": {}}, "which it doesn't hold"),
            ({"fields": {"data": {"$odd": 1}}}, r"unknown tag '\$odd'; known are"),
            ({"fields": {"data": {"$date": "tomorrow"}}}, r"damaged \$date value"),
            ({"fields": {"data": {"$enum": "os:system", "member": "x"}}}, "is no class"),
            (
                {"fields": {"data": {"$model": f"{documented.__name__}:Schedule", "fields": {}}}},
                "not what .model stands",
            ),
        ],
        ids=lambda row: next(iter(row)) if isinstance(row, dict) else "",
    )
    def test_s022_a_damaged_document(self, change, complaint):
        with pytest.raises(FuruDecodeError, match=complaint):
            Train.from_dict({**through_json(full()), **change})

    def test_s022_unknown_and_absent_fields_are_all_named(self):
        document = through_json(full())
        document["fields"] = {**document["fields"], "speed": 1, "size": 2}
        del document["fields"]["lr"]
        with pytest.raises(FuruDecodeError, match="has no field 'size'; has no field 'speed'; now also has 'lr'"):
            Train.from_dict(document)

    def test_relaxed_takes_what_the_class_has(self):
        document = through_json(full())
        document["fields"] = {**document["fields"], "speed": 1}
        del document["fields"]["lr"]
        relaxed = Train.from_dict(document, strict=False)
        assert 1e-3 == relaxed.lr
        assert full().others == relaxed.others

    def test_relaxed_takes_another_hash_but_no_bad_values(self):
        document = {**through_json(full()), "hash": "0" * 32}
        assert full() == Train.from_dict(document, strict=False)
        document["fields"] = {**document["fields"], "lr": "fast"}
        with pytest.raises(FuruConfigError, match="lr: Input should be a valid number"):
            Train.from_dict(document, strict=False)

    def test_a_document_of_another_class(self):
        with pytest.raises(FuruDecodeError, match="is a Data, not a Train"):
            Train.from_dict(through_json(Data()))

    @pytest.mark.parametrize("document", [[], "text", None, {}, {"v": 1}], ids=str)
    def test_no_document_at_all(self, document):
        with pytest.raises(FuruDecodeError, match="not a config document"):
            Data.from_dict(document)

    def test_a_document_that_refers_to_itself(self):
        document = through_json(Leaf(value=Leaf(value=1)))
        (reference,) = document["configs"]
        document["configs"][reference]["fields"]["value"] = {"$config": reference}
        with pytest.raises(FuruDecodeError, match="refers to itself"):
            Leaf.from_dict(document)

    def test_abstract_classes_cannot_be_read(self):
        document = {**through_json(IntGrid(cell=1)), "class": f"{Grid.__module__}:Grid"}
        with pytest.raises(TypeError, match="abstract"):
            furu.Furu.from_dict(document)


def test_models_by_alias_and_dataclasses_with_more_than_fields_come_back_whole():
    config = Leaf(value=[Aliased(**{"learning-rate": 0.5}), Derived(3)])
    aliased, derived = Leaf.from_dict(through_json(config)).value
    assert 0.5 == aliased.rate
    assert Derived(3) == derived
    assert {"steps": 3} == derived.cache


class TestSource:
    def test_imports_then_one_expression_without_defaults(self):
        expected = [
            "from pathlib import PosixPath",
            "from tests.support.documented import Data",
            "from tests.support.documented import Train",
            "",
            "Train(data=Data(path=PosixPath('raw')), lr=0.5)",
        ]
        assert expected == Train(data=Data(path=Path("raw")), lr=0.5, seed=0).to_python().splitlines()

    @pytest.mark.parametrize(
        "value",
        [
            [float("nan"), float("-inf"), 1e300, -0.0],
            (1,),
            {"a": {1: set()}, "b": frozenset({1})},
            [Access.READ | Access.WRITE, values.Level.HIGH, values.Tone.LOW, Optimizer.SGD],
            Pair(Leaf(value=1), Point(1, 2)),
            datetime.datetime(2024, 1, 1, tzinfo=values.zoneinfo.ZoneInfo("Europe/Berlin")),
            [datetime.date(2024, 1, 1), datetime.timedelta(1), datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)],
            [values.decimal.Decimal("1.0"), values.fractions.Fraction(1, 3), values.uuid.UUID(int=3)],
            [values.np.float32(0.1), values.np.int64(3)],
            [b"a", bytearray(b"b"), 1 + 2j, None, True, "quo'te\n"],
        ],
        ids="floats tuple containers enums named-tuple zone dates numbers numpy atoms".split(),
    )
    def test_each_kind_of_value(self, value):
        again = evaluate(Leaf(value=value))
        assert isinstance(again, Leaf)
        assert signature(Leaf(value=value)) == signature(again)
