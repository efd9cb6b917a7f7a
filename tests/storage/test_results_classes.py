"""Results made of users' classes: dataclasses, pydantic models, named tuples, enums."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import json
import socket
from typing import Any, Generic, NamedTuple, TypeVar

import pydantic
import pytest

from furu.errors import FuruCodecError
from furu.identity.fields import Config
from furu.storage.results import ResultDirectory, load_result, store_result

T = TypeVar("T")


def round_trip(value, data_dir):
    record = store_result(value, ResultDirectory(lambda: data_dir))
    return load_result(json.loads(json.dumps(record, allow_nan=False)), data_dir)


class Colour(enum.Enum):
    RED = enum.auto()
    CRIMSON = RED
    BLUE = enum.auto()


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.StrEnum):
    FAST = "fast"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Keep(enum.Flag, boundary=enum.KEEP):
    READ = 1


class Point(NamedTuple):
    x: float
    y: float = 0.0


OldPoint = collections.namedtuple("OldPoint", "a b")  # noqa: PYI024 -- the old way is stored as well


class RichPoint(Point):
    pass


@dataclasses.dataclass
class Metrics:
    accuracy: float
    tags: list[str] = dataclasses.field(default_factory=list)
    point: Point | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    nested: tuple[Metrics, ...] = ()


@dataclasses.dataclass
class Counted:
    """Its constructor changes what it is given, and counts; neither may happen on loading."""

    made = 0
    values: list[int]
    total: int = dataclasses.field(init=False)
    seed: dataclasses.InitVar[int] = 0

    def __post_init__(self, seed: int) -> None:
        Counted.made += 1
        self.values = [*self.values, seed]
        self.total = sum(self.values)

    @functools.cached_property
    def mean(self) -> float:
        return self.total / len(self.values)


@dataclasses.dataclass
class Unset:
    a: int
    b: int = dataclasses.field(init=False)


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


class Derived(Metrics):
    pass


class Slotted(Metrics):
    __slots__ = ("extra",)


@dataclasses.dataclass
class Trouble(Exception):
    code: int


@pydantic.dataclasses.dataclass
class Checked:
    rate: float

    def __post_init__(self) -> None:
        self.rate *= 2


class Model(pydantic.BaseModel):
    rate: float = pydantic.Field(alias="learningRate")
    metrics: Metrics | None = None
    note: str = "none"
    _cache: dict[str, int] = pydantic.PrivateAttr(default_factory=dict)

    @pydantic.field_validator("note")
    @classmethod
    def longer(cls, note: str) -> str:
        return note + "!"


class Open(pydantic.BaseModel, extra="allow", frozen=True):
    a: int


class Root(pydantic.RootModel[list[int]]):
    pass


class Strict(pydantic.BaseModel):
    value: Any


class Namespace:
    @dataclasses.dataclass
    class Inner:
        a: int


VALUES = {
    "enum": Colour.RED,
    "enum alias": Colour.CRIMSON,
    "int enum": Level.LOW,
    "str enum": [Mode.FAST],
    "enum as a key": {Colour.BLUE: 1},
    "flag": Access.READ,
    "combined flag": Access.READ | Access.WRITE,
    "no flag": Access(0),
    "named tuple": Point(1.0, 2.0),
    "old named tuple": OldPoint([1], (2,)),
    "named tuple subclass": RichPoint(1.0),
    "named tuple as a key": {Point(1.0): Point(2.0)},
    "dataclass": Metrics(0.5, ["a"], Point(1.0)),
    "frozen with slots": Frozen("a", (Metrics(1.0), Metrics(2.0))),
    "generic": Box(content=Box(content=b"x")),
    "derived": Derived(1.0),
    "inner class": Namespace.Inner(1),
    "pydantic dataclass": Checked(0.5),
    "set of frozen": {Frozen("a"), Frozen("b")},
    "model": Model(learningRate=0.1, metrics=Metrics(1.0), note="x"),
    "model as it is": Model.model_construct(rate="no number"),
    "open model": Open(a=1, b=(1, 2), **{"$tuple": 3}),
    "root model": Root([1, 2]),
    "model of models": Strict(value=[Strict(value=Colour.RED)]),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_value_comes_back_equal_and_of_the_same_type(value, tmp_path):
    loaded = round_trip(value, tmp_path)
    assert loaded == value
    assert type(loaded) is type(value)
    assert repr(loaded) == repr(value) or isinstance(value, set)


class TestDataclass:
    """Fields are set as they were; no code of the class runs."""

    def test_constructor_does_not_run(self, tmp_path):
        value = Counted([1, 2], seed=3)
        assert value.mean == 2.0
        made = Counted.made
        loaded = round_trip(value, tmp_path)
        assert (loaded.values, loaded.total, loaded.mean) == ([1, 2, 3], 6, 2.0)
        assert Counted.made == made

    def test_field_that_was_never_set_stays_so(self, tmp_path):
        loaded = round_trip(Unset(1), tmp_path)
        assert (loaded.a, hasattr(loaded, "b")) == (1, False)

    @pytest.mark.parametrize("cls", [Metrics, Slotted])
    def test_attribute_beside_the_fields_is_refused_and_not_lost(self, tmp_path, cls):
        value = cls(1.0)
        value.extra = 1
        with pytest.raises(FuruCodecError, match=r"result\[0\]: \w+ holds extra beside its fields"):
            round_trip([value], tmp_path)

    def test_exception_has_more_than_fields(self, tmp_path):
        with pytest.raises(FuruCodecError, match="no codec takes"):
            round_trip(Trouble(1), tmp_path)

    def test_path_names_fields(self, tmp_path):
        with (
            socket.socket() as open_socket,
            pytest.raises(FuruCodecError, match=r"result\['m'\]\.nested\[0\]\.tags\[1\]: no codec takes a socket"),
        ):
            round_trip({"m": Frozen("a", (Metrics(1.0, ["a", open_socket]),))}, tmp_path)

    def test_contains_itself(self, tmp_path):
        value = Box(content=[])
        value.content.append(value)
        with pytest.raises(FuruCodecError, match=r"result\.content\[0\]: it contains itself"):
            round_trip(value, tmp_path)


class TestNamedTuple:
    """A tuple of the class is made, and nothing called."""

    def test_attribute_beside_the_items_is_refused_and_not_lost(self, tmp_path):
        value = RichPoint(1.0)
        value.extra = 1
        with pytest.raises(FuruCodecError, match="RichPoint holds attributes beside its fields"):
            round_trip(value, tmp_path)


class TestModel:
    """Models come back as pydantic would unpickle them."""

    def test_private_attributes_and_set_fields_come_back(self, tmp_path):
        value = Model(learningRate=1)
        value._cache["a"] = 1
        loaded = round_trip(value, tmp_path)
        assert (loaded._cache, loaded.model_fields_set, loaded.note) == ({"a": 1}, {"rate"}, "none")

    def test_frozen_model_stays_frozen(self, tmp_path):
        with pytest.raises(pydantic.ValidationError):
            round_trip(Open(a=1), tmp_path).a = 2

    def test_path_names_fields(self, tmp_path):
        with pytest.raises(FuruCodecError, match=r"result\.value\[0\]: no codec"):
            round_trip(Strict(value=[object()]), tmp_path)

    def test_extra_is_named_like_an_item(self, tmp_path):
        with pytest.raises(FuruCodecError, match=r"result\['b'\]: no codec"):
            round_trip(Open(a=1, b=object()), tmp_path)


def record_of(tag, name, **parts):
    return {"codec": "tree", "value": {tag: f"{__name__}:{name}", **parts}}


LOST = {
    "dataclass": record_of("$dataclass", "Metrics", fields={"accuracy": 1.0, "loss": 2.0}),
    "model": record_of("$model", "Model", fields={"rate": 1.0, "loss": 2.0}, set=[]),
    "named tuple": record_of("$namedtuple", "Point", fields={"x": 1.0, "loss": 2.0}),
}

REQUIRED = {
    "dataclass": record_of("$dataclass", "Metrics", fields={}),
    "model": record_of("$model", "Model", fields={}, set=[]),
    "named tuple": record_of("$namedtuple", "Point", fields={}),
}


class TestChangedClass:
    """What was stored by an older version of a class."""

    def test_new_field_with_default_takes_it(self, tmp_path):
        loaded = load_result(record_of("$dataclass", "Metrics", fields={"accuracy": 0.5}), tmp_path)
        assert loaded == Metrics(0.5)

    def test_new_model_field_with_default_takes_it(self, tmp_path):
        record = record_of("$model", "Model", fields={"rate": 0.5}, set=["rate"])
        assert load_result(record, tmp_path) == Model(learningRate=0.5)

    def test_new_item_with_default_takes_it(self, tmp_path):
        assert load_result(record_of("$namedtuple", "Point", fields={"x": 1.0}), tmp_path) == Point(1.0)

    @pytest.mark.parametrize("record", LOST.values(), ids=LOST)
    def test_field_that_is_gone_is_not_dropped_in_silence(self, record, tmp_path):
        with pytest.raises(FuruCodecError, match="has no 'loss' any more") as caught:
            load_result(record, tmp_path)
        assert "get(force=True)" in str(caught.value)

    @pytest.mark.parametrize("record", REQUIRED.values(), ids=REQUIRED)
    def test_new_field_without_default_is_named(self, record, tmp_path):
        with pytest.raises(FuruCodecError, match=r"now has '.*', which was not stored and has no default"):
            load_result(record, tmp_path)

    def test_member_that_is_gone_lists_the_others(self, tmp_path):
        with pytest.raises(FuruCodecError, match="no member 'GREEN'; its members are: RED, CRIMSON, BLUE"):
            load_result(record_of("$enum", "Colour", member="GREEN"), tmp_path)

    @pytest.mark.parametrize("path", [f"{__name__}:Gone", "no_such_module_at_all:Gone"])
    def test_class_that_is_gone(self, path, tmp_path):
        with pytest.raises(FuruCodecError, match="can't load result: ") as caught:
            load_result({"codec": "tree", "value": {"$dataclass": path, "fields": {}}}, tmp_path)
        assert "put the class back" in str(caught.value)


class TestUnimportable:
    """Classes that another process could not find."""

    def test_local_class(self, tmp_path):
        @dataclasses.dataclass
        class Local:
            a: int

        with pytest.raises(FuruCodecError, match="local class"):
            round_trip({"a": Local(1)}, tmp_path)

    def test_class_of_the_script(self, tmp_path):
        script = dataclasses.dataclass(type("Script", (), {"__annotations__": {"a": int}, "__module__": "__main__"}))
        with pytest.raises(FuruCodecError, match="defined in __main__"):
            round_trip(script(1), tmp_path)

    def test_class_under_the_name_of_another(self, tmp_path):
        twin = dataclasses.make_dataclass("Metrics", ["a"], namespace={"__module__": __name__})
        with pytest.raises(FuruCodecError, match="another class by now"):
            round_trip(twin(1), tmp_path)

    def test_class_without_a_name(self, tmp_path):
        nameless = dataclasses.make_dataclass("Nameless", ["a"], namespace={"__module__": __name__})
        with pytest.raises(FuruCodecError, match="there is no class"):
            round_trip(nameless(1), tmp_path)

    def test_flag_beyond_its_members(self, tmp_path):
        with pytest.raises(FuruCodecError, match="no named member"):
            round_trip(Keep(9), tmp_path)

    def test_config_is_no_result(self, tmp_path):
        with pytest.raises(FuruCodecError, match="is a furu config, not a result"):
            round_trip([Config()], tmp_path)
