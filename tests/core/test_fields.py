"""Fields of a config: what values they take, keep and refuse, and what `__post_init__` may do."""

from __future__ import annotations

import copy
import dataclasses
import functools
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Optional, TypeVar

import numpy as np
import pydantic
import pytest

import furu
from furu.errors import FuruConfigError
from tests.support.documented import Data, SubData, Train
from tests.support.values import Leaf

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
        [lambda: Train(Data()), Train, lambda: Train(data=Data(), speed=1), lambda: Data("a", "b")],
        ids="positional missing unknown two-positional".split(),
    )
    def test_s001_anything_else_is_a_type_error(self, call):
        with pytest.raises(TypeError, match=r"fields are|missing"):
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


class Sized(furu.Furu[int]):
    """Makes a field itself, and refuses values that don't fit each other."""

    low: int = 0
    high: int = 1
    size: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError("high must not be below low")
        object.__setattr__(self, "size", self.high - self.low)

    @functools.cached_property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def _create(self) -> int:
        return self.size


class TestPostInit:
    def test_it_may_check_and_derive(self):
        sized = Sized(high=4)
        assert (4, 2.0) == (sized.size, sized.middle)
        with pytest.raises(FuruConfigError, match=r"Sized can't be built:\s+Value error, high must not be below low"):
            Sized(low=2)

    def test_what_is_derived_is_no_identity(self):
        sized = Sized(high=4)
        assert sized.middle
        assert sized.furu_hash == Sized(high=4).furu_hash == copy.copy(sized).furu_hash
        assert {"low", "high"} == set(sized.to_dict()["fields"])
        assert 4 == Sized.from_dict(sized.to_dict()).size


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
