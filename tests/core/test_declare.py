"""Class creation: fields, options, generics, abstract bases, and what is refused before anything runs."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, InitVar
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, Optional, TypeVar

import numpy as np
import pydantic
import pytest

import furu
from furu.errors import FuruConfigError
from tests.support.documented import Data, Grid, IntGrid, Last, Later, Outer, Train, full
from tests.support.values import Leaf, Twin

T = TypeVar("T")


class Typed(furu.Furu[int]):
    """A field for each kind of annotation."""

    whole: int = 0
    real: float = 1
    text: str = ""
    flag: bool = False
    path: Path = Path("a")
    union: int | str = 0
    optional: Optional[int] = None  # noqa: UP045 - users write it
    literal: Literal["a", 1] = "a"
    positive: Annotated[int, pydantic.Field(gt=0)] = 1
    bounded: float = pydantic.Field(default=0.5, le=1)
    items: list[float] = furu.field(default_factory=list)
    numbered: dict[int, str] = furu.field(default_factory=dict)
    pair: tuple[int, str] = (0, "")
    data: Data | None = None
    any_config: furu.Furu[Any] | None = None
    of_type: furu.Furu[int] | None = None
    listed: list[furu.Furu[Any]] = furu.field(default_factory=list)
    anything: Any = None
    shared: ClassVar[int] = 3

    def _create(self) -> int:
        return 0


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("whole", np.int64(3), 3),
    ("whole", np.uint8(3), 3),
    ("whole", True, 1),
    ("real", 3, 3.0),
    ("real", np.float32(0.5), 0.5),
    ("real", np.int64(2), 2.0),
    ("text", np.str_("a"), "a"),
    ("flag", np.bool_(True), True),
    ("path", "b/c", Path("b/c")),
    ("union", "1", "1"),
    ("union", 1, 1),
    ("optional", 3, 3),
    ("literal", 1, 1),
    ("items", (1, 2), [1.0, 2.0]),
    ("numbered", {1: "a"}, {1: "a"}),
    ("pair", [1, "a"], (1, "a")),
]


@pytest.mark.parametrize(("name", "given", "kept"), ACCEPTED, ids=[f"{row[0]}={row[1]!r}" for row in ACCEPTED])
def test_s004_values_become_what_the_annotation_says(name, given, kept):
    value = getattr(Typed(**{name: given}), name)
    assert (type(kept), kept) == (type(value), value)
    assert Typed(**{name: given}).furu_hash == Typed(**{name: kept}).furu_hash


REFUSED: list[tuple[str, Any, str]] = [
    ("whole", 3.5, "valid integer"),
    ("whole", "three", "valid integer"),
    ("whole", np.arange(3), "valid integer"),
    ("whole", None, "valid integer"),
    ("real", "fast", "valid number"),
    ("text", 3, "valid string"),
    ("text", Path("a"), "valid string"),
    ("path", 3, "path"),
    ("literal", "b", "'a' or 1"),
    ("positive", 0, "greater than 0"),
    ("bounded", 1.5, "less than or equal to 1"),
    ("items", [1, "x"], "valid number"),
    ("data", 5, "instance of Data"),
    ("data", Leaf(), "instance of Data"),
    ("any_config", 5, "instance of Furu"),
    ("listed", [Data(), None], "instance of Furu"),
]


@pytest.mark.parametrize(("name", "value", "complaint"), REFUSED, ids=[f"{row[0]}={row[1]!r}" for row in REFUSED])
def test_s004_a_wrong_type_is_a_type_and_a_value_error(name, value, complaint):
    with pytest.raises(FuruConfigError, match=complaint) as caught:
        Typed(**{name: value})
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.issues[0][0].startswith(name)


@pytest.mark.parametrize("name", ["data", "any_config", "of_type", "anything"])
def test_s004_a_config_in_a_field_is_kept_by_identity(name):
    data = Data(name="x")
    assert data is getattr(Typed(**{name: data}), name)
    assert data is Typed(listed=[data]).listed[0]


class SubData(Data):
    """Stands where its base is asked for."""

    more: int = 0


def test_s004_an_instance_of_a_subclass_is_kept():
    data = SubData(more=3)
    assert data is Typed(data=data).data


def test_one_error_names_every_bad_field_and_the_right_names():
    with pytest.raises(FuruConfigError) as caught:
        Train(data=3, lr="fast", speed=1, sizes=("x",))
    paths = [path for path, _ in caught.value.issues]
    assert ["data", "lr", "sizes.0", "speed"] == sorted(paths)
    assert "unknown field; fields are: anything, data, lr, mode" in str(caught.value)


def test_a_bad_field_of_a_nested_config_has_a_path():
    with pytest.raises(FuruConfigError) as caught:
        Train(data={"name": 3, "speed": 1})
    assert [("data.name", "Input should be a valid string, not 3"), ("data.speed", "unknown field")] == sorted(
        caught.value.issues
    )


def test_a_long_value_is_shortened_in_the_error():
    with pytest.raises(FuruConfigError) as caught:
        Data(name=list(range(10_000)))
    assert 300 > len(str(caught.value))


class TestS001KeywordOnly:
    @pytest.mark.parametrize(
        "call",
        [lambda: Train(Data()), lambda: Train(), lambda: Train(data=Data(), speed=1), lambda: Data("a", "b")],
        ids="positional missing unknown two-positional".split(),
    )
    def test_s001_anything_else_is_a_type_error(self, call):
        with pytest.raises(TypeError, match="fields are|missing"):
            call()


class TestS002Frozen:
    def test_s002_assignment_and_deletion_raise(self):
        data = Data()
        for change in (
            lambda: setattr(data, "name", "b"),
            lambda: setattr(data, "new", 1),
            lambda: delattr(data, "name"),
        ):
            with pytest.raises(FrozenInstanceError):
                change()
        assert "digits" == data.name


class TestS003Dataclass:
    def test_s003_fields_and_replace(self):
        assert ["name", "path"] == [field.name for field in dataclasses.fields(Data)]
        assert Data(name="b") == dataclasses.replace(Data(), name="b")
        assert {"name": "digits", "path": None} == dataclasses.asdict(Data())

    def test_s003_a_factory_makes_a_fresh_value(self):
        assert Typed().items is not Typed().items

    def test_s003_class_variables_are_no_fields(self):
        assert "shared" not in {field.name for field in dataclasses.fields(Typed)}


def test_s005_a_class_without_create_cannot_be_instantiated():
    class Nothing(furu.Furu[int]):
        x: int = 0

        def _load(self) -> int:
            return 0

    with pytest.raises(TypeError, match="abstract"):
        Nothing()
    with pytest.raises(TypeError, match="abstract"):
        furu.Furu()


def test_s007_defaults_are_validated_so_that_spelled_out_ones_are_the_same():
    """`real: float = 1` is 1.0, said or not."""
    assert (1.0, float) == (Typed().real, type(Typed().real))
    assert Typed().furu_hash == Typed(real=1, path="a", pair=[0, ""]).furu_hash


def test_a_default_of_the_wrong_type_is_refused_like_any_value():
    class Sloppy(furu.Furu[int]):
        limit: int = None  # type: ignore[assignment]

        def _create(self) -> int:
            return 0

    with pytest.raises(FuruConfigError, match="limit: Input should be a valid integer, not None"):
        Sloppy()


class TestRefusedClasses:
    @pytest.mark.parametrize(
        "name", ["get", "exists", "log", "delete", "furu_dir", "furu_hash", "to_dict", "_create", "_furu_hash", "_load"]
    )
    def test_a_field_that_hides_a_name_of_ours(self, name):
        with pytest.raises(FuruConfigError, match=rf"{name}: hides Furu\.{name}"):
            type("Bad", (furu.Furu,), {"__annotations__": {name: int}, "__module__": __name__})

    def test_all_bad_fields_are_named(self):
        with pytest.raises(FuruConfigError) as caught:

            class Bad(furu.Furu[int]):
                get: int
                log: str = ""
                rate: float = pydantic.Field(default=0, alias="learning-rate")
                given: InitVar[int] = 0

        assert ["get", "log", "rate", "given"] == [path for path, _ in caught.value.issues]

    def test_a_mutable_default(self):
        with pytest.raises(FuruConfigError, match=r"mutable default .* use default_factory") as caught:

            class Bad(furu.Furu[int]):
                items: list[int] = []  # noqa: RUF012

        assert "furu.field(default_factory=list)" in caught.value.hints[0]

    def test_a_field_without_annotation(self):
        with pytest.raises(FuruConfigError, match="'lr' is a field but has no type annotation"):

            class Bad(furu.Furu[int]):
                lr = furu.field(default=0.1)

    @pytest.mark.parametrize("name", ["", "/etc", "../up", "a//b", "a b", "a/", ".hidden", 3], ids=str)
    def test_a_name_that_is_no_plain_path(self, name):
        with pytest.raises(FuruConfigError, match="is not a plain path such as"):

            class Bad(furu.Furu[int], name=name):
                pass

    def test_a_version_that_is_no_text(self):
        with pytest.raises(FuruConfigError, match="version must be a str, not 2"):

            class Bad(furu.Furu[int], version=2):  # type: ignore[arg-type]
                pass

    def test_s026_two_classes_in_one_directory(self):
        """By the same `name`, or as `a.b.C` beside `C` in `a.b`."""
        for body in ({}, {"__annotations__": {"x": int}}):
            with pytest.raises(FuruConfigError, match="would share the directory 'tests/support/values/Leaf' with"):
                type("Thief", (furu.Furu,), {**body, "__module__": __name__}, name="tests/support/values/Leaf")

    def test_an_option_that_does_not_exist(self):
        with pytest.raises(TypeError, match="unknown class options resumeable; options are: codec, max_wait_sec"):

            class Bad(furu.Furu[int], resumeable=True):  # type: ignore[call-arg]
                pass


def declare(module: str, qualname: str, **options: Any) -> type[furu.Furu[Any]]:
    """A class as if it stood in that module."""
    body = {"__module__": module, "__qualname__": qualname, "_create": lambda self: 0, "__annotations__": {"x": int}}
    return type(qualname.split(".")[-1], (furu.Furu,), body, **options)


class TestNameAndVersion:
    def test_s008_module_and_qualified_name_take_part(self):
        classes = [declare("m.one", "A"), declare("m.two", "A"), declare("m.one", "B"), declare("m.one", "C.A")]
        assert 4 == len({cls(x=1).furu_hash for cls in classes})

    def test_a_named_class_can_be_moved_and_renamed(self, monkeypatch):
        before = declare("m.old", "Train", name="acme/train")
        furu.core.declare._CLAIMED.pop("acme/train")
        after = declare("m.new", "Trainer", name="acme/train")
        assert before(x=1).furu_hash == after(x=1).furu_hash
        assert before(x=1)._base_furu_dir() == after(x=1)._base_furu_dir()
        assert ("acme", "train") == after(x=1)._base_furu_dir().parts[-3:-1]

    def test_a_class_may_be_defined_again(self):
        assert declare("m.again", "A")(x=1).furu_hash == declare("m.again", "A")(x=1).furu_hash
        assert declare("m.again", "A")(x=1) != declare("m.again", "A")(x=1), "by type: the code may be another"

    def test_a_version_is_identity_and_inherited(self):
        plain, first, second = (declare("m.v", "A", version=version) for version in (None, "1", "2"))
        assert 3 == len({cls(x=1).furu_hash for cls in (plain, first, second)})
        heirs = []
        for base in (first, second):
            heirs.append(type("Heir", (base,), {"__module__": "m.v", "__qualname__": "Heir"}))
        assert 2 == len({heir(x=1).furu_hash for heir in heirs}), "it runs the base's code"

    def test_a_name_is_not_inherited(self):
        base = declare("m.w", "A", name="acme/base")
        heir = type("Heir", (base,), {"__module__": "m.w", "__qualname__": "Heir"})
        assert "m/w/Heir" == heir.__furu_class__.namespace


class TestS025Subclasses:
    def test_s025_fields_are_inherited_added_and_keyword_only(self):
        assert ["name", "path", "more"] == [field.name for field in dataclasses.fields(SubData)]
        with pytest.raises(TypeError):
            SubData("a")

    def test_s025_the_identity_is_another(self):
        class Same(Data):
            pass

        assert Data().furu_hash != Same().furu_hash
        assert Data() != Same()

    def test_abstract_bases_and_generics(self):
        with pytest.raises(TypeError, match="abstract"):
            Grid(cell=1)
        assert 3 == IntGrid(cell=3).get()

    def test_a_generic_config_is_a_field_of_another(self):
        class Holder(furu.Furu[int], Generic[T]):
            grid: Grid[int]
            item: T

            def _create(self) -> int:
                return 0

        grid = IntGrid(cell=1)
        assert grid is Holder(grid=grid, item="a").grid
        assert grid is Holder[str](grid=grid, item="a").grid

    def test_forward_references_and_nested_classes(self):
        assert 5 == Later(after=Last(number=5)).get()
        assert 1 == Outer().get()

    def test_a_class_with_a_forward_reference_checks_like_any_other(self):
        """Also after pydantic has resolved it, which it does at the first instance."""
        for _ in range(2):
            with pytest.raises(FuruConfigError, match="instance of Last"):
                Later(after=3)
            with pytest.raises(FuruConfigError, match="keyword arguments only; its fields are: after"):
                Later(Last())
            assert Later(after=Last()).furu_hash


class TestAsValues:
    def test_equality_and_hash_are_by_type_and_identity(self):
        assert Leaf(value=1) == Leaf(value=1)
        assert Leaf(value=1) != Leaf(value=2)
        assert Leaf(value=1) != Twin(value=1)
        assert Leaf(value=1) != 1
        assert {full(): "a"}[full()] == "a"
        assert 2 == len({Leaf(value=1), Leaf(value=1), Twin(value=1)})

    @pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
    def test_copies_and_pickles_are_equal(self, twin):
        config = full()
        assert config.furu_hash == twin(config).furu_hash
        assert type(config) is type(twin(config))

    def test_a_pickle_carries_no_hash(self):
        """On the other side the class may be another version."""
        config = Data()
        assert config.furu_hash
        assert config.furu_hash.encode() not in pickle.dumps(config)

    def test_repr_shows_nested_configs_to_the_third_level(self):
        assert "Data(name='a', path=None)" == repr(Data(name="a"))
        config = Leaf(value=0)
        for _ in range(200):
            config = Leaf(value=[config, config])
        assert "Leaf(value=[Leaf(value=[Leaf(value=[Leaf(...), Leaf(...)])" == repr(config)[:58]
        assert 300 > len(repr(config))

    def test_repr_leaves_out_fields_that_say_so(self):
        class Secret(furu.Furu[int]):
            token: str = furu.field(default="", repr=False)
            user: str = "me"

            def _create(self) -> int:
                return 0

        assert repr(Secret(token="x")).endswith("Secret(user='me')")


class Keyed(furu.Furu[int]):
    """Chooses its resources; has a field that begins with an underscore."""

    name: str = "a"
    _note: str = ""

    def _create(self) -> int:
        return 0

    def _executor_spec_key(self) -> str:
        return f"gpu-{self._note}"


def test_s013_s007_spec_key_and_underscore_fields_are_not_identity():
    assert Keyed(_note="x").furu_hash == Keyed(_note="y").furu_hash
    assert "default" == Data()._executor_spec_key()
    assert "gpu-x" == Keyed(_note="x")._executor_spec_key()
    assert "_note" not in str(Keyed(_note="x").to_dict())
    assert "gpu" not in str(Keyed(_note="x").to_dict())


def test_a_validator_of_the_user_takes_part():
    class Sorted(furu.Furu[int]):
        names: tuple[str, ...] = furu.field(default=("b", "a"), identity="unless-default")

        @pydantic.field_validator("names")
        @classmethod
        def _in_order(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(sorted(names))

        def _create(self) -> int:
            return 0

    assert 1 == len({Sorted().furu_hash, Sorted(names=("a", "b")).furu_hash, Sorted(names=("b", "a")).furu_hash})
    assert Sorted().furu_hash != Sorted(names=("c",)).furu_hash
